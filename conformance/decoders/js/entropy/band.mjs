/**
 * Decoding one band of a lattice (inrc-1.md, section 7.4, "A band").
 *
 * What is coded lies in arrays with a margin of two zeros before every axis, so that neighbours need no checks: an offset of
 * +1 past the end of an axis lands in the margin of the next row.
 */
import { allocate } from "../outcome.mjs";
import { Chances, clamp, fine, middle, rough } from "./adaptive.mjs";
import { MagnitudeModel } from "./magnitude.mjs";

const MARGIN = 2;
const OUTSIDE = -(2 ** 31);
const BOUND = 2 ** 20;

/** What the streams of an item have learned. */
export class LatticeMemory {
  constructor() {
    this.magnitudes = new MagnitudeModel();
    this.zeros = new Chances(64, 2 ** 18);
  }
}

function strides(lengths) {
  const result = [1, 1, 1, 1];
  for (let axis = 2; axis >= 0; axis--) result[axis] = result[axis + 1] * lengths[axis + 1];
  return result;
}

/** Offsets and weights of the taps in the padded array, in the order of the text. */
function makeTaps(lengths, steps) {
  const taps = [];
  for (let code = 0; code < 40; code++) {
    const offset = [27, 9, 3, 1].map((unit) => (Math.floor(code / unit) % 3) - 1);
    const used = offset.filter((entry) => entry !== 0).length;
    if (used > 2 || used === 0 || offset.some((entry, axis) => entry !== 0 && lengths[axis] === 1)) continue;
    taps.push({ weight: used === 1 ? 4 : 2, step: offset.reduce((sum, entry, axis) => sum + entry * steps[axis], 0) });
  }
  for (let axis = 0; axis < 4; axis++) if (lengths[axis] > 2) taps.push({ weight: 1, step: -2 * steps[axis] });
  return taps;
}

/**
 * B of a band: how much its integers and their neighbours amount to.
 * @param {Int32Array} coded in C order
 * @param {number[]} lengths
 * @returns {Uint16Array}
 */
export function bandActivity(coded, lengths) {
  const activity = allocate(Uint16Array, coded.length);
  const steps = strides(lengths);
  const axes = [0, 1, 2, 3].filter((axis) => lengths[axis] > 1);
  const factor = axes.length === 0 ? BOUND : Math.floor(BOUND / (4 * axes.length));
  const own = axes.length === 0 ? 1 : 2 * axes.length;
  const index = [0, 0, 0, 0];
  for (let position = 0; position < coded.length; position++) {
    let sum = own * Math.abs(coded[position]);
    for (const axis of axes) {
      if (index[axis] > 0) sum += Math.abs(coded[position - steps[axis]]);
      if (index[axis] < lengths[axis] - 1) sum += Math.abs(coded[position + steps[axis]]);
    }
    activity[position] = Math.min(Math.floor((sum * factor) / 65536), 65535);
    for (let axis = 3; axis >= 0 && ++index[axis] === lengths[axis]; axis--) index[axis] = 0;
  }
  return activity;
}

export class BandDecoder {
  /**
   * @param {import("./adaptive.mjs").BitDecoder} decoder
   * @param {LatticeMemory} memory
   * @param {import("./lattice.mjs").Band} band
   * @param {{parent: object | null, siblings: object[], halvings: number[]}} priors bands with their activities
   */
  constructor(decoder, memory, band, priors) {
    this.decoder = decoder;
    this.memory = memory;
    this.band = band;
    this.priors = priors;
    this.padded = band.lengths.map((length) => (length > 1 ? length + MARGIN : 1));
    this.steps = strides(this.padded);
    const size = this.padded[0] * this.steps[0];
    this.magnitudes = allocate(Uint16Array, size);
    this.levels = allocate(Uint8Array, size);
    this.low = band.kind === 0;
    this.signs = this.low ? null : allocate(Int8Array, size);
    this.values = this.low ? allocate(Int32Array, size).fill(OUTSIDE) : null;
    this.#prepareTaps();
  }

