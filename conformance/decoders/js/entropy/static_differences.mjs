/** Differences of the low band of the static coder (inrc-1.md, section 7.6). */
import { allocate, malformed } from "../outcome.mjs";

const BOUND = 2 ** 31;

/** Visits the places of a block in C order, as runs along axis 3. */
function eachRow(bandLengths, { origin, lengths }, visit) {
  const [, m1, m2, m3] = bandLengths;
  for (let i0 = 0; i0 < lengths[0]; i0++) {
    for (let i1 = 0; i1 < lengths[1]; i1++) {
      for (let i2 = 0; i2 < lengths[2]; i2++) {
        const start = (((origin[0] + i0) * m1 + origin[1] + i1) * m2 + origin[2] + i2) * m3 + origin[3];
        visit(start, [i0, i1, i2]);
      }
    }
  }
}

/**
 * Undoes the differences of a block of the low band, in place (STA-5).
 * @param {Int32Array} coded the band in C order
 * @param {number[]} bandLengths
 * @param {{origin: number[], lengths: number[]}} block
 * @param {number} axes bit 3 - a is set where axis a has differences
 */
export function sumDifferences(coded, bandLengths, block, axes) {
  const [, m1, m2, m3] = bandLengths;
  const steps = [m1 * m2 * m3, m2 * m3, m3, 1];
  const summed = [3, 2, 1, 0].filter((axis) => (axes >> (3 - axis)) & 1);
  let greatest = 0;
  eachRow(bandLengths, block, (start) => {
    for (let x = 0; x < block.lengths[3]; x++) greatest = Math.max(greatest, Math.abs(coded[start + x]));
  });
  if (summed.reduce((product, axis) => product * block.lengths[axis], greatest) >= BOUND) checkSums(coded, bandLengths, block, summed);
  for (const axis of summed) {
    const step = steps[axis];
    eachRow(bandLengths, block, (start, index) => {
      if (axis < 3 && index[axis] === 0) return;
      for (let x = axis === 3 ? 1 : 0; x < block.lengths[3]; x++) coded[start + x] += coded[start + x - step];
    });
  }
}

/**
 * Refuses sums of more than 32 bits. Float64 may round sums above 2^53 that come back into the range, by far less than 2^31:
 * what the sums are modulo 2^32 tells them then exactly, and the integers themselves are summed so.
 */
function checkSums(coded, bandLengths, block, summed) {
  const { lengths } = block;
  const steps = [lengths[1] * lengths[2] * lengths[3], lengths[2] * lengths[3], lengths[3], 1];
  const sums = allocate(Float64Array, lengths[0] * steps[0]);
  const wrapped = allocate(Int32Array, sums.length);
  let place = 0;
  eachRow(bandLengths, block, (start) => {
    const row = coded.subarray(start, start + lengths[3]);
    sums.set(row, place);
    wrapped.set(row, place);
    place += lengths[3];
  });
  for (const axis of summed) {
    const step = steps[axis];
    for (let index = 0; index < sums.length; index++) {
      if (Math.floor(index / step) % lengths[axis] === 0) continue;
      sums[index] += sums[index - step];
      wrapped[index] += wrapped[index - step];
    }
  }
  for (let index = 0; index < sums.length; index++) {
    if (Math.abs(sums[index] - wrapped[index]) >= BOUND) throw malformed("sums of more than 32 bits (STA-5)");
  }
}
