/** Reading the config of an architecture: keys and ranges (ITEM-5). */
import { malformed, unsupported } from "../outcome.mjs";
import { CborFloat, isIntegerIn } from "../container/cbor.mjs";

/**
 * What an architecture may know of an item.
 * @typedef {object} Field
 * @property {number} components C
 * @property {number[]} sizes of all dims
 * @property {number[]} active sizes of the dims above 1
 */

/**
 * What the config of an item implies.
 * @typedef {object} Model
 * @property {number[][]} tensors shapes
 * @property {number} multiplyAdds per position
 * @property {import("../entropy/lattice.mjs").Lattice} [lattice] of tensor 0
 * @property {import("../entropy/octree.mjs").OctreeShape} [octree] of tensor 0
 * @property {number[]} [plain] tensors whose quantisation is one step, 1, with zero 0, and that have no mask
 */

/** Checks that there are all required keys and no unknown ones. */
export function checkKeys(config, required, optional = []) {
  for (const key of config.keys()) {
    if (typeof key === "string") throw malformed("a config key that is text (ITEM-5)");
    if (!required.includes(key) && !optional.includes(key)) throw unsupported(`config key ${key} (ITEM-5)`);
  }
  for (const key of required) if (!config.has(key)) throw malformed(`no config key ${key}`);
}

/** @returns {number} */
export function integerIn(value, least, most, what) {
  if (!isIntegerIn(value, least, most)) throw malformed(`${what} is not an integer from ${least} to ${most}`);
  return Number(value);
}

/** @returns {number[]} */
export function integersIn(value, count, least, most, what) {
  if (!Array.isArray(value) || value.length !== count) throw malformed(`${what} is not an array of ${count}`);
  return value.map((entry) => integerIn(entry, least, most, what));
}

/** @returns {number} a finite float32 */
export function float32(value, what) {
  const exact = value instanceof CborFloat && Number.isFinite(value.value) && Math.fround(value.value) === value.value;
  if (!exact) throw malformed(`${what} is not a finite float32`);
  return value.value;
}

/** Checks the number of active axes. @returns {number} d */
export function activeAxes(field, least, most) {
  const axes = field.active.length;
  if (axes < least || axes > most) throw malformed(`${axes} axes of size > 1`);
  return axes;
}

/** @param {number[]} numbers */
export const product = (numbers) => numbers.reduce((result, number) => result * number, 1);

/** Shapes of the matrices (and vectors) of a fully connected network, from its widths. */
export function denseLayers(widths, biases) {
  const tensors = [];
  for (let layer = 1; layer < widths.length; layer++) {
    tensors.push([widths[layer], widths[layer - 1]]);
    if (biases) tensors.push([widths[layer]]);
  }
  return tensors;
}

/** @param {number[][]} tensors @returns {number} entries of those with two axes */
export const matrixEntries = (tensors) =>
  tensors.filter((shape) => shape.length === 2).reduce((sum, shape) => sum + product(shape), 0);
