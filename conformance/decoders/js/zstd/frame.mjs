/** One zstd frame of a known size (RFC 8878, 3.1.1), as SEC-5 allows it: no dictionary, a window of at most 2^27. */
import { allocate, malformed } from "../outcome.mjs";
import { ByteReader } from "../container/bytes.mjs";
import { decodeHuffman, readHuffmanTable } from "./huffman.mjs";
import { decodeSequences } from "./sequences.mjs";
import { xxhash64Low } from "./xxhash64.mjs";

const MAGIC = 0xfd2fb528;
const LARGEST_WINDOW = 2 ** 27;
const LARGEST_BLOCK = 2 ** 17;

/**
 * @param {Uint8Array} bytes exactly one frame
 * @param {number} size of what it holds, checked against limits by the caller
 * @returns {Uint8Array}
 */
export function decodeZstd(bytes, size) {
  const reader = new ByteReader(bytes);
  const header = readHeader(reader, size);
  const target = allocate(Uint8Array, size);
  const state = {
    target,
    filled: 0,
    huffman: null,
    tables: [null, null, null],
    offsets: [1, 4, 8],
    mostBlock: Math.min(header.window, LARGEST_BLOCK),
  };
  while (!decodeBlock(reader, state));
  if (state.filled !== size) throw malformed(`a zstd frame of ${state.filled} bytes instead of ${size}`);
  if (header.checksum && littleEndian(reader, 4) !== xxhash64Low(target)) throw malformed("the checksum of a zstd frame");
  reader.expectEnd("a zstd frame");
  return target;
}

function littleEndian(reader, count) {
  return reader.take(count).reduceRight((value, byte) => value * 256 + byte, 0);
}

function readHeader(reader, size) {
  if (littleEndian(reader, 4) !== MAGIC) throw malformed("no zstd frame");
  const descriptor = reader.byte();
  if (descriptor & 8) throw malformed("a reserved bit of a zstd frame");
  const singleSegment = (descriptor & 32) !== 0;
  let window = singleSegment ? size : windowSize(reader.byte());
  if (!singleSegment && window > LARGEST_WINDOW) throw malformed("a zstd window above 2^27 (SEC-5)");
  if (littleEndian(reader, [0, 1, 2, 4][descriptor & 3]) !== 0) throw malformed("a zstd dictionary (SEC-5)");
  const form = descriptor >> 6;
  const contentBytes = form === 0 ? Number(singleSegment) : 2 ** form;
  if (contentBytes > 0) {
    const content = littleEndian(reader, contentBytes) + (contentBytes === 2 ? 256 : 0);
    if (content !== size) throw malformed(`a zstd frame of ${content} bytes instead of ${size}`);
  }
  return { window, checksum: (descriptor & 4) !== 0 };
}

function windowSize(descriptor) {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** @returns {boolean} whether it was the last */
function decodeBlock(reader, state) {
  const header = littleEndian(reader, 3);
  const kind = (header >> 1) & 3;
  const size = header >> 3;
  if (size > state.mostBlock) throw malformed("a zstd block that is too large");
  const end = state.filled + (kind === 2 ? state.mostBlock : size);
  if (kind < 2 && end > state.target.length) throw malformed("a zstd frame holds more than it should");
  if (kind === 0) state.target.set(reader.take(size), state.filled);
  if (kind === 1) state.target.fill(reader.byte(), state.filled, end);
  if (kind < 2) state.filled = end;
  if (kind === 2) decodeCompressedBlock(reader.take(size), state, Math.min(end, state.target.length));
  if (kind === 3) throw malformed("a zstd block of a reserved kind");
  return (header & 1) === 1;
}

function decodeCompressedBlock(bytes, state, end) {
  const reader = new ByteReader(bytes);
  const literals = readLiterals(reader, state);
  let used = 0;
  const copyLiterals = (count) => {
    if (used + count > literals.length || state.filled + count > end) throw malformed("zstd literals beyond the end");
    state.target.set(literals.subarray(used, used + count), state.filled);
    used += count;
    state.filled += count;
  };
  decodeSequences(bytes.subarray(reader.position), state, (literal, match, offsetValue) => {
    copyLiterals(literal);
    copyMatch(state, match, nextOffset(state.offsets, offsetValue, literal), end);
  });
  copyLiterals(literals.length - used);
}

function nextOffset(offsets, value, literal) {
  if (value > 3) {
    offsets.unshift(value - 3);
    offsets.pop();
    return offsets[0];
  }
  const index = value - 1 + (literal === 0 ? 1 : 0);
  const offset = index === 3 ? offsets[0] - 1 : offsets[index];
  if (offset === 0) throw malformed("a zstd offset of 0");
  if (index > 0) {
    offsets.splice(Math.min(index, 2), 1);
    offsets.unshift(offset);
  }
  return offset;
}

function copyMatch(state, length, offset, end) {
  const { target, filled } = state;
  if (offset > filled) throw malformed("a zstd offset before the start");
  if (filled + length > end) throw malformed("a zstd match beyond the end");
  if (offset >= length) target.copyWithin(filled, filled - offset, filled - offset + length);
  else for (let index = filled; index < filled + length; index++) target[index] = target[index - offset];
  state.filled = filled + length;
}

function readLiterals(reader, state) {
  const first = reader.byte();
  const kind = first & 3;
  const form = (first >> 2) & 3;
  if (kind < 2) {
    const more = [0, 1, 0, 2][form];
    const size = form & 1 ? (first >> 4) + littleEndian(reader, more) * 16 : first >> 3;
    if (size > state.mostBlock) throw malformed("zstd literals that are too many");
    return kind === 0 ? reader.take(size) : new Uint8Array(size).fill(reader.byte());
  }
  const width = [10, 10, 14, 18][form];
  const sizes = first + littleEndian(reader, [2, 2, 3, 4][form]) * 256;
  const regenerated = Math.floor(sizes / 16) % 2 ** width;
  const compressed = Math.floor(sizes / 2 ** (4 + width));
  if (regenerated > state.mostBlock) throw malformed("zstd literals that are too many");
  return readHuffmanLiterals(reader.take(compressed), kind, form, new Uint8Array(regenerated), state);
}

function readHuffmanLiterals(bytes, kind, form, literals, state) {
  let position = 0;
  if (kind === 2) ({ table: state.huffman, size: position } = readHuffmanTable(bytes));
  if (state.huffman === null) throw malformed("zstd literals without a tree");
  if (form === 0) {
    decodeHuffman(state.huffman, bytes.subarray(position), literals);
    return literals;
  }
  if (bytes.length < position + 6) throw malformed("zstd literals end too early");
  const quarter = (literals.length + 3) >> 2;
  if (3 * quarter > literals.length) throw malformed("zstd literals too few for four streams");
  let start = position + 6;
  for (let index = 0; index < 4; index++) {
    const jump = position + 2 * index;
    const end = index < 3 ? start + bytes[jump] + bytes[jump + 1] * 256 : bytes.length;
    if (end > bytes.length) throw malformed("zstd literals end too early");
    const part = literals.subarray(index * quarter, index < 3 ? (index + 1) * quarter : literals.length);
    decodeHuffman(state.huffman, bytes.subarray(start, end), part);
    start = end;
  }
  return literals;
}
