/** Restoration of `pyramid`: small convolutional networks on the decoded samples (PYR-5). */
import { allocate, malformed, unsupported } from "../outcome.mjs";
import { integerIn } from "./config.mjs";
import { isUnsigned } from "../container/cbor.mjs";
import image1 from "./networks/image_1.mjs";
import image2 from "./networks/image_2.mjs";

const NETWORKS = new Map([
  [1, image1],
  [2, image2],
]);
const TAPS = 9;

/**
 * @param {*} list of key 5
 * @param {boolean} there
 * @param {import("./config.mjs").Field} field
 * @returns {{network: object, weight: number, cost: number}[]}
 */
export function readRestoration(list, there, field) {
  if (!there) return [];
  if (!Array.isArray(list) || list.length === 0) throw malformed("key 5 is no list of networks (PYR-5)");
  const pairs = list.map(readPair);
  pairs.forEach(([number], index) => {
    if (index > 0 && number <= pairs[index - 1][0]) throw malformed("numbers of networks do not rise (PYR-5)");
  });
  return pairs.map(([number, weight]) => {
    if (!NETWORKS.has(number)) throw unsupported(`network ${number} (PYR-5)`);
    if (field.components !== 3 || field.active.length !== 2) throw malformed("a network does not fit (PYR-5)");
    const network = NETWORKS.get(number);
    const weights = network.layers.reduce((sum, layer) => sum + layer.weights.length, 0);
    return { network, weight, cost: Math.ceil(weights / network.fold ** 2) };
  });
}

function readPair(pair) {
  if (!Array.isArray(pair) || pair.length !== 2 || !isUnsigned(pair[0]) || pair[0] < 1) {
    throw malformed("no pair of a network and a weight (PYR-5)");
  }
  return [pair[0], integerIn(pair[1], 1, 255, "weight of a network")];
}

/**
 * @param {ReturnType<typeof readRestoration>} restoration
 * @param {number} step
 * @param {Float64Array} samples three planes
 * @param {import("./config.mjs").Field} field
 * @returns {Float64Array}
 */
export function restore(restoration, step, samples, field) {
  const restored = samples.slice();
  for (const { network, weight } of restoration) {
    const correction = correct(network, step, samples, field);
    const factor = (step * weight) / 64;
    for (let index = 0; index < restored.length; index++) restored[index] += factor * correction[index];
  }
  return restored;
}

function correct({ fold, layers }, step, samples, { components, active: [rows, columns] }) {
  const shape = { rows: Math.ceil(rows / fold), columns: Math.ceil(columns / fold) };
  const places = { components, rows, columns, fold, shape };
  let values = allocate(Float64Array, components * fold * fold * shape.rows * shape.columns);
  eachFolded(places, (folded, sample) => (values[folded] = samples[sample] / step));
  layers.forEach((layer, index) => (values = convolve(layer, values, shape, index < layers.length - 1)));
  const correction = allocate(Float64Array, samples.length);
  eachFolded(places, (folded, sample, inside) => {
    if (inside) correction[sample] = values[folded];
  });
  return correction;
}

/** Calls `visit(folded, sample, inside)`: a sample that is continued is not inside. */
function eachFolded({ components, rows, columns, fold, shape }, visit) {
  let folded = 0;
  for (let channel = 0; channel < components * fold * fold; channel++) {
    const component = Math.floor(channel / fold ** 2);
    const [u, v] = [Math.floor(channel / fold) % fold, channel % fold];
    for (let i = 0; i < shape.rows; i++) {
      for (let j = 0; j < shape.columns; j++) {
        const [row, column] = [fold * i + u, fold * j + v];
        const sample = (component * rows + Math.min(row, rows - 1)) * columns + Math.min(column, columns - 1);
        visit(folded++, sample, row < rows && column < columns);
      }
    }
  }
}

/** One layer on planes; weights stand by output, tap and input. */
function convolve({ bits, shape: [outputs, , , inputs], weights, biases }, planes, { rows, columns }, rectify) {
  const size = rows * columns;
  const scale = 2 ** -bits;
  const result = allocate(Float64Array, outputs * size);
  for (let output = 0; output < outputs; output++) {
    const plane = result.subarray(output * size, (output + 1) * size).fill(biases[output] * scale);
    for (let tap = 0; tap < TAPS; tap++) {
      for (let input = 0; input < inputs; input++) {
        const weight = weights[(output * TAPS + tap) * inputs + input] * scale;
        const shift = { down: Math.floor(tap / 3) - 1, right: (tap % 3) - 1 };
        addShifted(plane, planes.subarray(input * size, (input + 1) * size), weight, shift, rows, columns);
      }
    }
    if (rectify) for (let index = 0; index < size; index++) plane[index] = Math.max(plane[index], 0);
  }
  return result;
}

function addShifted(target, source, weight, { down, right }, rows, columns) {
  for (let i = 0; i < rows; i++) {
    const from = Math.min(Math.max(i + down, 0), rows - 1) * columns;
    const to = i * columns;
    for (let j = 1; j < columns - 1; j++) target[to + j] += weight * source[from + j + right];
    target[to] += weight * source[from + Math.min(Math.max(right, 0), columns - 1)];
    if (columns > 1) target[to + columns - 1] += weight * source[from + Math.min(columns - 1 + right, columns - 1)];
  }
}