  #prepareTaps() {
    const { lengths } = this.band;
    const taps = makeTaps(lengths, this.steps);
    const count = taps.length;
    this.tapCount = count;
    this.tapSteps = Int32Array.from(taps, (tap) => tap.step);
    this.tapWeights = Int32Array.from(taps, (tap) => tap.weight);
    const weight = taps.reduce((sum, tap) => sum + tap.weight, 0);
    this.share = Math.floor(BOUND / Math.max(weight, 1));
    this.featureWeights = new Int32Array(count + 3).fill(Math.floor(65536 / (count + 2)));
    this.features = new Int32Array(count + 3);
    this.features[count + 2] = 4;
    this.predictionWeights = new Int32Array(count);
    this.differences = new Float64Array(count);
    /** Steps to the positions one before along axes 3, 2, 1, 0; 0 where the axis has length 1. */
    this.before = [3, 2, 1, 0].map((axis) => (lengths[axis] > 1 ? -this.steps[axis] : 0));
  }

  /** @param {Int32Array} coded target, the band in C order */
  decode(coded) {
    const [n0, n1, n2, n3] = this.band.lengths;
    const start = this.band.lengths.reduce((sum, length, axis) => sum + (length > 1 ? MARGIN * this.steps[axis] : 0), 0);
    let index = 0;
    for (let i0 = 0; i0 < n0; i0++) {
      for (let i1 = 0; i1 < n1; i1++) {
        for (let i2 = 0; i2 < n2; i2++) {
          const place = start + i0 * this.steps[0] + i1 * this.steps[1] + i2 * this.steps[2];
          this.#startRow(i0, i1, i2);
          for (let i3 = 0; i3 < n3; i3++) coded[index++] = this.#position(place + i3, i3);
        }
      }
    }
  }

  #startRow(i0, i1, i2) {
    const { parent, siblings, halvings } = this.priors;
    const row = ({ lengths }, shifts) => {
      const [a, b, c] = [i0, i1, i2].map((i, axis) => Math.min(i >> shifts[axis], lengths[axis] - 1));
      return ((a * lengths[1] + b) * lengths[2] + c) * lengths[3];
    };
    this.parentRow = parent === null ? 0 : row(parent, halvings);
    this.siblingRows = siblings.map((sibling) => row(sibling, [0, 0, 0]));
  }

  #parentPrior(i3) {
    const { parent, halvings } = this.priors;
    if (parent === null) return 0;
    return parent.activity[this.parentRow + Math.min(i3 >> halvings[3], parent.lengths[3] - 1)];
  }

  #siblingPrior(i3) {
    const { siblings } = this.priors;
    if (siblings.length === 0) return 0;
    let sum = 0;
    for (let k = 0; k < siblings.length; k++) {
      sum += siblings[k].activity[this.siblingRows[k] + Math.min(i3, siblings[k].lengths[3] - 1)];
    }
    return Math.floor(sum / siblings.length);
  }

  /** @returns {number} the value at a place */
  #position(place, i3) {
    const { tapCount, tapSteps, tapWeights, magnitudes } = this;
    let sum = 0;
    for (let k = 0; k < tapCount; k++) sum += tapWeights[k] * magnitudes[place + tapSteps[k]];
    const around = Math.floor((sum * this.share) / 65536);
    const parent = this.#parentPrior(i3);
    const sibling = this.#siblingPrior(i3);
    const guess = this.low ? this.#predict(place) : 0;
    const prediction = (guess + 8 - ((guess + 8) & 15)) / 16;
    let first = 0;
    let magnitude = 0;
    if (around + parent + sibling === 0) first = this.decoder.direct(this.memory.zeros, this.band.kind);
    if (first === 1 || around + parent + sibling > 0) magnitude = this.#magnitude(place, around, parent, sibling, first);
    const residual = magnitude > 0 && this.#isNegative(place, magnitude, guess - 16 * prediction) ? -magnitude : magnitude;
    if (magnitude > 0) {
      magnitudes[place] = magnitude < 32767 ? magnitude : 32767;
      this.levels[place] = fine(16 * magnitude);
    }
    if (!this.low) {
      this.signs[place] = Math.sign(residual);
      return residual;
    }
    const value = residual + prediction;
    this.values[place] = value;
    if (this.energy > 0) this.#learnPrediction(16 * value - guess);
    return value;
  }

  /** f of step 3; keeps the differences and their energy E. */
  #predict(place) {
    const { tapCount, tapSteps, values, differences, predictionWeights, before } = this;
    let sum = 0;
    let count = 0;
    for (let k = 0; k < 4; k++) {
      if (before[k] === 0) continue;
      const value = values[place + before[k]];
      if (value === OUTSIDE) continue;
      sum += value;
      count++;
    }
    const base = count === 0 ? 0 : Math.floor((16 * sum) / count);
    let energy = 0;
    let change = 0;
    for (let k = 0; k < tapCount; k++) {
      const value = values[place + tapSteps[k]];
      const difference = value === OUTSIDE ? 0 : clamp(16 * value - base, -(2 ** 26), 2 ** 26);
      differences[k] = difference;
      energy += difference * difference;
      change += predictionWeights[k] * difference;
    }
    this.energy = energy;
    return clamp(base + Math.floor(change / 65536), -(2 ** 31), 2 ** 31);
  }

  #learnPrediction(error) {
    const { tapCount, differences, predictionWeights } = this;
    const step = Math.floor((clamp(error, -BOUND, BOUND) * 200 * BOUND) / (this.energy + 256));
    for (let k = 0; k < tapCount; k++) {
      const change = Math.floor((step * differences[k]) / BOUND);
      predictionWeights[k] = clamp(predictionWeights[k] + change, -BOUND, BOUND);
    }
  }

  #expected(around, parent, sibling) {
    const sum = 2 * around + parent + sibling;
    const known = (this.priors.parent === null ? 0 : 1) + (this.priors.siblings.length > 0 ? 1 : 0);
    return known === 2 ? sum >> 2 : known === 1 ? Math.floor(sum / 3) : around;
  }

  #magnitude(place, around, parent, sibling, first) {
    const { tapCount, tapSteps, levels, features, featureWeights } = this;
    let mixed = 0;
    let energy = 0;
    features[tapCount] = fine(parent);
    features[tapCount + 1] = fine(sibling);
    for (let k = 0; k < tapCount + 3; k++) {
      if (k < tapCount) features[k] = levels[place + tapSteps[k]];
      const feature = features[k];
      mixed += featureWeights[k] * feature;
      energy += feature * feature;
    }
    const expected = this.#expected(around, parent, sibling);
    this.#setContexts(place, around, parent, sibling, expected, clamp(Math.floor(mixed / 32768), 0, 95));
    const row = (this.priors.parent === null ? 8 : 0) + Math.min(rough(around), 7);
    const magnitude = this.memory.magnitudes.decode(this.decoder, row, expected, first);
    const error = clamp(Math.floor((fine(16 * magnitude) * 65536 - mixed) / 16), -(2 ** 18), 2 ** 18);
    const step = Math.floor((error * 20480) / (energy + 64));
    for (let k = 0; k < tapCount + 3; k++) {
      const change = Math.floor((step * features[k]) / 65536);
      featureWeights[k] = clamp(featureWeights[k] + change, -BOUND, BOUND);
    }
    return magnitude;
  }

  #setContexts(place, around, parent, sibling, expected, mixed) {
    const { magnitudes, before, memory } = this;
    const v1 = before[0] === 0 ? 0 : Math.min(magnitudes[place + before[0]], 3);
    const v2 = before[1] === 0 ? 0 : Math.min(magnitudes[place + before[1]], 3);
    const v3 = before[2] === 0 ? 0 : Math.min(magnitudes[place + before[2]], 3);
    const model = memory.magnitudes;
    model.setContext(0, 12 * middle(parent) + rough(around));
    model.setContext(1, 12 * middle(sibling) + rough(around));
    model.setContext(2, (fine(expected) >> 1) + 24 * (this.band.kind & 31));
    model.setContext(3, v1 + 4 * v2 + 16 * v3 + 64 * Math.min(rough((parent + sibling) >> 1), 7));
    model.setContext(4, 8 * mixed + Math.min(v1, 1) + 2 * Math.min(v2, 1) + 4 * Math.min(v3, 1));
  }

  #isNegative(place, magnitude, fraction) {
    const { signs, before } = this;
    if (this.low) return this.memory.magnitudes.sign(this.decoder, 4096 + fraction + 8 + 16 * Math.min(magnitude, 3));
    let context = 81 * this.band.kind;
    for (let k = 0, unit = 1; k < 4; k++, unit *= 3) context += unit * (before[k] === 0 ? 1 : 1 + signs[place + before[k]]);
    return this.memory.magnitudes.sign(this.decoder, context);
  }
}
