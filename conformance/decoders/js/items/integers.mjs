/** TENS and RESD sections: integers of tensors and residuals (inrc-1.md, sections 6 and 6.1). */
import { allocate, malformed } from "../outcome.mjs";
import { checkLimit } from "../limits.mjs";
import { Lattice, LatticeDecoder } from "../entropy/lattice.mjs";
import { checkOctree } from "../entropy/octree.mjs";
import { decodeMixedOctree } from "../entropy/octree_mixing.mjs";
import { StaticDecoder } from "../entropy/static.mjs";
import { ARRAY, MIXING, OCTREE, STATIC, readStream } from "../entropy/streams.mjs";
import { ByteReader } from "../container/bytes.mjs";

const COMMON_AXES = 4;
const MOST_ARRAYS = 1024;

/** Collects the integers of one item's sections, in coded order. */
class Collector {
  /**
   * @param {number} total that must come
   * @param {Lattice | null} lattice of the first of them
   * @param {object | null} octree shape, of the first of them
   */
  constructor(total, lattice, octree) {
    this.total = total;
    this.integers = null;
    this.filled = 0;
    this.lattice = lattice;
    this.octree = octree;
    this.latticeDecoder = null;
    this.staticDecoder = null;
    this.arrays = 0;
  }

  /** Adds all streams up to the end of the payload. @returns {Int32Array} what they held */
  addStreams(reader, limits, decompressors) {
    const start = this.filled;
    while (reader.left > 0) this.#addStream(reader, limits, decompressors);
    return this.#room().subarray(start, this.filled);
  }

  #room() {
    this.integers ??= allocate(Int32Array, this.total);
    return this.integers;
  }

  #addStream(reader, limits, decompressors) {
    const target = { reserve: (count, coder) => this.#reserve(count, coder, limits) };
    if (this.lattice !== null) {
      target.mixing = (count, data) => this.#mixing(count, data);
      target.static = (count, data) => this.#static(count, data);
    }
    if (this.octree !== null) target.octree = (count, data) => this.#octreeStream(count, data);
    const integers = readStream(reader, target, decompressors);
    if (integers.buffer !== this.integers?.buffer) this.#room().set(integers, this.filled);
    this.filled += integers.length;
  }

  #reserve(count, coder, limits) {
    if (coder !== MIXING && coder !== STATIC && limits !== null) checkLimit("entries of tensors", count, limits.parameters);
    if (count > this.total - this.filled) throw malformed("more integers than an item asks for (TENS-2, RESD-2)");
    if (coder === OCTREE && (this.octree === null || this.filled > 0)) throw malformed("an octree where there is none (STR-8)");
    if (coder === ARRAY && ++this.arrays > MOST_ARRAYS) throw malformed(`more than ${MOST_ARRAYS} arrays of an item (STR-10)`);
  }

  #mixing(count, data) {
    this.latticeDecoder ??= new LatticeDecoder(this.lattice, this.#room().subarray(0, this.lattice.count));
    if (this.latticeDecoder.done !== this.filled) throw malformed("a mixing stream behind another coder (STR-6)");
    if (count > this.lattice.count - this.filled) throw malformed("a mixing stream longer than its lattice (STR-6)");
    this.latticeDecoder.decode(count, data);
    return this.integers.subarray(this.filled, this.filled + count);
  }

  #static(count, data) {
    this.staticDecoder ??= new StaticDecoder(this.lattice, this.#room().subarray(0, this.lattice.count));
    if (count > this.lattice.count - this.filled) throw malformed("a static stream longer than its lattice (STR-11)");
    this.staticDecoder.decode(this.filled, count, data);
    return this.integers.subarray(this.filled, this.filled + count);
  }

  #octreeStream(count, data) {
    if (count !== this.octree.count) throw malformed("a stream of other integers than those of an octree (STR-8)");
    return decodeMixedOctree(this.octree, count, data);
  }

  expectAll(what) {
    if (this.filled !== this.total) throw malformed(`${this.filled} ${what} of ${this.total}`);
    return this.integers ?? new Int32Array(0);
  }
}

/** @param {Int32Array} integers @returns {Uint8Array} little-endian */
export function integerBytes(integers) {
  const bytes = allocate(Uint8Array, 4 * integers.length);
  const view = new DataView(bytes.buffer);
  for (let index = 0; index < integers.length; index++) view.setInt32(4 * index, integers[index], true);
  return bytes;
}

/** The coded entries of each tensor of an item. */
export function tensorCounts(item, masks) {
  return item.model.tensors.map((shape, tensor) => {
    const count = shape.reduce((product, size) => product * size, 1);
    if (!item.sparse.has(tensor)) return count;
    const mask = masks[item.sparse.get(tensor)];
    return (mask.ones * count) / mask.bits.length;
  });
}

/** @returns {Lattice} of one level that holds all residuals of an item (section 6.1) */
export function residualLattice(item) {
  const axes = [...(item.components.length > 1 ? [item.components.length] : []), ...item.field.active];
  while (axes.length > COMMON_AXES) axes.splice(0, 2, axes[0] * axes[1]);
  while (axes.length < COMMON_AXES) axes.unshift(1);
  return new Lattice(axes, [0, 0, 0, 0]);
}

/**
 * Decodes all TENS or RESD sections.
 * @param {{payload: () => Uint8Array, keepDigest: (bytes: Uint8Array, item: number) => void}[]} sections in file order
 * @param {Collector[]} collectors by item; null where an item takes none
 */
function readSections(sections, collectors, limits, decompressors) {
  for (const section of sections) {
    const reader = new ByteReader(section.payload());
    const number = reader.uleb();
    const collector = collectors[number];
    if (!collector) throw malformed(`integers of item ${number}, which has none (TENS-1, RESD-1)`);
    section.keepDigest(integerBytes(collector.addStreams(reader, limits, decompressors)), number);
  }
}

/**
 * @returns {Int32Array[][]} by item and tensor: the coded entries
 */
export function readTensors(sections, items, masks, limits, decompressors) {
  const counts = items.map((item) => tensorCounts(item, masks));
  const collectors = items.map(({ model }, index) => {
    const octree = model.octree ? { ...model.octree, count: counts[index][0] } : null;
    const total = counts[index].reduce((sum, count) => sum + count, 0);
    return new Collector(total, model.lattice ?? null, octree);
  });
  readSections(sections, collectors, limits, decompressors);
  return collectors.map((collector, index) => {
    const integers = collector.expectAll("integers of tensors (TENS-2)");
    let start = 0;
    return counts[index].map((count) => integers.subarray(start, (start += count)));
  });
}

/** Checks what octrees and the architecture ask of the integers themselves. */
export function checkIntegers(item, integers) {
  if (!item.model.octree) return;
  const cells = checkOctree(item.model.octree, integers[0]);
  item.architecture.check(item.model, integers, cells);
}

/** @returns {(Int32Array | null)[]} by item: residuals, component by component */
export function readResiduals(sections, items, decompressors) {
  const collectors = items.map((item) =>
    item.residualSteps === null ? null : new Collector(item.samples * item.components.length, residualLattice(item), null),
  );
  readSections(sections, collectors, null, decompressors);
  return collectors.map((collector) => collector && collector.expectAll("residuals (RESD-1)"));
}
