/** The walk through an octree: which cells and nodes its integers belong to (inrc-1.md, section 7.5). */
import { allocate, malformed } from "../outcome.mjs";

export const OUTSIDE = 0;
export const SURFACE = 1;
export const INSIDE = 2;
export const UNKNOWN = 3;

const CLASSES = [1, 2, 4, 3, 5, 6, 7];

/**
 * @typedef {object} OctreeShape
 * @property {number} depth
 * @property {number} unit
 * @property {number[]} roots three
 */

/** Cells of one level with a margin of one unknown cell around them. */
export class CellLevel {
  /** @param {number[]} lengths three */
  constructor(lengths) {
    this.lengths = lengths;
    this.steps = [(lengths[1] + 2) * (lengths[2] + 2), lengths[2] + 2, 1];
    this.cells = allocate(Uint8Array, (lengths[0] + 2) * this.steps[0]).fill(UNKNOWN);
  }

  /** @returns {number} index of a cell in `cells` */
  index(i0, i1, i2) {
    return (i0 + 1) * this.steps[0] + (i1 + 1) * this.steps[1] + i2 + 1;
  }

  /** Calls `visit(i0, i1, i2, index)` for all surface cells in C order. */
  eachSurface(visit) {
    const [n0, n1, n2] = this.lengths;
    for (let i0 = 0; i0 < n0; i0++) {
      for (let i1 = 0; i1 < n1; i1++) {
        let index = this.index(i0, i1, 0);
        for (let i2 = 0; i2 < n2; i2++, index++) if (this.cells[index] === SURFACE) visit(i0, i1, i2, index);
      }
    }
  }
}

/** The cells of the level below: children of cells that are not surface are known, the others unknown. */
function childLevel(parents) {
  const level = new CellLevel(parents.lengths.map((length) => 2 * length));
  const [n0, n1, n2] = level.lengths;
  for (let i0 = 0; i0 < n0; i0++) {
    for (let i1 = 0; i1 < n1; i1++) {
      const row = parents.index(i0 >> 1, i1 >> 1, 0);
      const own = level.index(i0, i1, 0);
      for (let i2 = 0; i2 < n2; i2++) {
        const parent = parents.cells[row + (i2 >> 1)];
        level.cells[own + i2] = parent === SURFACE ? UNKNOWN : parent;
      }
    }
  }
  return level;
}

/**
 * Walks through an octree. The source gives the integers: `rootCell(level, index)`, `child(place)` and `value(place)`; it
 * sees the levels, and where it is.
 */
export class OctreeWalk {
  /** @param {OctreeShape} shape @param {object} source */
  constructor(shape, source) {
    this.shape = shape;
    this.source = source;
    this.nodes = shape.roots.map((root) => root * 2 ** shape.depth + 1);
  }

  /** @returns {CellLevel} the cells of the finest level */
  run() {
    let level = this.#rootLevel();
    this.#newNodes(level, 0);
    for (let number = 1; number <= this.shape.depth; number++) {
      const parents = level;
      level = childLevel(parents);
      this.#children(parents, level, number);
      this.#newNodes(level, number);
    }
    return level;
  }

  #rootLevel() {
    const level = new CellLevel(this.shape.roots);
    const [n0, n1, n2] = level.lengths;
    for (let i0 = 0; i0 < n0; i0++) {
      for (let i1 = 0; i1 < n1; i1++) {
        for (let i2 = 0; i2 < n2; i2++) {
          const index = level.index(i0, i1, i2);
          level.cells[index] = checkedCell(this.source.rootCell(level, index));
        }
      }
    }
    return level;
  }

  #children(parents, level, number) {
    const { source } = this;
    parents.eachSurface((i0, i1, i2, parent) => {
      for (let child = 0; child < 8; child++) {
        const place = [2 * i0 + (child >> 2), 2 * i1 + ((child >> 1) & 1), 2 * i2 + (child & 1)];
        const index = level.index(...place);
        level.cells[index] = checkedCell(source.child({ parents, parent, level, index, number, child, at: [i0, i1, i2] }));
      }
    });
  }

  #newNodes(level, number) {
    const lengths = level.lengths.map((length) => length + 1);
    const marks = markCorners(level, lengths);
    if (number === 0) this.#classNodes(marks, lengths, number, 8, [0, 0, 0], 1);
    else {
      for (const kind of CLASSES) this.#classNodes(marks, lengths, number, kind, [kind >> 2, (kind >> 1) & 1, kind & 1], 2);
    }
  }

  #classNodes(marks, [n0, n1, n2], number, kind, start, pace) {
    for (let i0 = start[0]; i0 < n0; i0 += pace) {
      for (let i1 = start[1]; i1 < n1; i1 += pace) {
        const row = (i0 * n1 + i1) * n2;
        for (let i2 = start[2]; i2 < n2; i2 += pace) {
          if (marks[row + i2] === 1) this.source.value(number, kind, i0, i1, i2);
        }
      }
    }
  }
}

function checkedCell(cell) {
  if (cell < OUTSIDE || cell > INSIDE) throw malformed(`a cell of an octree is ${cell} (STR-8)`);
  return cell;
}

function markCorners(level, [, n1, n2]) {
  const marks = allocate(Uint8Array, (level.lengths[0] + 1) * n1 * n2);
  level.eachSurface((i0, i1, i2) => {
    const first = (i0 * n1 + i1) * n2 + i2;
    for (const corner of [first, first + n2, first + n1 * n2, first + n1 * n2 + n2]) marks[corner] = marks[corner + 1] = 1;
  });
  return marks;
}

/** Gives integers that another coder has decoded. */
class ListedIntegers {
  constructor(integers) {
    this.integers = integers;
    this.next = 0;
  }

  #take() {
    if (this.next >= this.integers.length) throw malformed("an octree has fewer integers than it asks for (STR-8)");
    return this.integers[this.next++];
  }

  rootCell() {
    return this.#take();
  }

  child() {
    return this.#take();
  }

  value() {
    this.#take();
  }
}

/**
 * Checks that integers are those of an octree, no more and no fewer (STR-8).
 * @param {OctreeShape} shape
 * @param {Int32Array} integers
 * @returns {CellLevel} the cells of the finest level
 */
export function checkOctree(shape, integers) {
  const source = new ListedIntegers(integers);
  const cells = new OctreeWalk(shape, source).run();
  if (source.next !== integers.length) throw malformed("an octree has more integers than it asks for (STR-8)");
  return cells;
}
