/** Bases of `pyramid`: learned ones from their bits (PYR-3), and the cosine basis. */
import { malformed } from "../outcome.mjs";
import { BitReader } from "../container/bytes.mjs";

/**
 * @typedef {object} Basis
 * @property {number} length N
 * @property {number} rank columns that are not 0
 * @property {(row: number, column: number) => number} entry
 */

/** @param {*} value of key 4 @param {number} length N @returns {Basis} */
export function readBasis(value, length) {
  if (!(value instanceof Uint8Array)) throw malformed("a basis that is no byte string (PYR-3)");
  const bits = new BitReader(value);
  const rank = bits.bits(16);
  if (rank > length) throw malformed(`a basis of rank ${rank} for ${length} samples (PYR-3)`);
  if (rank * (8 + 2 * length) > value.length * 8) throw malformed("a basis ends too early (PYR-3)");
  const columns = new Float64Array(rank * length);
  for (let column = 0; column < rank; column++) readColumn(bits, columns.subarray(column * length, (column + 1) * length));
  bits.expectPadding("a basis");
  return { length, rank, entry: (row, column) => columns[column * length + row] };
}

function readColumn(bits, target) {
  const scale = 2 ** bits.bits(4);
  const need = bits.bits(4);
  if (need < 1) throw malformed("a basis whose entries have no bits (PYR-3)");
  for (let row = 0; row < target.length; row++) {
    const negative = bits.bits(1) === 1;
    const magnitude = bits.bits(need);
    if (negative && magnitude === 0) throw malformed("a negative 0 in a basis (PYR-3)");
    target[row] = (negative ? -magnitude : magnitude) / scale;
  }
}

/** @param {number} length N @returns {Basis} */
export function cosineBasis(length) {
  const turn = 4 * length;
  const cosines = Float64Array.from({ length: turn }, (_, index) => Math.cos((Math.PI * index) / (2 * length)));
  const [first, others] = [Math.sqrt(1 / length), Math.sqrt(2 / length)];
  const entry = (row, column) => (column === 0 ? first : others) * cosines[((2 * row + 1) * column) % turn];
  return { length, rank: length, entry };
}
