/** Magnitudes by binary decisions (step 5 of a band, section 7.4), which lattices and octrees share. */
import { Chances, Mixer } from "./adaptive.mjs";

const INPUTS = 5;
const CONTEXTS = 1024;
const DECISIONS = 32;
const ROWS = 16;
const LAST_INDEX = 54;

export class MagnitudeModel {
  constructor() {
    this.mixer = new Mixer(INPUTS, INPUTS * DECISIONS * CONTEXTS, DECISIONS * ROWS, 19660, 6);
    this.low = new Chances(64, 2 ** 21);
    this.signs = new Chances(4160, 2 ** 21);
  }

  /** @param {number} k @param {number} context below 1024 */
  setContext(k, context) {
    this.mixer.context[k] = k * DECISIONS * CONTEXTS + context;
  }

  /**
   * @param {import("./adaptive.mjs").BitDecoder} decoder
   * @param {number} row of the weights, below 16
   * @param {number} expected e, from which the first guesses follow
   * @param {number} first decision
   * @returns {number} |r|
   */
  decode(decoder, row, expected, first) {
    let index = first;
    for (; index < LAST_INDEX; index++) {
      const decision = index < DECISIONS ? index : DECISIONS - 1;
      const guess = Math.floor(((expected + 2) * 4194304) / (expected + 2 + (index === 0 ? 24 : 16)));
      if (!this.mixer.bit(decoder, decision * ROWS + row, guess, decision * CONTEXTS)) break;
    }
    return index < 5 ? index : this.#large(decoder, index);
  }

  #large(decoder, index) {
    const bits = ((index - 5) >> 1) + 1;
    let low = decoder.direct(this.low, index);
    for (let left = bits - 1; left > 0; left--) low = low * 2 + decoder.bit(32768);
    return ((2 + ((index - 5) & 1)) << bits) + 1 + low;
  }

  /** @param {import("./adaptive.mjs").BitDecoder} decoder @param {number} context @returns {number} 1 for negative */
  sign(decoder, context) {
    return decoder.direct(this.signs, context);
  }
}
