/** The grid of `fvsrn` from its wavelet coefficients (fvsrn.md, "The grid from its coefficients"). */
import { allocate } from "../outcome.mjs";
import { product } from "./config.mjs";
import { Lines, WAVELET_53, WAVELET_97 } from "./lifting.mjs";

const halve = (box) => box.map((length) => Math.ceil(length / 2));

/**
 * @param {object} model of the architecture
 * @param {{values: Float32Array}[]} coefficients the low band, then details from the coarsest level on
 * @returns {Float64Array} (F, G_1, ..., G_d)
 */
export function composeGrid({ grid, features, wavelet }, coefficients) {
  const boxes = [grid];
  for (let level = 1; level <= wavelet.levels; level++) boxes.push(halve(boxes[level - 1]));
  const constants = wavelet.number === 1 ? WAVELET_97 : WAVELET_53;
  const size = product(grid);
  const result = allocate(Float64Array, features * size);
  for (let feature = 0; feature < features; feature++) {
    const slice = ({ values }) => values.subarray((feature * values.length) / features, ((feature + 1) * values.length) / features);
    let box = Float64Array.from(slice(coefficients[0]));
    for (let level = wavelet.levels; level >= 1; level--) {
      box = refine(box, slice(coefficients[1 + wavelet.levels - level]), boxes[level - 1], constants);
    }
    result.set(box, feature * size);
  }
  return result;
}

/** One level: the boxes put together, and every line synthesised. */
function refine(low, details, lengths, constants) {
  const target = allocate(Float64Array, product(lengths));
  const coarse = halve(lengths);
  let next = 0;
  for (let orientation = 0; orientation < 2 ** lengths.length; orientation++) {
    const high = lengths.map((_, axis) => (orientation >> (lengths.length - 1 - axis)) & 1);
    const box = lengths.map((length, axis) => (high[axis] ? length - coarse[axis] : coarse[axis]));
    const start = high.map((bit, axis) => bit * coarse[axis]);
    const count = product(box);
    if (orientation === 0) place(low, target, box, start, lengths);
    else {
      place(details.subarray(next, next + count), target, box, start, lengths);
      next += count;
    }
  }
  lengths.forEach((length, axis) => {
    if (length === 1) return;
    const width = product(lengths.slice(axis + 1));
    const lines = new Lines(length, width, constants);
    for (let i = 0; i < target.length; i += length * width) lines.synthesise(target, i, width);
  });
  return target;
}

/** Copies a box into a larger array. */
function place(source, target, box, start, lengths) {
  for (let index = 0; index < source.length; index++) {
    let rest = index;
    let at = 0;
    let step = 1;
    for (let axis = box.length - 1; axis >= 0; axis--) {
      at += (start[axis] + (rest % box[axis])) * step;
      rest = Math.floor(rest / box[axis]);
      step *= lengths[axis];
    }
    target[at] = source[index];
  }
}
