/** Huffman-coded literals of zstd (RFC 8878, 4.2). */
import { malformed } from "../outcome.mjs";
import { BackwardBits } from "./bits.mjs";
import { readFseTable } from "./fse.mjs";

const MOST_BITS = 11;

/**
 * @typedef {object} HuffmanTable
 * @property {number} width of the longest code
 * @property {Uint8Array} symbols by the next `width` bits
 * @property {Uint8Array} bits length of the code
 */

/**
 * @param {Uint8Array} bytes that begin with a tree description
 * @returns {{table: HuffmanTable, size: number}} size in bytes
 */
export function readHuffmanTable(bytes) {
  if (bytes.length === 0) throw malformed("a zstd tree is missing");
  const header = bytes[0];
  const size = 1 + (header < 128 ? header : (header - 126) >> 1);
  if (size > bytes.length) throw malformed("a zstd tree ends too early");
  const body = bytes.subarray(1, size);
  const weights = header < 128 ? codedWeights(body) : directWeights(body, header - 127);
  return { table: buildHuffmanTable(weights), size };
}

function directWeights(body, count) {
  return Array.from({ length: count }, (_, index) => (index & 1 ? body[index >> 1] & 15 : body[index >> 1] >> 4));
}

function codedWeights(body) {
  const { table, size } = readFseTable(body, 6, 255);
  const bits = new BackwardBits(body.subarray(size));
  const states = [bits.read(table.accuracy), bits.read(table.accuracy)];
  if (bits.left < 0) throw malformed("zstd weights end too early");
  const weights = [];
  for (let turn = 0; weights.length < 255; turn ^= 1) {
    const state = states[turn];
    weights.push(table.symbols[state]);
    states[turn] = table.bases[state] + bits.read(table.bits[state]);
    if (bits.left < 0) {
      weights.push(table.symbols[states[turn ^ 1]]);
      break;
    }
  }
  if (bits.left >= 0 || weights.length > 255) throw malformed("too many zstd weights");
  return weights;
}

function buildHuffmanTable(weights) {
  let sum = 0;
  for (const weight of weights) {
    if (weight > MOST_BITS) throw malformed("a zstd weight that is too large");
    sum += (1 << weight) >> 1;
  }
  if (sum === 0) throw malformed("zstd weights that are all 0");
  const width = 32 - Math.clz32(sum);
  const rest = (1 << width) - sum;
  if (width > MOST_BITS || (rest & (rest - 1)) !== 0) throw malformed("zstd weights that make no tree");
  const all = [...weights, 32 - Math.clz32(rest)];
  const table = { width, symbols: new Uint8Array(1 << width), bits: new Uint8Array(1 << width) };
  let position = 0;
  for (let weight = 1; weight <= width; weight++) {
    all.forEach((other, symbol) => {
      if (other !== weight) return;
      const end = position + (1 << (weight - 1));
      table.symbols.fill(symbol, position, end);
      table.bits.fill(width + 1 - weight, position, end);
      position = end;
    });
  }
  return table;
}

/**
 * Decodes one stream, which fills `target`.
 * @param {HuffmanTable} table
 * @param {Uint8Array} bytes
 * @param {Uint8Array} target
 */
export function decodeHuffman(table, bytes, target) {
  const bits = new BackwardBits(bytes);
  for (let index = 0; index < target.length; index++) {
    const code = bits.peek(table.width);
    target[index] = table.symbols[code];
    bits.left -= table.bits[code];
  }
  bits.expectEnd();
}
