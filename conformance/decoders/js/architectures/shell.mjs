/** Architecture 3, `shell`: layers L0 to L2, and what its border has to hold. */
import { allocate, malformed } from "../outcome.mjs";
import { checkKeys, integerIn, product } from "./config.mjs";

const BORDER_KEYS = [4, 5, 6];

export const shell = {
  id: 3,
  parse(field, config) {
    checkKeys(config, [0, 1, 2], BORDER_KEYS);
    const depth = integerIn(config.get(0), 0, 12, "depth");
    const unit = integerIn(config.get(1), 1, 65536, "unit");
    const { sizes, components } = field;
    const fits = components === 1 && sizes.length === 3 && sizes.every((n) => n >= 2 && (n - 1) % 2 ** depth === 0);
    if (!fits || product(sizes) > 2 ** 26) throw malformed("an item that a shell does not fit (SHELL-1)");
    const most = 2 * (product(sizes) + product(sizes.map((n) => n - 1)));
    const count = integerIn(config.get(2), 1, most, "count");
    const octree = { depth, unit, roots: sizes.map((n) => (n - 1) / 2 ** depth) };
    const border = readBorder(config, sizes, depth);
    const tensors = border === null ? [[count]] : [[count], [border.flags], [border.values]];
    return { tensors, multiplyAdds: 64, octree, plain: border === null ? [] : [1, 2], border };
  },
  /** SHELL-4. @param {object} model @param {Int32Array[]} integers @param {object} cells the finest of the octree */
  check(model, integers, cells) {
    if (model.border !== null) checkBorder(model, integers[1], integers[2], cells);
  },
};

function readBorder(config, sizes, depth) {
  const there = BORDER_KEYS.filter((key) => config.has(key)).length;
  if (there === 0) return null;
  if (there < BORDER_KEYS.length) throw malformed("a part of the keys of a border (SHELL-2)");
  const level = integerIn(config.get(4), 0, depth, "level");
  const cells = sizes.map((n) => (n - 1) / 2 ** (depth - level));
  const flags = integerIn(config.get(5), 1, 2 * product(cells), "flags");
  const values = integerIn(config.get(6), 1, product(cells.map((n) => n + 1)), "values");
  return { level, flags, values };
}

/** Which cells of a level are crossed: one byte each, C order. */
function crossedCells(finest, lengths, shift) {
  const crossed = allocate(Uint8Array, product(lengths));
  finest.eachSurface((i0, i1, i2) => {
    crossed[((i0 >> shift) * lengths[1] + (i1 >> shift)) * lengths[2] + (i2 >> shift)] = 1;
  });
  return crossed;
}

function checkBorder({ octree, border }, flags, values, finest) {
  let next = 0;
  let parents = null;
  let lengths = octree.roots;
  for (let level = 0; level <= border.level; level++) {
    if (level > 0) lengths = lengths.map((length) => 2 * length);
    const crossed = crossedCells(finest, lengths, octree.depth - level);
    const own = new Int8Array(crossed.length);
    for (let index = 0; index < crossed.length; index++) {
      if (crossed[index] === 0) continue;
      const inherited = parents === null ? 0 : parents.at(index, lengths);
      if (inherited === 0 && next === flags.length) throw malformed("too few flags (SHELL-4)");
      own[index] = inherited !== 0 ? inherited : checkedFlag(flags[next++]);
      if (own[index] === 0) crossed[index] = 2;
    }
    parents = new ParentFlags(own, lengths);
    if (level === border.level) checkValues(crossed, lengths, values);
  }
  if (next !== flags.length) throw malformed("too many flags (SHELL-4)");
}

function checkedFlag(flag) {
  if (flag < -1 || flag > 1) throw malformed(`flag ${flag} of a border (SHELL-4)`);
  return flag;
}

class ParentFlags {
  constructor(flags, lengths) {
    this.flags = flags;
    this.lengths = lengths;
  }

  at(child, [, n1, n2]) {
    const i2 = child % n2;
    const i1 = ((child - i2) / n2) % n1;
    const i0 = Math.floor(child / (n1 * n2));
    return this.flags[((i0 >> 1) * this.lengths[1] + (i1 >> 1)) * this.lengths[2] + (i2 >> 1)];
  }
}

/** Cells marked 2 are crossed with flag 0; each of their corners has a value. */
function checkValues(cells, [n0, n1, n2], values) {
  const marks = allocate(Uint8Array, (n0 + 1) * (n1 + 1) * (n2 + 1));
  cells.forEach((cell, index) => {
    if (cell !== 2) return;
    const i2 = index % n2;
    const row = (index - i2) / n2;
    const first = ((Math.floor(row / n1)) * (n1 + 1) + (row % n1)) * (n2 + 1) + i2;
    for (const x of [0, (n1 + 1) * (n2 + 1)]) for (const y of [0, n2 + 1]) for (const z of [0, 1]) marks[first + x + y + z] = 1;
  });
  let count = 0;
  for (let index = 0; index < marks.length; index++) count += marks[index];
  if (count !== values.length) throw malformed(`${values.length} values of a border for ${count} nodes (SHELL-4)`);
}
