/** Integer tables of entropy coding and their two models (inrc-1.md, sections 7 and 7.1). */
import { malformed } from "../outcome.mjs";
import { BitReader, unzigzag } from "../container/bytes.mjs";
import { LAPLACE_CLASSES } from "./registry.mjs";

const TOTAL_BITS = 24;
const TOTAL = 2 ** TOTAL_BITS;
const LOOKUP_BITS = 12;

/** Frequencies that add up to 2^24, with a fast way from a number below 2^24 to its symbol. */
export class FrequencyTable {
  /** @param {ArrayLike<number>} frequencies each at least 1, with sum 2^24 */
  constructor(frequencies) {
    const count = frequencies.length;
    this.starts = new Int32Array(count + 1);
    for (let symbol = 0; symbol < count; symbol++) this.starts[symbol + 1] = this.starts[symbol] + frequencies[symbol];
    this.lookup = new Uint16Array(2 ** LOOKUP_BITS);
    let symbol = 0;
    for (let index = 0; index < this.lookup.length; index++) {
      const position = index << (TOTAL_BITS - LOOKUP_BITS);
      while (this.starts[symbol + 1] <= position) symbol++;
      this.lookup[index] = symbol;
    }
  }

  /** @param {number} position below 2^24 @returns {number} the symbol whose share holds it */
  symbolAt(position) {
    let symbol = this.lookup[position >> (TOTAL_BITS - LOOKUP_BITS)];
    let end = symbol + 1;
    if (this.starts[end] > position) return symbol;
    let step = 1;
    while (end + step < this.starts.length && this.starts[end + step] <= position) {
      end += step;
      step *= 2;
    }
    let high = Math.min(end + step, this.starts.length - 1);
    symbol = end;
    while (high - symbol > 1) {
      const middle = (symbol + high) >> 1;
      if (this.starts[middle] <= position) symbol = middle;
      else high = middle;
    }
    return symbol;
  }
}


/**
 * Reads the parameters of model 0 (TAB-1, TAB-2).
 * @param {import("../container/bytes.mjs").ByteReader} reader
 * @returns {{offset: number, table: FrequencyTable}}
 */
export function readStaticModel(reader) {
  const offset = unzigzag(reader.uleb());
  const count = reader.uleb();
  const order = reader.byte();
  if (count < 2 || count > 65536) throw malformed(`a table of ${count} symbols (TAB-1)`);
  if (order > 7) throw malformed(`Golomb codes of order ${order} (TAB-1)`);
  const counts = readGolombCounts(reader, count, order);
  let sum = 0;
  let greatest = 0;
  counts.forEach((value, symbol) => {
    sum += value;
    if (value > counts[greatest]) greatest = symbol;
  });
  if (sum < 1) throw malformed("a table without counts (TAB-1)");
  const frequencies = counts.map((value) => 1 + floorOfShare(value, TOTAL - count, sum));
  frequencies[greatest] += TOTAL - frequencies.reduce((total, value) => total + value, 0);
  return { offset, table: new FrequencyTable(frequencies) };
}

/** floor(value * factor / sum) for value <= sum < 2^48 and factor < 2^24: in two steps, so that 53 bits suffice. */
function floorOfShare(value, factor, sum) {
  if (value < 2 ** 28) return Math.floor((value * factor) / sum);
  return Number((BigInt(value) * BigInt(factor)) / BigInt(sum));
}

function readGolombCounts(reader, count, order) {
  const bits = new BitReader(reader.bytes.subarray(reader.position, reader.end));
  const counts = new Float64Array(count);
  for (let symbol = 0; symbol < count; symbol++) {
    let zeros = 0;
    while (bits.bits(1) === 0) if (++zeros > 32) throw malformed("a Golomb code of too many zeros (TAB-1)");
    const quotient = 2 ** zeros + bits.bits(zeros) - 1;
    counts[symbol] = quotient * 2 ** order + bits.bits(order);
    if (counts[symbol] >= 2 ** 32) throw malformed("a count of more than 32 bits (TAB-1)");
  }
  if (bits.bits((8 - (bits.position % 8)) % 8) !== 0) throw malformed("padding of counts is not 0 (TAB-1)");
  reader.position += bits.position / 8;
  return counts;
}

const laplaceTables = new Map();

/**
 * The table of a class (LAP-2): symbol s stands for s - half, the last one is the escape.
 * @param {number} number 0 to 63
 * @returns {{shift: number, half: number, table: FrequencyTable}}
 */
export function laplaceModel(number) {
  if (number >= LAPLACE_CLASSES.length) throw malformed(`class ${number} (LAP-1)`);
  if (!laplaceTables.has(number)) laplaceTables.set(number, makeLaplaceModel(...LAPLACE_CLASSES[number]));
  return laplaceTables.get(number);
}

function makeLaplaceModel(shift, half, tail, ratio) {
  const count = 2 * half + 2;
  const masses = [Math.floor(tail / 4)];
  for (let i = 0; i < half; i++) masses.push(Number((BigInt(masses[i]) * BigInt(ratio)) >> 32n));
  const frequency = (weight) => 1 + Math.floor((weight * (TOTAL - count)) / 2 ** 30);
  const frequencies = new Float64Array(count);
  frequencies[half] = frequency(2 ** 30 - masses[0]);
  for (let i = 1; i <= half; i++) {
    frequencies[half + i] = frequencies[half - i] = frequency(Math.floor((masses[i - 1] - masses[i]) / 2));
  }
  frequencies[2 * half + 1] = frequency(masses[half]);
  frequencies[half] += TOTAL - frequencies.reduce((total, value) => total + value, 0);
  return { shift, half, table: new FrequencyTable(frequencies) };
}
