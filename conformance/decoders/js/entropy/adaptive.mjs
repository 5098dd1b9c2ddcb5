/**
 * Binary arithmetic decoding with adaptive and mixed chances (inrc-1.md, section 7.4).
 *
 * Intermediate results reach 2^48, so shifts of them are divisions with `Math.floor`, which are exact in float64.
 */
import { SQUASH_KNOTS } from "./registry.mjs";

const LARGEST = 2815;
const MOST_UPDATES = 100;
const FULL = 2 ** 22 - 1;

/** SQUASH[v] at index v + 2815. */
const SQUASH = Int32Array.from({ length: 2 * LARGEST + 1 }, (_, index) => {
  const knot = (index + 1) >> 6;
  const fraction = (index + 1) & 63;
  const value = (SQUASH_KNOTS[knot] * (64 - fraction) + SQUASH_KNOTS[knot + 1] * fraction + 32) >> 6;
  return Math.min(Math.max(value, 1), 65535);
});

const STRETCH = makeStretch();

function makeStretch() {
  const stretch = new Int32Array(4096);
  let value = -LARGEST;
  for (let index = 0; index < 4096; index++) {
    while (value < LARGEST && SQUASH[value + LARGEST] < 16 * index + 8) value++;
    stretch[index] = value;
  }
  return stretch;
}

const RATE = Int32Array.from({ length: MOST_UPDATES + 1 }, (_, count) => Math.floor(131072 / (2 * count + 3)));

/** @param {number} value @param {number} least @param {number} most */
export const clamp = (value, least, most) => (value < least ? least : value > most ? most : value);

/** LEVEL of section 7.4 for x from 0 to 16383, as a table. */
function levels(shift, top) {
  return Uint8Array.from({ length: 16384 }, (_, x) => {
    if (x === 0) return 0;
    const bits = 31 - Math.clz32(x);
    return Math.min(top, 1 + (bits << shift) + ((x << shift) >> bits) - (1 << shift));
  });
}

const FINE = levels(2, 47);
const MIDDLE = levels(1, 23);
const ROUGH = levels(0, 11);
const HALF = levels(1, 31);
const cut = (x) => (x < 16383 ? x : 16383);

/** @param {number} x at least 0 */
export const fine = (x) => FINE[cut(x)];
/** @param {number} x at least 0 */
export const middle = (x) => MIDDLE[cut(x)];
/** @param {number} x at least 0 */
export const rough = (x) => ROUGH[cut(x)];
/** @param {number} x any integer */
export const half = (x) => HALF[cut(Math.abs(x))];

/** Adaptive chances (p, n): p of 22 bits, n updates so far. */
export class Chances {
  /** @param {number} size @param {number} [start] the first p */
  constructor(size, start = 0) {
    this.chance = new Int32Array(size).fill(start);
    this.updates = new Uint8Array(size);
  }

  /** @param {number} index @param {number} bit */
  update(index, bit) {
    const chance = this.chance[index];
    const updates = this.updates[index];
    this.chance[index] = chance + Math.floor(((bit ? FULL : 0) - chance) * RATE[updates] / 65536);
    if (updates < MOST_UPDATES) this.updates[index] = updates + 1;
  }
}

/** The binary range decoder; past the end of the data it reads zeros (MIX-1). */
export class BitDecoder {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.data = data;
    this.position = 0;
    this.lower = 0;
    this.upper = 2 ** 40 - 1;
    this.point = 0;
    for (let index = 0; index < 5; index++) this.point = this.point * 256 + this.#byte();
  }

  #byte() {
    return this.position < this.data.length ? this.data[this.position++] : 0;
  }

  /** @param {number} chance of a 1, 1 to 65535 of 65536 @returns {number} */
  bit(chance) {
    const span = this.upper - this.lower;
    const high = Math.floor(span / 65536);
    const split = this.lower + high * chance + Math.floor(((span - high * 65536) * chance) / 65536);
    const bit = this.point <= split ? 1 : 0;
    if (bit) this.upper = split;
    else this.lower = split + 1;
    this.#shift();
    return bit;
  }

  #shift() {
    let top = Math.floor(this.lower / 2 ** 32);
    while (top === Math.floor(this.upper / 2 ** 32)) {
      const drop = top * 2 ** 32;
      this.lower = (this.lower - drop) * 256;
      this.upper = (this.upper - drop) * 256 + 255;
      this.point = (this.point - drop) * 256 + this.#byte();
      top = Math.floor(this.lower / 2 ** 32);
    }
  }

  /** @param {Chances} chances @param {number} index @returns {number} a direct bit */
  direct(chances, index) {
    const bit = this.bit(clamp(chances.chance[index] >> 6, 1, 65535));
    chances.update(index, bit);
    return bit;
  }
}

/** Mixes the chances of some slots by weights that learn. */
export class Mixer {
  /**
   * @param {number} inputs N
   * @param {number} slots of all inputs together
   * @param {number} rows of weights
   * @param {number} weight at the start
   * @param {number} rate R
   */
  constructor(inputs, slots, rows, weight, rate) {
    this.inputs = inputs;
    this.rate = rate;
    this.slots = new Chances(slots);
    this.weights = new Int32Array(rows * inputs).fill(weight);
    this.stretched = new Int32Array(inputs);
    /** Indices into the slots, set by the caller before each bit. */
    this.context = new Int32Array(inputs);
  }

  /**
   * @param {BitDecoder} decoder
   * @param {number} row of the weights
   * @param {number} guess p of a slot that was never updated
   * @param {number} shift added to every index of `context`
   * @returns {number}
   */
  bit(decoder, row, guess, shift = 0) {
    const { inputs, weights, stretched, context } = this;
    const { chance, updates } = this.slots;
    const base = row * inputs;
    let sum = 0;
    for (let k = 0; k < inputs; k++) {
      const slot = context[k] + shift;
      if (updates[slot] === 0) chance[slot] = guess;
      const s = STRETCH[chance[slot] >> 10];
      stretched[k] = s;
      sum += weights[base + k] * s;
    }
    const mixed = SQUASH[clamp(Math.floor(sum / 65536), -LARGEST, LARGEST) + LARGEST];
    const bit = decoder.bit(mixed);
    const error = ((bit << 16) - mixed) * this.rate;
    for (let k = 0; k < inputs; k++) {
      const change = Math.floor((stretched[k] * error + 131072) / 262144);
      weights[base + k] = clamp(weights[base + k] + change, -1048576, 1048576);
      this.slots.update(context[k] + shift, bit);
    }
    return bit;
  }
}
