/** Contexts of the static coder: surroundings of other bands, and rows of E (inrc-1.md, section 7.6). */
import { allocate } from "../outcome.mjs";

const MOST_AROUND = 255;
const MOST_SIBLINGS = 1023;
const BOUND = 127;

const bounded = (value) => Math.min(Math.abs(value), BOUND);

/** What lies one before and one after a row along an axis, within its block: its step, 0 where there is nothing. */
function besideRow(index, edge, length, step) {
  return [index % edge === 0 ? 0 : -step, index + 1 === length || (index + 1) % edge === 0 ? 0 : step];
}

/**
 * B of a band: how much its integers and their neighbours amount to.
 * @param {Int32Array} coded in C order
 * @param {number[]} lengths
 * @param {number[]} edges of its blocks
 * @returns {Uint8Array}
 */
export function surroundings(coded, lengths, edges) {
  const around = allocate(Uint8Array, coded.length);
  const [n0, n1, n2, n3] = lengths;
  const edge = edges[3];
  let start = 0;
  for (let slice = 0; slice < n0 * n1; slice++) {
    const besideSlice = besideRow(slice % n1, edges[1], n1, n2 * n3);
    for (let i2 = 0; i2 < n2; i2++, start += n3) {
      const steps = [...besideSlice, ...besideRow(i2, edges[2], n2, n3)].filter((step) => step !== 0);
      for (let x = 0; x < n3; x++) {
        const place = start + x;
        let sum = 2 * bounded(coded[place]);
        for (let k = 0; k < steps.length; k++) sum += bounded(coded[place + steps[k]]);
        if (x % edge !== 0) sum += bounded(coded[place - 1]);
        if (x + 1 < n3 && (x + 1) % edge !== 0) sum += bounded(coded[place + 1]);
        around[place] = sum < MOST_AROUND ? sum : MOST_AROUND;
      }
    }
  }
  return around;
}

/** What the bands decoded before add to E, row by row. */
export class Priors {
  /**
   * @param {Int32Array} weights of the band
   * @param {{lengths: number[], around: Uint8Array} | null} parent
   * @param {{lengths: number[], around: Uint8Array}[]} siblings
   * @param {number[]} halvings h_0..h_3
   */
  constructor(weights, parent, siblings, halvings) {
    this.constant = weights[7];
    this.parentWeight = weights[8];
    this.siblingWeight = weights[9];
    this.parent = parent;
    this.siblings = siblings;
    this.halvings = halvings;
  }

  /** Starts E of a row at the index (i0, i1, i2, from) of the band. @param {Int32Array} row @param {number} length */
  fill(row, length, i0, i1, i2, from) {
    const { parent, parentWeight, constant } = this;
    row.fill(0, 0, length);
    if (this.siblings.length > 0) this.#addSiblings(row, length, i0, i1, i2, from);
    for (let x = 0; x < length; x++) row[x] += constant;
    if (parent === null) return;
    const { around } = parent;
    const start = rowStart(parent.lengths, this.halvings, i0, i1, i2);
    const last = parent.lengths[3] - 1;
    const shift = this.halvings[3];
    for (let x = 0; x < length; x++) {
      const index = (from + x) >> shift;
      row[x] += (parentWeight * around[start + (index < last ? index : last)]) >> 3;
    }
  }

  #addSiblings(row, length, i0, i1, i2, from) {
    const { siblings, siblingWeight } = this;
    for (let k = 0; k < siblings.length; k++) {
      const { around, lengths } = siblings[k];
      const start = rowStart(lengths, NONE, i0, i1, i2);
      const last = lengths[3] - 1;
      for (let x = 0; x < length; x++) row[x] += around[start + (from + x < last ? from + x : last)];
    }
    for (let x = 0; x < length; x++) row[x] = (siblingWeight * Math.min(row[x], MOST_SIBLINGS)) >> 3;
  }
}

const NONE = [0, 0, 0, 0];

function rowStart(lengths, shifts, i0, i1, i2) {
  const a = Math.min(i0 >> shifts[0], lengths[0] - 1);
  const b = Math.min(i1 >> shifts[1], lengths[1] - 1);
  const c = Math.min(i2 >> shifts[2], lengths[2] - 1);
  return ((a * lengths[1] + b) * lengths[2] + c) * lengths[3];
}

