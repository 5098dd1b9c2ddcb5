/** How integers become parameters (ITEM-7, ITEM-9, ITEM-13). */
import { allocate, malformed, unsupported } from "../outcome.mjs";
import { CborFloat, isIntegerIn } from "../container/cbor.mjs";

const MOST_ENTRIES = 65536;

/**
 * @typedef {object} Quantisation
 * @property {number[]} steps one, or one per slice of the first axis
 * @property {boolean} perSlice
 * @property {number} zero
 * @property {Int16Array | null} codebook
 * @property {number} first integer of the codebook
 */

function readStep(value) {
  const fits = value instanceof CborFloat && value.value > 0 && Number.isFinite(value.value);
  if (!fits || Math.fround(value.value) !== value.value) throw malformed("a step (ITEM-7)");
  return value.value;
}

/** @param {*} entry of key 3 @returns {Quantisation} */
export function readQuantisation(entry) {
  const plain = { perSlice: false, zero: 0, codebook: null, first: 0 };
  if (!Array.isArray(entry)) return { ...plain, steps: [readStep(entry)] };
  const [kind, step, number, book] = entry;
  if (!isIntegerIn(kind, 0, 255)) throw malformed("a quantisation (ITEM-7)");
  if (kind === 1) {
    if (entry.length < 2) throw malformed("a quantisation without steps (ITEM-7)");
    return { ...plain, perSlice: true, steps: entry.slice(1).map(readStep) };
  }
  if (kind > 2) throw unsupported(`quantisation ${kind} (ITEM-7)`);
  if (entry.length !== kind + (kind === 0 ? 3 : 2)) throw malformed("a quantisation of another length (ITEM-7)");
  const steps = [readStep(step)];
  if (kind === 2) return { ...plain, steps, ...readCodebook(number, book) };
  if (!isIntegerIn(number, -(2 ** 31), 2 ** 31 - 1)) throw malformed("a zero (ITEM-7)");
  return { ...plain, steps, zero: number };
}

function readCodebook(first, bytes) {
  if (!isIntegerIn(first, -65535, 0)) throw malformed("the first integer of a codebook (ITEM-13)");
  const fits = bytes instanceof Uint8Array && bytes.length % 2 === 0 && bytes.length > 0 && bytes.length <= 2 * MOST_ENTRIES;
  if (!fits) throw malformed("a codebook (ITEM-13)");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const codebook = Int16Array.from({ length: bytes.length / 2 }, (_, index) => view.getInt16(2 * index, true));
  return { first, codebook };
}

/**
 * @param {number[]} shape of the tensor
 * @param {Quantisation} quantisation
 * @param {Int32Array} coded the coded entries in C order
 * @param {Uint8Array | null} mask of the tensor's shape, or of one slice of it
 * @returns {Float32Array} parameters, 0 where nothing is coded
 */
export function dequantise(shape, quantisation, coded, mask) {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = allocate(Float32Array, count);
  const { steps, zero, codebook, first, perSlice } = quantisation;
  const slice = count / shape[0];
  let next = 0;
  for (let index = 0; index < count; index++) {
    if (mask !== null && mask[index % mask.length] === 0) continue;
    let number = coded[next++];
    if (codebook === null) number -= zero;
    else {
      if (number < first || number >= first + codebook.length) throw malformed(`integer ${number} beyond its codebook (ITEM-13)`);
      number = codebook[number - first];
    }
    values[index] = number * steps[perSlice ? Math.floor(index / slice) : 0];
    if (!Number.isFinite(values[index])) throw malformed("a parameter that is not finite (ITEM-9)");
  }
  return values;
}
