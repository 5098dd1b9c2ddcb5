/** From y to stored values: VAL-2 to VAL-4 and VAL-7. */
import { allocate } from "../outcome.mjs";
import { store } from "../items/dtypes.mjs";

/**
 * @param {ArrayLike<number>} y samples of one component
 * @param {import("../items/item.mjs").Component} component
 * @returns {Float64Array} x (VAL-2)
 */
export function denormalise(y, { offset, scale }) {
  const x = allocate(Float64Array, y.length);
  if (scale === 0) return x.fill(offset);
  for (let index = 0; index < x.length; index++) {
    const value = y[index];
    x[index] = offset + scale * (value > -1 ? (value < 1 ? value : 1) : -1);
  }
  return x;
}

/** Adds residuals in place (VAL-7). @param {Float64Array} x @param {number} step @param {Int32Array} residuals */
export function addResiduals(x, step, residuals) {
  for (let index = 0; index < x.length; index++) {
    const sum = x[index] + step * residuals[index];
    if (!Number.isNaN(sum)) x[index] = sum;
  }
}

/**
 * @param {Float64Array} x
 * @param {import("../items/dtypes.mjs").Dtype} dtype
 * @returns {Uint8Array} bytes of the stored values in the order of this machine, which is little-endian
 */
export function storedBytes(x, dtype) {
  return new Uint8Array(store(x, dtype).buffer);
}

/**
 * Gives invalid samples their bit patterns (VAL-4).
 * @param {Uint8Array} bytes of stored values
 * @param {number} size of one in bytes
 * @param {import("../masks/mask.mjs").Mask} mask
 */
export function setPatterns(bytes, size, mask) {
  let invalid = 0;
  for (let index = 0; index < mask.bits.length; index++) {
    if (mask.bits[index] === 1) continue;
    bytes.set(patternOf(mask, invalid++), index * size);
  }
}

/** @param {import("../masks/mask.mjs").Mask} mask @param {number} invalid number of the invalid sample */
export function patternOf(mask, invalid) {
  return mask.patterns[mask.patternIndices === null ? 0 : mask.patternIndices[invalid]];
}