/** Clamped integers of the rows of a block that are finished; a place of 0 stands for a row of zeros. */
export class FinishedRows {
  /** @param {number[]} lengths of the greatest block of a band */
  constructor(lengths) {
    this.stride = lengths[3] + 2;
    this.cells = allocate(Int8Array, this.stride * (1 + lengths[0] * lengths[1] * lengths[2]));
    this.isZero = allocate(Uint8Array, 1 + lengths[0] * lengths[1] * lengths[2]);
    /** Places of the rows of T_0 and T_1, T_2 and T_3, T_4 (two), T_5 (two), T_6. */
    this.taps = new Int32Array(7);
  }

  /** Looks up the rows that taps of a row need. @param {number[]} lengths of the block */
  seek(lengths, i0, i1, i2) {
    const [, n1, n2] = lengths;
    const row = (i0 * n1 + i1) * n2 + i2;
    const { taps } = this;
    taps[0] = i2 > 0 ? this.#place(row - 1) : 0;
    taps[1] = i1 > 0 ? this.#place(row - n2) : 0;
    taps[2] = i1 > 0 && i2 > 0 ? this.#place(row - n2 - 1) : 0;
    taps[3] = i1 > 0 && i2 + 1 < n2 ? this.#place(row - n2 + 1) : 0;
    taps[4] = i2 > 1 ? this.#place(row - 2) : 0;
    taps[5] = i1 > 1 ? this.#place(row - 2 * n2) : 0;
    taps[6] = i0 > 0 ? this.#place(row - n1 * n2) : 0;
    this.row = row + 1;
    this.place = this.row * this.stride + 1;
    this.cells.fill(0, this.place - 1, this.place - 1 + this.stride);
    this.isZero[this.row] = 1;
  }

  #place(row) {
    return this.isZero[row + 1] === 1 ? 0 : (row + 1) * this.stride + 1;
  }

  /** Keeps an integer of the row that was sought. */
  set(x, value) {
    this.cells[this.place + x] = value > BOUND ? BOUND : value < -BOUND ? -BOUND : value;
    this.isZero[this.row] = 0;
  }

  /** Adds the taps' share to E. @param {Int32Array} row @param {number} length @param {Int32Array} weights */
  addMagnitudes(row, length, weights) {
    const { taps, cells } = this;
    for (let pair = 0; pair < 2; pair++) {
      if (taps[pair] !== 0) addThree(row, length, cells, taps[pair], weights[2 * pair], weights[2 * pair + 1]);
    }
    for (let tap = 2; tap < 7; tap++) {
      if (taps[tap] !== 0) addOne(row, length, cells, taps[tap], weights[SINGLE_WEIGHTS[tap]]);
    }
  }

  /** P at a position. @param {number} x @param {Int32Array} weights @returns {number} */
  signContext(x, weights) {
    const { taps, cells } = this;
    let sum = 0;
    for (let pair = 0; pair < 2; pair++) {
      const place = taps[pair] + x;
      if (place === x) continue;
      sum += weights[10 + 2 * pair] * cells[place] + weights[11 + 2 * pair] * (cells[place - 1] + cells[place + 1]);
    }
    for (let tap = 2; tap < 7; tap++) {
      if (taps[tap] !== 0) sum += weights[10 + SINGLE_WEIGHTS[tap]] * cells[taps[tap] + x];
    }
    return sum;
  }
}

/** The k of T_k that the rows with a single position belong to. */
const SINGLE_WEIGHTS = [0, 0, 4, 4, 5, 5, 6];

function addThree(row, length, cells, place, centre, beside) {
  let before = 0;
  let here = Math.abs(cells[place]);
  for (let x = 0; x < length; x++) {
    const after = Math.abs(cells[place + x + 1]);
    row[x] += centre * here + beside * (before + after);
    before = here;
    here = after;
  }
}

function addOne(row, length, cells, place, weight) {
  if (weight === 0) return;
  for (let x = 0; x < length; x++) row[x] += weight * Math.abs(cells[place + x]);
}
