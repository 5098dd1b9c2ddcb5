/** Bands of a lattice and the order in which its coefficients are coded (inrc-1.md, section 7.4). */
import { malformed } from "../outcome.mjs";
import { BitDecoder } from "./adaptive.mjs";
import { BandDecoder, LatticeMemory, bandActivity } from "./band.mjs";

const ORIENTATIONS = Array.from({ length: 15 }, (_, index) => index + 1).sort(
  (a, b) => setBits(a) - setBits(b) || a - b,
);

function setBits(value) {
  return value === 0 ? 0 : (value & 1) + setBits(value >> 1);
}

/** @param {number} length @param {number} times @returns {number} halved so many times, rounding up each time */
export function halved(length, times) {
  let half = length;
  for (let count = 0; count < times && half > 1; count++) half = Math.ceil(half / 2);
  return half;
}

/**
 * @typedef {object} Band
 * @property {number} orientation 0 for the low band
 * @property {number} level
 * @property {number} kind
 * @property {number[]} start of its box
 * @property {number[]} lengths
 * @property {number} offset in coding order
 * @property {number} count
 */

export class Lattice {
  /** @param {number[]} lengths four @param {number[]} levels four, 0: not transformed */
  constructor(lengths, levels) {
    this.lengths = lengths;
    this.levels = levels;
    this.top = Math.max(...levels);
    this.count = lengths.reduce((product, length) => product * length, 1);
  }

  /** @param {number} axis @param {number} level @returns {number} length of the low box of a level */
  size(axis, level) {
    return halved(this.lengths[axis], Math.min(level, this.levels[axis]));
  }

  /** @returns {Band[]} in coding order */
  get bands() {
    this.ordered ??= this.#makeBands();
    return this.ordered;
  }

  #makeBands() {
    const bands = [];
    let offset = 0;
    const add = (orientation, level, start, lengths) => {
      const count = lengths.reduce((product, length) => product * length, 1);
      if (count === 0) return;
      const kind = orientation === 0 ? 0 : 1 + orientation + 16 * Math.min(level, 1);
      bands.push({ orientation, level, kind, start, lengths, offset, count });
      offset += count;
    };
    const low = [0, 1, 2, 3].map((axis) => this.size(axis, this.top));
    add(0, this.top, [0, 0, 0, 0], low);
    for (let level = this.top - 1; level >= 0; level--) {
      for (const orientation of ORIENTATIONS) this.#addBand(add, orientation, level);
    }
    return bands;
  }

  #addBand(add, orientation, level) {
    const high = [0, 1, 2, 3].map((axis) => (orientation >> (3 - axis)) & 1);
    if (high.some((bit, axis) => bit && this.levels[axis] <= level)) return;
    const coarse = [0, 1, 2, 3].map((axis) => this.size(axis, level + 1));
    const lengths = high.map((bit, axis) => (bit ? this.size(axis, level) - coarse[axis] : coarse[axis]));
    const start = high.map((bit, axis) => (bit ? coarse[axis] : 0));
    add(orientation, level, start, lengths);
  }

  /** @returns {number[]} where the low band and each level end, in coding order */
  get levelEnds() {
    const ends = new Map();
    for (const band of this.bands) ends.set(band.level, band.offset + band.count);
    return [...ends.values()];
  }
}

/** Decodes the streams of coder 5 of one item into its integers (STR-6). */
export class LatticeDecoder {
  /** @param {Lattice} lattice @param {Int32Array} integers of the lattice, in coding order */
  constructor(lattice, integers) {
    this.lattice = lattice;
    this.integers = integers;
    this.memory = new LatticeMemory();
    this.done = 0;
    this.activities = new Map();
  }

  /** @param {number} count of the stream @param {Uint8Array} data */
  decode(count, data) {
    const end = this.done + count;
    if (count < 1 || !this.lattice.levelEnds.includes(end)) throw malformed("a mixing stream that ends within a level (STR-6)");
    const decoder = new BitDecoder(data);
    const { bands } = this.lattice;
    for (const band of bands) {
      if (band.offset >= this.done && band.offset < end) this.#decodeBand(decoder, band, bands);
    }
    this.done = end;
  }

  #decodeBand(decoder, band, bands) {
    const related = (test) => (band.kind === 0 ? [] : bands.filter((other) => other.kind > 0 && test(other)));
    const parents = related((other) => other.orientation === band.orientation && other.level === band.level + 1);
    const siblings = related((other) => other.level === band.level && other.offset < band.offset);
    const halvings = this.lattice.levels.map((levels) => (band.level + 1 < levels ? 1 : 0));
    const coded = this.integers.subarray(band.offset, band.offset + band.count);
    const withActivity = (other) => ({ lengths: other.lengths, activity: this.#activity(other) });
    const priors = { parent: parents.map(withActivity)[0] ?? null, halvings, siblings: siblings.map(withActivity) };
    new BandDecoder(decoder, this.memory, band, priors).decode(coded);
  }

  #activity(band) {
    if (!this.activities.has(band)) {
      const coded = this.integers.subarray(band.offset, band.offset + band.count);
      this.activities.set(band, bandActivity(coded, band.lengths));
    }
    return this.activities.get(band);
  }
}
