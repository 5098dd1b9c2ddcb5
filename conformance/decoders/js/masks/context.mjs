/** Context-coded bits of a mask (inrc-1.md, section 8.1). */
import { allocate, malformed } from "../outcome.mjs";
import { RangeDecoder } from "../entropy/words.mjs";

const UNSEEN = 2;
const MOST_AXES = 4;
const MOST_COUNTS = 65536;
const TABLE = 2 ** 24;

/**
 * @param {number[]} shape the coded shape
 * @param {Uint8Array} data
 * @returns {Uint8Array} one byte (0 or 1) a sample, in C order
 */
export function decodeContextBits(shape, data) {
  const lengths = shape.filter((length) => length > 1);
  if (lengths.length > MOST_AXES) throw malformed("a mask of more than 4 axes (MASK-5)");
  if (lengths.length === 0) lengths.push(1);
  return new ContextMask(lengths, data).decode();
}

/** All vectors of {0, 1}^d or {-1, 0, 1}^d in ascending lexicographic order. */
function vectors(axes, entries) {
  return axes === 0 ? [[]] : vectors(axes - 1, entries).flatMap((head) => entries.map((entry) => [...head, entry]));
}

const sum = (vector) => vector.reduce((total, entry) => total + entry, 0);
const numberOf = (parity) => parity.reduce((number, entry) => 2 * number + entry, 0);

class ContextMask {
  constructor(lengths, data) {
    this.lengths = lengths;
    this.steps = lengths.map((_, axis) => lengths.slice(axis + 1).reduce((product, length) => product * length, 1));
    this.bits = allocate(Uint8Array, lengths[0] * this.steps[0]).fill(UNSEEN);
    this.decoder = new RangeDecoder(data);
    const axes = lengths.length;
    this.parities = vectors(axes, [0, 1])
      .filter((parity) => sum(parity) > 0)
      .sort((a, b) => sum(b) - sum(a));
    this.contextCount = 9 * 3 ** axes;
    this.counts = new Int32Array(2 ** axes * this.contextCount * 2);
  }

  decode() {
    this.bits[0] = this.decoder.bit(2 ** 23);
    let size = 1;
    while (size < Math.max(...this.lengths)) size *= 2;
    for (let stride = size / 2; stride >= 1; stride /= 2) {
      for (let index = 0; index < this.counts.length; index++) this.counts[index] >>= 1;
      for (const parity of this.parities) this.#pass(stride, parity);
    }
    this.decoder.expectEnd();
    return this.bits;
  }

  /** Offsets to the neighbours that are decoded before this pass. */
  #neighbours(stride, parity) {
    const order = this.parities.findIndex((other) => other === parity);
    return vectors(parity.length, [-1, 0, 1])
      .filter((offset) => {
        if (offset.every((entry) => entry === 0)) return false;
        const other = numberOf(parity.map((entry, axis) => (entry + offset[axis]) & 1));
        return other === 0 || this.parities.findIndex((parityThere) => numberOf(parityThere) === other) < order;
      })
      .map((offset) => {
        const used = offset.filter((entry) => entry !== 0).length;
        return {
          offset: offset.map((entry) => entry * stride),
          weight: used === 1 ? 4 : used === 2 ? 2 : 1,
          axis: used === 1 ? offset.findIndex((entry) => entry !== 0) : -1,
        };
      });
  }

  #pass(stride, parity) {
    const counts = this.lengths.map((length, axis) => Math.max(0, Math.ceil((length - stride * parity[axis]) / (2 * stride))));
    const total = counts.reduce((product, count) => product * count, 1);
    if (total === 0) return;
    const neighbours = this.#neighbours(stride, parity);
    const chunk = Math.max(1024, Math.ceil(total / 64));
    const first = numberOf(parity) * this.contextCount;
    const place = new Positions(parity.map((entry) => entry * stride), counts, 2 * stride);
    for (let done = 0; done < total; done += chunk) {
      this.#chunk(place, Math.min(chunk, total - done), neighbours, first);
    }
  }

  #chunk(place, count, neighbours, first) {
    const indices = new Int32Array(count);
    const contexts = new Int32Array(count);
    const sizes = new Int32Array(this.contextCount + 1);
    for (let k = 0; k < count; k++, place.advance()) {
      indices[k] = place.at.reduce((index, entry, axis) => index + entry * this.steps[axis], 0);
      contexts[k] = this.#context(place.at, indices[k], neighbours);
      sizes[contexts[k] + 1]++;
    }
    for (let context = 0; context < this.contextCount; context++) sizes[context + 1] += sizes[context];
    const starts = sizes.slice();
    const sorted = new Int32Array(count);
    for (let k = 0; k < count; k++) sorted[starts[contexts[k]]++] = indices[k];
    for (let context = 0; context < this.contextCount; context++) {
      const [begin, end] = [sizes[context], sizes[context + 1]];
      if (end > begin) this.#codeContext(sorted.subarray(begin, end), 2 * (first + context));
    }
  }

  #codeContext(indices, slot) {
    const zeros = this.counts[slot];
    const ones = this.counts[slot + 1];
    const share = Math.floor((TABLE * (2 * ones + 1)) / (2 * (zeros + ones) + 2));
    const split = TABLE - Math.min(Math.max(share, 1), TABLE - 1);
    let found = 0;
    for (const index of indices) found += this.bits[index] = this.decoder.bit(split);
    let [n0, n1] = [zeros + indices.length - found, ones + found];
    while (n0 + n1 > MOST_COUNTS) {
      n0 >>= 1;
      n1 >>= 1;
    }
    this.counts[slot] = n0;
    this.counts[slot + 1] = n1;
  }

  #context(at, index, neighbours) {
    const { lengths, steps, bits } = this;
    const zeros = [0, 0, 0, 0];
    const ones = [0, 0, 0, 0];
    let weights = 0;
    let set = 0;
    for (let k = 0; k < neighbours.length; k++) {
      const { offset, weight, axis } = neighbours[k];
      let there = index;
      for (let a = 0; a < lengths.length; a++) {
        const position = at[a] + offset[a];
        if (position < 0 || position >= lengths[a]) there = -Infinity;
        there += offset[a] * steps[a];
      }
      if (there < 0) continue;
      const bit = bits[there];
      weights += weight;
      set += weight * bit;
      if (axis >= 0) (bit ? ones : zeros)[axis]++;
    }
    let context = 0;
    for (let a = 0; a < lengths.length; a++) {
      context = 3 * context + (zeros[a] === 0 ? (ones[a] === 0 ? 1 : 2) : ones[a] === 0 ? 0 : 1);
    }
    return context * 9 + (weights === 0 ? 4 : Math.floor((8 * set) / weights));
  }
}

/** Positions of a pass in C order. */
class Positions {
  constructor(start, counts, pace) {
    this.start = start;
    this.ends = start.map((entry, axis) => entry + counts[axis] * pace);
    this.pace = pace;
    this.at = start.slice();
  }

  advance() {
    for (let axis = this.at.length - 1; axis >= 0; axis--) {
      this.at[axis] += this.pace;
      if (this.at[axis] < this.ends[axis]) return;
      this.at[axis] = this.start[axis];
    }
  }
}
