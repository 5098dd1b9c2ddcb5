/** Stored dtypes (ITEM-2), and how x becomes a stored value (VAL-3). */
import { allocate } from "../outcome.mjs";

/**
 * @typedef {object} Dtype
 * @property {string} name
 * @property {number} size in bytes
 * @property {string} numpy as NumPy writes it
 * @property {new (length: number) => ArrayLike<number>} array that keeps it; float16 as its bits
 */

/** @type {Dtype[]} by number */
export const DTYPES = [
  { name: "u1", size: 1, numpy: "|u1", array: Uint8Array },
  { name: "i1", size: 1, numpy: "|i1", array: Int8Array },
  { name: "u2", size: 2, numpy: "<u2", array: Uint16Array },
  { name: "i2", size: 2, numpy: "<i2", array: Int16Array },
  { name: "u4", size: 4, numpy: "<u4", array: Uint32Array },
  { name: "i4", size: 4, numpy: "<i4", array: Int32Array },
  { name: "f2", size: 2, numpy: "<f2", array: Uint16Array },
  { name: "f4", size: 4, numpy: "<f4", array: Float32Array },
  { name: "f8", size: 8, numpy: "<f8", array: Float64Array },
];

const LARGEST_FLOAT32 = (2 - 2 ** -23) * 2 ** 127;
const LARGEST_FLOAT16_BITS = 0x7bff;

/**
 * @param {Float64Array} x
 * @param {Dtype} dtype
 * @returns {ArrayLike<number>} an array of `dtype.array`
 */
export function store(x, dtype) {
  const values = allocate(dtype.array, x.length);
  const convert = CONVERSIONS[dtype.name] ?? integerConversion(dtype);
  for (let index = 0; index < x.length; index++) values[index] = convert(x[index]);
  return values;
}

const CONVERSIONS = {
  f2: float16Bits,
  f4: (x) => Math.min(Math.max(Math.fround(x), -LARGEST_FLOAT32), LARGEST_FLOAT32),
  f8: (x) => Math.min(Math.max(x, -Number.MAX_VALUE), Number.MAX_VALUE),
};

/** @param {number} x @returns {number} bits of the nearest float16, ties to even, cut off at the largest one */
export function float16Bits(x) {
  const magnitude = Math.abs(x);
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  if (magnitude >= 65504) return sign | LARGEST_FLOAT16_BITS;
  const exponent = magnitude < 2 ** -14 ? -14 : 31 - Math.clz32(magnitude * 2 ** 14) - 14;
  const fraction = roundHalfEven(magnitude * 2 ** (10 - exponent));
  return sign | (fraction + (exponent + 14) * 1024);
}

/** @param {number} x @returns {number} */
export function roundHalfEven(x) {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

function integerConversion({ name, size }) {
  const least = name[0] === "u" ? 0 : -(2 ** (8 * size - 1));
  const most = least + 2 ** (8 * size) - 1;
  return (x) => Math.min(Math.max(roundHalfEven(x), least), most);
}
