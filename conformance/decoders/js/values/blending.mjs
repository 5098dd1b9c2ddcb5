/** Tiles that overlap: blended values, and whose patterns count (TILE-4, TILE-5). */
import { allocate } from "../outcome.mjs";
import { patternOf } from "./samples.mjs";

/**
 * What covers the samples of a tile along one axis: pieces with the tile that a piece belongs to and its weights.
 * @typedef {object} Piece
 * @property {number} place index of the core of the tile
 * @property {number} from first sample, of the field
 * @property {number} to behind the last one
 * @property {(position: number) => number} weight
 */

/** Pieces of all tiles with a weight above 0 at the samples of the tile at `place`. */
function piecesOf(cores, place) {
  const core = cores[place];
  const first = core.start - core.before;
  const last = core.end + core.after - 1;
  const pieces = [];
  for (const other of [place - 1, place, place + 1]) {
    if (!cores[other]) continue;
    const from = Math.max(first, cores[other].start - cores[other].before);
    const to = Math.min(last + 1, cores[other].end + cores[other].after);
    if (to > from) pieces.push({ place: other, from, to, weight: weightOf(cores, other) });
  }
  return pieces;
}

/** Weight of the tile at `place` along the axis, by position. */
function weightOf(cores, place) {
  const rising = place > 0 ? ramp(cores[place - 1], cores[place]) : () => 1;
  const falling = place < cores.length - 1 ? ramp(cores[place], cores[place + 1]) : () => 0;
  return (position) => rising(position) * (1 - falling(position));
}

/** The weight of the second of two tiles whose cores meet. */
function ramp(first, second) {
  const meeting = second.start;
  const shared = first.after > 0;
  const low = shared ? meeting - second.before : meeting - 1;
  const high = shared ? meeting + first.after - 1 : meeting;
  return (position) => Math.min(Math.max((position - low) / (high - low), 0), 1);
}

/** All combinations of one entry per list. */
function combinations(lists) {
  return lists.reduce((heads, list) => heads.flatMap((head) => list.map((entry) => [...head, entry])), [[]]);
}

/** Calls `visit(position)` for all samples of a box, in C order. */
function eachPosition(froms, tos, visit) {
  const at = froms.slice();
  for (;;) {
    visit(at);
    let axis = at.length - 1;
    while (axis >= 0 && ++at[axis] === tos[axis]) at[axis] = froms[axis--];
    if (axis < 0) return;
  }
}

/** One tile of a field and its own samples. */
export class Tile {
  /** @param {import("../items/item.mjs").Item} item @param {number[]} place index of its core along each axis */
  constructor(item, place) {
    this.item = item;
    this.place = place;
    this.steps = item.sizes.map((_, axis) => item.sizes.slice(axis + 1).reduce((product, size) => product * size, 1));
  }

  /** @param {number[]} position in the field @returns {number} index of the sample */
  index(position) {
    let index = 0;
    for (let axis = 0; axis < position.length; axis++) index += (position[axis] - this.item.origin[axis]) * this.steps[axis];
    return index;
  }
}

/**
 * Tiles that share samples with the one at `place`, itself included.
 * @param {import("../items/tiles.mjs").TiledField} field
 * @param {number[]} place
 * @returns {{item: number, pieces: Piece[]}[]}
 */
export function tilesAround(field, place) {
  const lists = field.cores.map((cores, axis) => piecesOf(cores, place[axis]));
  return combinations(lists).map((pieces) => ({ item: field.itemAt.get(String(pieces.map((piece) => piece.place))), pieces }));
}

/**
 * @param {Tile} target
 * @param {{tile: Tile, pieces: Piece[], x: Float64Array}[]} around tiles with their own x
 * @returns {Float64Array} blended x of the target
 */
export function blend(target, around) {
  const blended = allocate(Float64Array, target.item.samples);
  const alone = around.length === 1;
  for (const { tile, pieces, x } of around) {
    const froms = pieces.map(({ from }) => from);
    const weights = pieces.map(({ from, to, weight }) => Float64Array.from({ length: to - from }, (_, k) => weight(from + k)));
    eachPosition(froms, pieces.map(({ to }) => to), (position) => {
      let weight = 1;
      for (let axis = 0; axis < froms.length; axis++) weight *= weights[axis][position[axis] - froms[axis]];
      if (weight === 0) return;
      const own = x[tile.index(position)];
      blended[target.index(position)] += weight * (alone ? own : Math.min(Math.max(own, -Number.MAX_VALUE), Number.MAX_VALUE));
    });
  }
  return blended;
}

/**
 * Validity and patterns of a tile's samples, each told by the tile whose core it lies in (TILE-5).
 * @param {Tile} target
 * @param {{tile: Tile, pieces: Piece[], mask: import("../masks/mask.mjs").Mask | null}[]} around
 * @param {import("../items/tiles.mjs").TiledField} field
 * @param {Uint8Array} bytes of the target's stored values
 * @param {number} size of a value in bytes
 */
export function setPatternsOfCores(target, around, field, bytes, size) {
  for (const { tile, pieces, mask } of around) {
    if (mask === null) continue;
    const cores = tile.place.map((place, axis) => field.cores[axis][place]);
    const froms = pieces.map(({ from }, axis) => Math.max(from, cores[axis].start));
    const tos = pieces.map(({ to }, axis) => Math.min(to, cores[axis].end));
    if (froms.some((from, axis) => from >= tos[axis])) continue;
    const invalid = mask.patternIndices === null ? null : invalidNumbers(mask);
    eachPosition(froms, tos, (position) => {
      const index = tile.index(position);
      if (mask.bits[index] === 1) return;
      bytes.set(patternOf(mask, invalid === null ? 0 : invalid[index]), target.index(position) * size);
    });
  }
}

/** For each sample, how many invalid ones lie before it. */
function invalidNumbers(mask) {
  const numbers = allocate(Int32Array, mask.bits.length);
  let count = 0;
  for (let index = 0; index < numbers.length; index++) {
    numbers[index] = count;
    count += 1 - mask.bits[index];
  }
  return numbers;
}
