/** Head of a stream of the static coder: edges, differences, weights, tables (inrc-1.md, section 7.6). */
import { malformed } from "../outcome.mjs";
import { BitReader } from "../container/bytes.mjs";
import { STATIC_WEIGHTS } from "./registry.mjs";
import { StaticTables } from "./static_tables.mjs";

const ORIENTATIONS = 16;
const PARENT = 8;
const SIBLINGS = 9;
const SIGNED = 10;
const SLICE_BEFORE = 6;
/** How many positions each of T_0..T_6 has. */
const TAP_COUNTS = [1, 2, 1, 2, 2, 2, 1];
const MOST_MAGNITUDE_WEIGHT = 178;
const MOST_SIGN_WEIGHT = 258;

/** Weights that the bands of an item had last, by orientation. */
export class WeightMemory {
  constructor() {
    this.byOrientation = Array.from({ length: ORIENTATIONS }, () => Int32Array.from(STATIC_WEIGHTS));
  }

  /**
   * @param {BitReader} bits
   * @param {import("./lattice.mjs").Band} band
   * @param {{parent: object | null, siblings: object[]}} relatives
   * @returns {Int32Array} w_0..w_9, v_0..v_6
   */
  read(bits, band, relatives) {
    const last = this.byOrientation[band.orientation];
    if (bits.bits(1) === 0) return last;
    const weights = last.map((weight, number) => {
      if (!isGiven(number, band, relatives)) return weight;
      return number < SIGNED ? bits.bits(6) : (bits.bits(6) << 26) >> 26;
    });
    checkWeights(weights);
    this.byOrientation[band.orientation] = weights;
    return weights;
  }
}

function isGiven(number, band, { parent, siblings }) {
  if (number === PARENT) return parent !== null;
  if (number === SIBLINGS) return siblings.length > 0;
  return band.lengths[0] > 1 || (number !== SLICE_BEFORE && number !== SIGNED + SLICE_BEFORE);
}

function checkWeights(weights) {
  const total = (first) => TAP_COUNTS.reduce((sum, count, tap) => sum + count * Math.abs(weights[first + tap]), 0);
  if (total(0) > MOST_MAGNITUDE_WEIGHT || total(SIGNED) > MOST_SIGN_WEIGHT) throw malformed("weights too great (STA-2)");
}

/**
 * @param {import("../container/bytes.mjs").ByteReader} reader at the data of a stream; ends behind the head
 * @param {import("./lattice.mjs").Band[]} bands of the stream
 * @param {WeightMemory} memory
 * @param {(band: import("./lattice.mjs").Band) => object} relativesOf
 */
export function readStaticHead(reader, bands, memory, relativesOf) {
  const bits = new BitReader(reader.bytes.subarray(reader.position, reader.end));
  const edges = Array.from({ length: 4 }, () => 2 ** bits.bits(4));
  const differences = bands[0].orientation === 0 ? bits.bits(4) : 0;
  const weights = bands.map((band) => memory.read(bits, band, relativesOf(band)));
  const tables = new StaticTables(bits);
  if (bits.bits((8 - (bits.position % 8)) % 8) !== 0) throw malformed("padding of a head is not 0 (STA-1)");
  reader.position += bits.position / 8;
  return { edges, differences, weights, tables };
}
