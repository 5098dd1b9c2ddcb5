/** FSE tables of zstd (RFC 8878, 4.1). */
import { malformed } from "../outcome.mjs";
import { ForwardBits } from "./bits.mjs";

/**
 * @typedef {object} FseTable
 * @property {number} accuracy
 * @property {Uint8Array} symbols by state
 * @property {Uint8Array} bits to read for the next state
 * @property {Uint16Array} bases of the next state
 */

/**
 * @param {Uint8Array} bytes that begin with a table description
 * @param {number} mostAccuracy
 * @param {number} mostSymbol
 * @returns {{table: FseTable, size: number}} size in bytes
 */
export function readFseTable(bytes, mostAccuracy, mostSymbol) {
  const bits = new ForwardBits(bytes);
  const accuracy = bits.read(4) + 5;
  if (accuracy > mostAccuracy) throw malformed(`a zstd table of accuracy ${accuracy}`);
  const counts = [];
  let remaining = 1 << accuracy;
  while (remaining > 0) {
    const count = readCount(bits, remaining);
    counts.push(count);
    remaining -= Math.abs(count);
    if (count === 0) skipZeros(bits, counts);
    if (counts.length > mostSymbol + 1) throw malformed("a zstd table of too many symbols");
    bits.bytesRead();
  }
  return { table: buildFseTable(counts, accuracy), size: bits.bytesRead() };
}

function readCount(bits, remaining) {
  const width = 32 - Math.clz32(remaining + 1);
  const half = 1 << (width - 1);
  const threshold = 2 * half - 1 - (remaining + 1);
  const low = bits.read(width - 1);
  if (low < threshold) return low - 1;
  return (bits.read(1) ? low + half - threshold : low) - 1;
}

function skipZeros(bits, counts) {
  let repeat;
  do {
    repeat = bits.read(2);
    for (let i = 0; i < repeat; i++) counts.push(0);
  } while (repeat === 3 && counts.length < 300);
}

/**
 * @param {ArrayLike<number>} counts by symbol; -1 is "less than one"
 * @param {number} accuracy
 * @returns {FseTable}
 */
export function buildFseTable(counts, accuracy) {
  const size = 1 << accuracy;
  const symbols = new Uint8Array(size);
  const next = new Uint16Array(counts.length);
  let high = size;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    next[symbol] = Math.abs(counts[symbol]);
    if (counts[symbol] === -1) symbols[--high] = symbol;
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let position = 0;
  for (let symbol = 0; symbol < counts.length; symbol++) {
    for (let i = 0; i < counts[symbol]; i++) {
      symbols[position] = symbol;
      do position = (position + step) & (size - 1);
      while (position >= high);
    }
  }
  const bits = new Uint8Array(size);
  const bases = new Uint16Array(size);
  for (let state = 0; state < size; state++) {
    const rank = next[symbols[state]]++;
    bits[state] = accuracy - 31 + Math.clz32(rank);
    bases[state] = (rank << bits[state]) - size;
  }
  return { accuracy, symbols, bits, bases };
}

/** @param {number} symbol @returns {FseTable} the table of one symbol, which needs no bits */
export function singleSymbolTable(symbol) {
  return { accuracy: 0, symbols: Uint8Array.of(symbol), bits: new Uint8Array(1), bases: new Uint16Array(1) };
}
