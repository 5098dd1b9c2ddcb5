/** VERB: variables kept verbatim (inrc-1.md, section 9). */
import { allocate, malformed, unsupported } from "../outcome.mjs";
import { isUnsigned } from "../container/cbor.mjs";

const TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "f2", "f4", "f8", "u8", "i8", "S1"];
const MOST_AXES = 32;
const LAST_FILTER = 3;

/**
 * @typedef {object} Variable
 * @property {string} path
 * @property {string} type a name of the registry, or "text"
 * @property {number[]} shape
 * @property {Uint8Array | null} bytes values in C order, little-endian; null for text
 * @property {string[] | null} texts
 */

/** @param {*} cbor one payload @returns {Variable[]} */
export function readVariables(cbor) {
  if (!Array.isArray(cbor)) throw malformed("VERB is no array (VERB-1)");
  return cbor.map((entry) => {
    if (!Array.isArray(entry) || typeof entry[0] !== "string") throw malformed("an entry of VERB (VERB-1)");
    if (entry.length === 3) return readText(entry);
    if (entry.length === 5) return readNumbers(entry);
    throw malformed("an entry of VERB of another length (VERB-1)");
  });
}

/** @param {Variable[]} variables of all sections */
export function checkPaths(variables) {
  if (new Set(variables.map(({ path }) => path)).size !== variables.length) throw malformed("two equal paths (VERB-1)");
}

function countOf(shape) {
  if (!Array.isArray(shape) || shape.length > MOST_AXES || !shape.every(isUnsigned)) throw malformed("a shape (VERB-1)");
  const sizes = shape.map(Number);
  return sizes.includes(0) ? 0 : sizes.reduce((product, size) => product * size, 1);
}

function readText([path, shape, texts]) {
  const fits = Array.isArray(texts) && texts.every((text) => typeof text === "string");
  if (!fits || texts.length !== countOf(shape)) throw malformed("texts of a variable (VERB-1)");
  return { path, type: "text", shape: shape.map(Number), bytes: null, texts };
}

function readNumbers([path, type, shape, filter, data]) {
  if (!isUnsigned(type) || !isUnsigned(filter) || !(data instanceof Uint8Array)) throw malformed("a variable (VERB-1)");
  const count = countOf(shape);
  if (type >= TYPES.length) throw unsupported(`type ${type} of a variable (VERB-2)`);
  if (filter > LAST_FILTER) throw unsupported(`filter ${filter} of a variable (VERB-3)`);
  const name = TYPES[type];
  const size = Number(name[1]);
  if (data.length !== count * size) throw malformed(`a variable of ${data.length} bytes (VERB-2)`);
  const bytes = filter === 0 ? data.slice() : unshuffle(data, size);
  for (let round = 1; round < filter; round++) undoDifference(bytes, size);
  return { path, type: name, shape: shape.map(Number), bytes, texts: null };
}

function unshuffle(data, size) {
  const bytes = allocate(Uint8Array, data.length);
  const count = data.length / size;
  for (let byte = 0; byte < size; byte++) {
    for (let index = 0; index < count; index++) bytes[index * size + byte] = data[byte * count + index];
  }
  return bytes;
}

/** Sums of little-endian numbers, each with the one before it. */
function undoDifference(bytes, size) {
  for (let index = size; index < bytes.length; index += size) {
    let carry = 0;
    for (let byte = index; byte < index + size; byte++) {
      carry += bytes[byte] + bytes[byte - size];
      bytes[byte] = carry;
      carry >>= 8;
    }
  }
}
