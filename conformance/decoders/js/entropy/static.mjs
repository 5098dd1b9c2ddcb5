/** Streams of the static coder: levels, bands and blocks (inrc-1.md, section 7.6). */
import { malformed } from "../outcome.mjs";
import { ByteReader } from "../container/bytes.mjs";
import { BlockDecoder } from "./static_block.mjs";
import { FinishedRows, Priors, surroundings } from "./static_contexts.mjs";
import { sumDifferences } from "./static_differences.mjs";
import { WeightMemory, readStaticHead } from "./static_head.mjs";

const LANE_CHOICES = 6;

/** Origins and lengths of the blocks of a band, in C order. */
function* blocksOf(lengths, edges) {
  const origin = [0, 0, 0, 0];
  for (;;) {
    yield { origin, lengths: lengths.map((length, axis) => Math.min(edges[axis], length - origin[axis])) };
    let axis = 3;
    for (; axis >= 0; axis--) {
      origin[axis] += edges[axis];
      if (origin[axis] < lengths[axis]) break;
      origin[axis] = 0;
    }
    if (axis < 0) return;
  }
}

const blockCount = (lengths, edges) => lengths.reduce((count, length, axis) => count * Math.ceil(length / edges[axis]), 1);

/** @returns {{lanes: number, size: number}} of a block; no lanes where every integer is 0 */
function readEntry(reader) {
  const entry = reader.uleb();
  if (entry === 0) return { lanes: 0, size: 0 };
  return { lanes: 2 ** ((entry - 1) % LANE_CHOICES), size: Math.floor((entry - 1) / LANE_CHOICES) };
}

/** Decodes the streams of coder 8 of one item into its integers (STR-11). */
export class StaticDecoder {
  /** @param {import("./lattice.mjs").Lattice} lattice @param {Int32Array} integers of the lattice, in coding order */
  constructor(lattice, integers) {
    this.lattice = lattice;
    this.integers = integers;
    this.weights = new WeightMemory();
    /** Edges of the blocks of bands that had this coder. */
    this.edges = new Map();
    this.around = new Map();
  }

  /** @param {number} start in coding order @param {number} count of the stream @param {Uint8Array} data */
  decode(start, count, data) {
    const end = start + count;
    const ends = this.lattice.levelEnds;
    if (count < 1 || !ends.includes(end)) throw malformed("a static stream that ends within a level (STR-11)");
    if (start > 0 && !ends.includes(start)) throw malformed("a static stream that begins within a level (STR-11)");
    const bands = this.lattice.bands.filter(({ offset }) => offset >= start && offset < end);
    const reader = new ByteReader(data);
    const head = readStaticHead(reader, bands, this.weights, (band) => this.#relatives(band));
    const place = { next: this.#findBlocks(reader, bands, head.edges) };
    bands.forEach((band, index) => this.#decodeBand(reader, band, head, head.weights[index], place));
  }

  /** Checks all lengths without keeping them. @returns {number} where the first block begins */
  #findBlocks(reader, bands, edges) {
    const lengths = new ByteReader(reader.bytes, reader.position, reader.end);
    let total = 0;
    for (const band of bands) {
      const count = blockCount(band.lengths, edges);
      if (count > lengths.left) throw malformed(`${count} blocks and ${lengths.left} bytes (STA-3)`);
      for (let block = 0; block < count; block++) total += readEntry(lengths).size;
    }
    if (total !== lengths.left) throw malformed(`blocks of ${total} bytes, and ${lengths.left} are left (STA-3)`);
    return lengths.position;
  }

  #relatives(band) {
    if (band.orientation === 0) return { parent: null, siblings: [] };
    const bands = this.lattice.bands.filter(({ orientation }) => orientation > 0);
    const parent = bands.find(({ orientation, level }) => orientation === band.orientation && level === band.level + 1);
    const siblings = bands.filter(({ level, offset }) => level === band.level && offset < band.offset);
    return { parent: parent ?? null, siblings };
  }

  #coded(band) {
    return this.integers.subarray(band.offset, band.offset + band.count);
  }

  #withSurroundings(band) {
    if (!this.around.has(band)) {
      this.around.set(band, surroundings(this.#coded(band), band.lengths, this.edges.get(band) ?? band.lengths));
    }
    return { lengths: band.lengths, around: this.around.get(band) };
  }

  #priors(band, weights) {
    const { parent, siblings } = this.#relatives(band);
    const halvings = this.lattice.levels.map((levels) => (band.level + 1 < levels ? 1 : 0));
    const parentAround = parent !== null && weights[8] !== 0 ? this.#withSurroundings(parent) : null;
    const siblingsAround = weights[9] !== 0 ? siblings.map((sibling) => this.#withSurroundings(sibling)) : [];
    return new Priors(weights, parentAround, siblingsAround, halvings);
  }

  #decodeBand(reader, band, head, weights, place) {
    const coded = this.#coded(band);
    let decoder = null;
    for (const block of blocksOf(band.lengths, head.edges)) {
      const { lanes, size } = readEntry(reader);
      if (lanes === 0) continue;
      decoder ??= this.#blockDecoder(reader.bytes, band, head, weights);
      decoder.decode(coded, band.lengths, block, { start: place.next, size, lanes });
      place.next += size;
      if (head.differences !== 0 && band.orientation === 0) sumDifferences(coded, band.lengths, block, head.differences);
    }
    this.edges.set(band, head.edges);
  }

  #blockDecoder(data, band, head, weights) {
    const most = band.lengths.map((length, axis) => Math.min(length, head.edges[axis]));
    return new BlockDecoder(data, head.tables, weights, this.#priors(band, weights), new FinishedRows(most));
  }
}
