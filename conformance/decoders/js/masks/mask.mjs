/** MASK sections (inrc-1.md, section 8). */
import { allocate, malformed, unsupported } from "../outcome.mjs";
import { BitReader, ByteReader, hexadecimal } from "../container/bytes.mjs";
import { checkLimit } from "../limits.mjs";
import { ARRAY, STATIC_ARRAY, readStream } from "../entropy/streams.mjs";
import { decodeContextBits } from "./context.mjs";
import { decodeMixedBits } from "./mixed.mjs";

export const VALIDITY = 0;
export const SPARSITY = 1;

/**
 * @typedef {object} Mask
 * @property {number} purpose
 * @property {number[]} shape
 * @property {Uint8Array} bits one byte (0 or 1) a sample of the full shape, in C order
 * @property {number} ones
 * @property {number} patternBytes 0 for a sparsity mask
 * @property {Uint8Array[]} patterns
 * @property {Int32Array | null} patternIndices one for each invalid sample; null with fewer than two patterns
 */

/**
 * @param {Uint8Array} payload
 * @param {import("../limits.mjs").Account} account samples of all masks
 * @param {import("../limits.mjs").Limits} limits
 * @param {import("../container/compression.mjs").Decompressors} decompressors
 * @returns {Mask}
 */
export function readMask(payload, account, limits, decompressors) {
  const reader = new ByteReader(payload);
  const purpose = reader.byte();
  if (purpose > SPARSITY) throw unsupported(`a mask of purpose ${purpose} (MASK-1)`);
  const { shape, codedShape } = readShape(reader);
  const method = reader.byte();
  if (method > 2) throw unsupported(`masks of method ${method} (MASK-3)`);
  const data = reader.take(reader.uleb());
  account.add(shape.reduce((product, size) => product * size, 1));
  const coded = [decodePackedBits, decodeContextBits, decodeMixedBits][method](codedShape, data);
  const bits = expand(coded, codedShape, shape);
  let ones = 0;
  for (let index = 0; index < bits.length; index++) ones += bits[index];
  const patterns = purpose === VALIDITY ? readPatterns(reader, bits.length - ones, limits, decompressors) : NO_PATTERNS;
  reader.expectEnd("a mask (MASK-1)");
  return { purpose, shape, bits, ones, ...patterns };
}

const NO_PATTERNS = { patternBytes: 0, patterns: [], patternIndices: null };

function readShape(reader) {
  const axes = reader.byte();
  if (axes < 1 || axes > 8) throw malformed(`a mask of ${axes} axes (MASK-1)`);
  const shape = Array.from({ length: axes }, () => reader.uleb());
  if (shape.some((size) => size < 1)) throw malformed("a mask with an axis of no samples (MASK-1)");
  const constant = reader.byte();
  if (constant >> axes !== 0) throw malformed("a constant axis that there is not (MASK-2)");
  return { shape, codedShape: shape.map((size, axis) => ((constant >> axis) & 1 ? 1 : size)) };
}

function decodePackedBits(shape, data) {
  const count = shape.reduce((product, size) => product * size, 1);
  if (data.length !== Math.ceil(count / 8)) throw malformed(`${data.length} bytes of packed bits (MASK-3)`);
  const bits = allocate(Uint8Array, count);
  for (let index = 0; index < count; index++) bits[index] = (data[index >> 3] >> (7 - (index & 7))) & 1;
  const rest = new BitReader(data);
  rest.position = count;
  rest.expectPadding("a mask");
  return bits;
}

/** Repeats the mask along constant axes. */
function expand(coded, codedShape, shape) {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count === coded.length) return coded;
  const bits = allocate(Uint8Array, count);
  const steps = codedShape.map((size, axis) =>
    size === 1 ? 0 : codedShape.slice(axis + 1).reduce((product, length) => product * length, 1),
  );
  const at = shape.map(() => 0);
  let source = 0;
  for (let index = 0; index < count; index++) {
    bits[index] = coded[source];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += steps[axis];
      if (++at[axis] < shape[axis]) break;
      source -= steps[axis] * shape[axis];
      at[axis] = 0;
    }
  }
  return bits;
}

function readPatterns(reader, invalid, limits, decompressors) {
  const patternBytes = reader.byte();
  if (![1, 2, 4, 8].includes(patternBytes)) throw malformed(`patterns of ${patternBytes} bytes (MASK-4)`);
  const count = reader.uleb();
  if (count < 1) throw malformed("a validity mask without patterns (MASK-4)");
  const all = reader.take(count * patternBytes);
  const patterns = Array.from({ length: count }, (_, index) => all.slice(index * patternBytes, (index + 1) * patternBytes));
  if (new Set(patterns.map(hexadecimal)).size !== count) throw malformed("two patterns are equal (MASK-4)");
  if (count === 1) return { patternBytes, patterns, patternIndices: null };
  const reserve = (length, coder) => {
    if (coder === ARRAY || coder === STATIC_ARRAY) checkLimit("integers of an array (STR-9, STR-12)", length, limits.parameters);
    if (length !== invalid) throw malformed(`${length} pattern indices for ${invalid} invalid samples (MASK-4)`);
  };
  const patternIndices = readStream(reader, { reserve }, decompressors);
  if (patternIndices.some((index) => index < 0 || index >= count)) throw malformed("a pattern that there is not (MASK-4)");
  return { patternBytes, patterns, patternIndices };
}
