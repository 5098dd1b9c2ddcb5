/** Synthesis of wavelets by lifting (pyramid.md, "Synthesis"; fvsrn.md, table of wavelets). */
import { allocate } from "../outcome.mjs";

/**
 * @typedef {{A: number, B: number, C: number, D: number, K: number}} Wavelet
 */

/** @type {Wavelet} */
export const WAVELET_97 = {
  A: -1.586134342059924,
  B: -0.052980118572961,
  C: 0.882911075530934,
  D: 0.443506852043971,
  K: 1.149604398860241,
};

/** @type {Wavelet} */
export const WAVELET_53 = { A: -0.5, B: 0.25, C: 0, D: 0, K: 1.4142135623730951 };

/** Lines of one length, `width` of them side by side, and room to work on them. */
export class Lines {
  /** @param {number} length @param {number} width @param {Wavelet} wavelet */
  constructor(length, width, wavelet) {
    this.length = length;
    this.width = width;
    this.wavelet = wavelet;
    this.work = allocate(Float64Array, length * width);
  }

  /** Replaces the lines from `start` on, whose samples are `step` apart, by their synthesis. */
  synthesise(values, start, step) {
    const { length, width, work, wavelet } = this;
    const evens = Math.ceil(length / 2);
    for (let i = 0; i < length; i++) {
      const source = start + (i & 1 ? evens + (i >> 1) : i >> 1) * step;
      const target = i * width;
      if (i & 1) for (let k = 0; k < width; k++) work[target + k] = values[source + k] * wavelet.K;
      else for (let k = 0; k < width; k++) work[target + k] = values[source + k] / wavelet.K;
    }
    this.#lift(0, wavelet.D);
    this.#lift(1, wavelet.C);
    this.#lift(0, wavelet.B);
    this.#lift(1, wavelet.A);
    for (let i = 0; i < length; i++) {
      const [source, target] = [i * width, start + i * step];
      for (let k = 0; k < width; k++) values[target + k] = work[source + k];
    }
  }

  /** `x_i -= factor (x_{i-1} + x_{i+1})` for i of one parity. */
  #lift(parity, factor) {
    const { length, width, work } = this;
    for (let i = parity; i < length; i += 2) {
      const before = (i > 0 ? i - 1 : i + 1) * width;
      const after = (i < length - 1 ? i + 1 : i - 1) * width;
      const own = i * width;
      for (let k = 0; k < width; k++) work[own + k] -= factor * (work[before + k] + work[after + k]);
    }
  }
}
