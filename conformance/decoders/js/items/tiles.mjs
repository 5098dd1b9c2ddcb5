/** Tiles: which items belong together, and where their cores lie (ITEM-10, ITEM-11, TILE-1, TILE-2). */
import { malformed } from "../outcome.mjs";

const MOST_SIZE = 2 ** 48;

/**
 * One stretch of a core along an axis, with the samples that its tiles share with their neighbours.
 * @typedef {object} Core
 * @property {number} start
 * @property {number} end
 * @property {number} before
 * @property {number} after
 */

/**
 * @typedef {object} TiledField
 * @property {number[]} items indices
 * @property {Core[][]} cores by axis, ascending
 * @property {number[][]} places by item of the list: the index of its core along each axis
 * @property {Map<string, number>} itemAt item by place, as text
 */

/**
 * Checks names and tiles of all items.
 * @param {import("./item.mjs").Item[]} items
 * @returns {TiledField[]} the fields of items with an origin
 */
export function checkTiles(items) {
  const groups = new Map();
  items.forEach((item, index) => {
    const { name } = item.components[0];
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(index);
  });
  const names = new Set();
  const fields = [];
  for (const group of groups.values()) {
    const [first] = group;
    for (const { name } of items[first].components) {
      if (names.has(name)) throw malformed(`two components are named ${name} (ITEM-10)`);
      names.add(name);
    }
    for (const index of group) checkAlike(items[first], items[index], group.length);
    if (items[first].origin !== null) fields.push(readField(items, group));
  }
  return fields;
}

function checkAlike(first, item, count) {
  if (count > 1 && item.origin === null) throw malformed("items of one field without key 5 (ITEM-11)");
  const alike =
    first.components.length === item.components.length &&
    first.components.every(({ name, dtype }, index) => {
      const other = item.components[index];
      return other.name === name && other.dtype === dtype;
    }) &&
    first.dimNames.length === item.dimNames.length &&
    first.dimNames.every((name, index) => item.dimNames[index] === name);
  if (!alike) throw malformed("tiles of a field are not alike (ITEM-11)");
}

function coreOf(item, axis) {
  const [before, after] = item.overlap === null ? [0, 0] : item.overlap[axis];
  const start = item.origin[axis] + before;
  const end = item.origin[axis] + item.sizes[axis] - after;
  if (!(end > start)) throw malformed("a core without a sample (TILE-1)");
  if (end > MOST_SIZE) throw malformed("a field of more than 2^48 samples (ITEM-11)");
  return { start, end, before, after };
}

function readField(items, group) {
  const axes = items[group[0]].sizes.length;
  const cores = [];
  const places = group.map(() => []);
  for (let axis = 0; axis < axes; axis++) {
    const own = group.map((index) => coreOf(items[index], axis));
    const distinct = distinctCores(own);
    checkLine(distinct);
    const numbers = new Map(distinct.map((core, index) => [core.start, index]));
    own.forEach((core, index) => places[index].push(numbers.get(core.start)));
    cores.push(distinct);
  }
  const count = cores.reduce((product, line) => product * line.length, 1);
  const itemAt = new Map(places.map((place, number) => [String(place), group[number]]));
  if (count !== group.length || itemAt.size !== count) throw malformed("tiles that do not fill a field (ITEM-11)");
  return { items: group, cores, places, itemAt };
}

function distinctCores(all) {
  const byStart = new Map();
  for (const core of all) {
    const other = byStart.get(core.start) ?? core;
    if (other.end !== core.end) throw malformed("cores that overlap (ITEM-11)");
    if (other.before !== core.before || other.after !== core.after) throw malformed("tiles of one core that differ (TILE-1)");
    byStart.set(core.start, core);
  }
  return [...byStart.values()].sort((a, b) => a.start - b.start);
}

function checkLine(cores) {
  let end = 0;
  cores.forEach((core, index) => {
    if (core.start !== end) throw malformed("cores with a gap or an overlap (ITEM-11)");
    end = core.end;
    const previous = cores[index - 1];
    const next = cores[index + 1];
    if (!previous && core.before !== 0) throw malformed("a first core with samples before it (TILE-2)");
    if (!next && core.after !== 0) throw malformed("a last core with samples after it (TILE-2)");
    if (previous && (previous.after === 0) !== (core.before === 0)) throw malformed("tiles that overlap on one side (TILE-2)");
    const reach = (previous?.after ?? 0) + (next?.before ?? 0);
    if (reach > core.end - core.start) throw malformed("neighbours that meet within a core (TILE-2)");
  });
}
