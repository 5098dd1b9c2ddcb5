/** Fully connected networks in float64, some positions at a time. */
import { product } from "./config.mjs";
import { allocate } from "../outcome.mjs";

const BATCH = 64;

/**
 * Writes the input vector at a position, an entry every `pace` from `start` on.
 * @typedef {(indices: Float64Array, target: Float64Array, start: number, pace: number) => void} Encode
 */

/**
 * @param {Encode} encode
 * @param {(x: number) => number} activate of all layers but the last
 * @param {{shape: number[], values: Float32Array}[]} parameters matrix 0, vector 0, matrix 1, ...
 * @param {number[]} active sizes of the active axes
 * @returns {Float64Array} y at the samples, component by component
 */
export function evaluateNetwork(encode, activate, parameters, active) {
  const samples = product(active);
  const layers = [];
  for (let k = 0; k < parameters.length; k += 2) {
    const [outputs, inputs] = parameters[k].shape;
    layers.push({ outputs, inputs, matrix: parameters[k].values, vector: parameters[k + 1].values });
  }
  const components = layers[layers.length - 1].outputs;
  const y = allocate(Float64Array, components * samples);
  const widest = Math.max(...layers.flatMap(({ outputs, inputs }) => [outputs, inputs]));
  let [input, output] = [new Float64Array(widest * BATCH), new Float64Array(widest * BATCH)];
  const place = new Float64Array(active.length);
  for (let first = 0; first < samples; first += BATCH) {
    const count = Math.min(BATCH, samples - first);
    for (let k = 0; k < count; k++) {
      setPosition(place, first + k, active);
      encode(place, input, k, BATCH);
    }
    layers.forEach((layer, index) => {
      multiply(layer, input, output);
      if (index < layers.length - 1) apply(activate, output, layer.outputs * BATCH);
      [input, output] = [output, input];
    });
    for (let c = 0; c < components; c++) y.set(input.subarray(c * BATCH, c * BATCH + count), c * samples + first);
  }
  return y;
}

function setPosition(place, sample, active) {
  let rest = sample;
  for (let axis = active.length - 1; axis >= 0; axis--) {
    const size = active[axis];
    const index = rest % size;
    rest = (rest - index) / size;
    place[axis] = index;
  }
}

/** Four inputs at a time, so that sums are written less often. */
function multiply({ outputs, inputs, matrix, vector }, input, output) {
  const whole = inputs - (inputs % 4);
  for (let o = 0; o < outputs; o++) {
    const row = o * BATCH;
    const weights = o * inputs;
    output.fill(vector[o], row, row + BATCH);
    for (let i = 0; i < whole; i += 4) {
      const w0 = matrix[weights + i];
      const w1 = matrix[weights + i + 1];
      const w2 = matrix[weights + i + 2];
      const w3 = matrix[weights + i + 3];
      const column = i * BATCH;
      for (let k = 0; k < BATCH; k++) {
        const at = column + k;
        output[row + k] +=
          w0 * input[at] + w1 * input[at + BATCH] + w2 * input[at + 2 * BATCH] + w3 * input[at + 3 * BATCH];
      }
    }
    for (let i = whole; i < inputs; i++) {
      const weight = matrix[weights + i];
      for (let k = 0; k < BATCH; k++) output[row + k] += weight * input[i * BATCH + k];
    }
  }
}

function apply(activate, values, count) {
  for (let index = 0; index < count; index++) values[index] = activate(values[index]);
}
