/** From coefficients to samples (pyramid.md, "Evaluation"), at level 0. */
import { allocate } from "../outcome.mjs";
import { halved } from "../entropy/lattice.mjs";
import { product } from "./config.mjs";
import { Lines, WAVELET_97 } from "./lifting.mjs";
import { cosineBasis } from "./pyramid_bases.mjs";
import { COSINE, LEARNED, OWN_WAVELET, ownLevels } from "./pyramid_codes.mjs";

/**
 * @param {object} model of the architecture
 * @param {Float32Array} coefficients in coding order
 * @returns {Float64Array} y at the samples, component by component
 */
export function evaluatePyramid(model, coefficients) {
  const { lattice, lengths, codes, order, offset, bases } = model;
  const box = dequantise(model, coefficients);
  undoJointWavelet(box, lattice);
  const samples = transpose(box, order.map((axis) => lengths[axis]), order);
  for (let axis = lengths.length - 1; axis >= 0; axis--) {
    const lines = { before: product(lengths.slice(0, axis)), length: lengths[axis], width: product(lengths.slice(axis + 1)) };
    if (codes[axis] === OWN_WAVELET) undoOwnWavelet(samples, lines);
    if (codes[axis] === LEARNED) applyBasis(samples, lines, bases.get(axis));
    if (codes[axis] === COSINE) applyBasis(samples, lines, cosineBasis(lengths[axis]));
  }
  if (offset !== 0) for (let index = 0; index < samples.length; index++) samples[index] += offset;
  return samples;
}

/** Step 1: coefficients as numbers, at their places in the lattice. */
function dequantise({ lattice, step, shifts }, coefficients) {
  const box = allocate(Float64Array, lattice.count);
  const [, n1, n2, n3] = lattice.lengths;
  const shiftOf = [0, ...shifts.map((shift) => shift / 128)];
  for (const band of lattice.bands) {
    const [m0, m1, m2, m3] = band.lengths;
    const [s0, s1, s2, s3] = band.start;
    let source = band.offset;
    for (let i0 = 0; i0 < m0; i0++) {
      for (let i1 = 0; i1 < m1; i1++) {
        for (let i2 = 0; i2 < m2; i2++) {
          const target = (((i0 + s0) * n1 + i1 + s1) * n2 + i2 + s2) * n3 + s3;
          for (let i3 = 0; i3 < m3; i3++) {
            const q = coefficients[source++];
            const magnitude = Math.abs(q);
            const shift = band.kind === 0 ? 0 : shiftOf[Math.min(magnitude, 3)];
            box[target + i3] = Math.sign(q) * (magnitude + shift) * step;
          }
        }
      }
    }
  }
  return box;
}

/** Step 2, for level 0. */
function undoJointWavelet(box, lattice) {
  const { lengths, levels, top } = lattice;
  for (let level = top - 1; level >= 0; level--) {
    const low = [0, 1, 2, 3].map((axis) => lattice.size(axis, level));
    for (let axis = 3; axis >= 0; axis--) {
      if (levels[axis] > level && low[axis] > 1) synthesiseAxis(box, lengths, low, axis);
    }
  }
}

/** Synthesises all lines along an axis in the low box of a level; lines side by side go together. */
function synthesiseAxis(box, lengths, low, axis) {
  const steps = lengths.map((_, a) => product(lengths.slice(a + 1)));
  const width = axis === 3 ? 1 : low[3];
  const outer = [0, 1, 2, 3].map((a) => (a === axis || (a === 3 && axis !== 3) ? 1 : low[a]));
  const lines = new Lines(low[axis], width, WAVELET_97);
  for (let i0 = 0; i0 < outer[0]; i0++) {
    for (let i1 = 0; i1 < outer[1]; i1++) {
      for (let i2 = 0; i2 < outer[2]; i2++) {
        lines.synthesise(box, i0 * steps[0] + i1 * steps[1] + i2 * steps[2], steps[axis]);
      }
    }
  }
}

/** Step 3: brings axes in the order `order` back to their own order. */
function transpose(box, lengths, order) {
  if (order.every((axis, index) => axis === index)) return box;
  const steps = order.map(() => 0);
  order.forEach((axis, index) => (steps[axis] = product(lengths.slice(index + 1))));
  const sizes = order.map((_, axis) => lengths[order.indexOf(axis)]);
  const samples = allocate(Float64Array, box.length);
  const at = sizes.map(() => 0);
  let source = 0;
  for (let index = 0; index < samples.length; index++) {
    samples[index] = box[source];
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      source += steps[axis];
      if (++at[axis] < sizes[axis]) break;
      source -= steps[axis] * sizes[axis];
      at[axis] = 0;
    }
  }
  return samples;
}

function undoOwnWavelet(samples, { before, length, width }) {
  for (let level = ownLevels(length) - 1; level >= 0; level--) {
    const lines = new Lines(halved(length, level), width, WAVELET_97);
    for (let i = 0; i < before; i++) lines.synthesise(samples, i * length * width, width);
  }
}

/** Every line c becomes M c. */
function applyBasis(samples, { before, length, width }, basis) {
  const matrix = allocate(Float64Array, length * basis.rank);
  for (let row = 0; row < length; row++) {
    for (let column = 0; column < basis.rank; column++) matrix[row * basis.rank + column] = basis.entry(row, column);
  }
  const work = allocate(Float64Array, length * width);
  for (let i = 0; i < before; i++) {
    const start = i * length * width;
    work.fill(0);
    for (let row = 0; row < length; row++) {
      for (let column = 0; column < basis.rank; column++) {
        const factor = matrix[row * basis.rank + column];
        const source = start + column * width;
        for (let k = 0; k < width; k++) work[row * width + k] += factor * samples[source + k];
      }
    }
    samples.set(work, start);
  }
}
