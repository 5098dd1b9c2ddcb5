/** Mixed bits of a mask (inrc-1.md, section 8.2). */
import { allocate } from "../outcome.mjs";
import { BitDecoder, Mixer } from "../entropy/adaptive.mjs";

const INPUTS = 4;
const CONTEXTS = 8192;
const MARGIN = 2;

/**
 * @param {number[]} shape the coded shape
 * @param {Uint8Array} data
 * @returns {Uint8Array} one byte (0 or 1) a sample, in C order
 */
export function decodeMixedBits(shape, data) {
  const lengths = shape.filter((length) => length > 1);
  const columns = lengths.pop() ?? 1;
  const rows = lengths.pop() ?? 1;
  const slices = lengths.reduce((product, length) => product * length, 1);
  const bits = allocate(Uint8Array, slices * rows * columns);
  const decoder = new BitDecoder(data);
  const mixer = new Mixer(INPUTS, INPUTS * CONTEXTS, 16, 26214, 4);
  const width = columns + 2 * MARGIN;
  let before = allocate(Uint8Array, (rows + 2 * MARGIN) * width);
  let slice = allocate(Uint8Array, before.length);
  let index = 0;
  for (let number = 0; number < slices; number++) {
    [before, slice] = [slice, before];
    slice.fill(0);
    for (let row = 0; row < rows; row++) {
      const start = (row + MARGIN) * width + MARGIN;
      for (let place = start; place < start + columns; place++) {
        const weights = setContexts(mixer.context, slice, before, place, width, number === 0 ? 1 : 0);
        bits[index++] = slice[place] = mixer.bit(decoder, weights, 2 ** 21);
      }
    }
  }
  return bits;
}

/** @returns {number} the row of the weights */
function setContexts(context, y, u, at, width, first) {
  const [up, down] = [at - width, at + width];
  const [up2, down2] = [up - width, down + width];
  const r = y[at - 1] + 2 * y[at - 2];
  const q = y[up - 1] + 2 * y[up] + 4 * y[up + 1] + 8 * y[up + 2] + 16 * y[up - 2];
  const z =
    u[at] +
    2 * u[at + 1] +
    4 * u[down] +
    8 * u[at - 1] +
    16 * u[up] +
    32 * u[down + 1] +
    64 * u[down - 1] +
    128 * u[up + 1] +
    256 * u[up - 1];
  const e = y[up2] + 2 * y[up2 - 1] + 4 * y[up2 + 1];
  const f = u[at + 2] + 2 * u[down2] + 4 * u[at - 2] + 8 * u[up2];
  const near = (r & 1) + 2 * (q & 7);
  context[0] = r + 4 * q + 128 * (u[at] + 2 * first);
  context[1] = CONTEXTS + near + 16 * z;
  context[2] = 2 * CONTEXTS + r + 4 * q + 128 * e + 1024 * (u[at] + 2 * u[at + 1] + 4 * u[down]);
  context[3] = 3 * CONTEXTS + (z & 31) + 32 * f + 512 * near;
  return u[at] + 2 * (r & 1) + 4 * ((q >> 1) & 1) + 8 * first;
}
