/** Streams of integers: coders 0 to 9 (inrc-1.md, sections 6 and 7). */
import { allocate, malformed, unsupported } from "../outcome.mjs";
import { BitReader, ByteReader, unzigzag } from "../container/bytes.mjs";
import { Lattice, LatticeDecoder } from "./lattice.mjs";
import { StaticDecoder } from "./static.mjs";
import { laplaceModel, readStaticModel } from "./tables.mjs";
import { AnsDecoder, RangeDecoder } from "./words.mjs";

export const MIXING = 5;
export const OCTREE = 6;
export const ARRAY = 7;
export const STATIC = 8;
export const STATIC_ARRAY = 9;
const MOST_RANK = 4;
const MOST = 2 ** 31 - 1;
const LEAST = -(2 ** 31);

/**
 * Where the integers of streams go, and how many may come.
 * @typedef {object} Target
 * @property {(count: number, coder: number) => void} reserve checks a count before anything is allocated for it
 * @property {(count: number, data: Uint8Array) => Int32Array} [mixing] decodes a stream of coder 5
 * @property {(count: number, data: Uint8Array) => Int32Array} [octree] decodes a stream of coder 6
 * @property {(count: number, data: Uint8Array) => Int32Array} [static] decodes a stream of coder 8
 */

/**
 * @param {ByteReader} reader at a stream
 * @param {Target} target
 * @param {import("../container/compression.mjs").Decompressors} decompressors
 * @returns {Int32Array}
 */
export function readStream(reader, target, decompressors) {
  const coder = reader.byte();
  if (coder > STATIC_ARRAY) throw unsupported(`coder ${coder} (STR-1)`);
  const count = reader.uleb();
  target.reserve(count, coder);
  if (coder === 0) return readRaw(reader, count);
  if (coder <= 2) return readWordCoded(reader, coder, count);
  if (coder <= 4) return readCompressed(reader, coder, count, decompressors);
  if (coder === ARRAY || coder === STATIC_ARRAY) return readArray(reader, coder, count);
  const decode = { [MIXING]: target.mixing, [OCTREE]: target.octree, [STATIC]: target.static }[coder];
  if (!decode) throw malformed(`a stream of coder ${coder} where there is nothing for it (STR-6, STR-8, STR-11)`);
  return decode(count, reader.take(reader.uleb()));
}

function checked(value) {
  if (value < LEAST || value > MOST) throw malformed("an integer of more than 32 bits (STR-4)");
  return value;
}

function readRaw(reader, count) {
  const offset = unzigzag(reader.uleb());
  const width = reader.byte();
  if (width > 32) throw malformed(`raw numbers of ${width} bits (STR-2)`);
  const data = reader.take(reader.uleb());
  if (data.length !== Math.ceil((count * width) / 8)) throw malformed(`${data.length} raw bytes (STR-2)`);
  const integers = allocate(Int32Array, count);
  const bits = new BitReader(data);
  for (let index = 0; index < count; index++) integers[index] = checked(bits.bits(width) + offset);
  bits.expectPadding("raw numbers");
  return integers;
}

function readCompressed(reader, coder, count, decompressors) {
  const width = reader.byte();
  if (width !== 1 && width !== 2 && width !== 4) throw malformed(`integers of ${width} bytes (STR-3)`);
  const data = reader.take(reader.uleb());
  const bytes = decompressors[coder === 3 ? "zstd" : "brotli"](data, count * width);
  const integers = allocate(Int32Array, count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const get = { 1: "getInt8", 2: "getInt16", 4: "getInt32" }[width];
  for (let index = 0; index < count; index++) integers[index] = view[get](index * width, true);
  return integers;
}

function readWordCoded(reader, coder, count) {
  const Decoder = coder === 1 ? AnsDecoder : RangeDecoder;
  const model = reader.byte();
  if (model === 0) {
    const { offset, table } = readStaticModel(reader);
    return readStatic(new Decoder(reader.take(reader.uleb())), count, offset, table);
  }
  if (model !== 1) throw unsupported(`model ${model} (STR-1)`);
  const segments = readSegments(reader, count);
  return readLaplace(new ByteReader(reader.take(reader.uleb())), Decoder, count, segments);
}

function readStatic(decoder, count, offset, table) {
  const integers = allocate(Int32Array, count);
  for (let index = 0; index < count; index++) integers[index] = checked(decoder.symbol(table) + offset);
  decoder.expectEnd();
  return integers;
}

function readSegments(reader, count) {
  const number = reader.uleb();
  if (number > reader.left) throw malformed("more segments than bytes");
  if (number === 0 && count > 0) throw malformed("no segments for some integers (LAP-1)");
  const segments = [];
  let left = count;
  for (let index = 0; index < number; index++) {
    const model = laplaceModel(reader.byte());
    const length = index < number - 1 ? reader.uleb() : left;
    left -= length;
    if (left < 0) throw malformed("segments longer than their stream (LAP-1)");
    segments.push({ model, length });
  }
  return segments;
}

function readLaplace(reader, Decoder, count, segments) {
  const symbols = allocate(Int32Array, count);
  const decoder = new Decoder(reader.take(4 * reader.uleb()));
  let index = 0;
  let lowBits = 0;
  for (const { model, length } of segments) {
    const escape = 2 * model.half + 1;
    for (const end = index + length; index < end; index++) {
      const symbol = decoder.symbol(model.table);
      symbols[index] = symbol;
      if (symbol !== escape) lowBits += model.shift;
    }
  }
  decoder.expectEnd();
  const low = new BitReader(reader.take(Math.ceil(lowBits / 8)));
  resolveLaplace(symbols, segments, low, reader);
  low.expectPadding("low bits");
  reader.expectEnd("a Laplace stream (LAP-3)");
  return symbols;
}

/** Replaces symbols by their integers, in place. */
function resolveLaplace(symbols, segments, low, escapes) {
  let index = 0;
  for (const { model, length } of segments) {
    const { shift, half } = model;
    const scale = 2 ** shift;
    for (const end = index + length; index < end; index++) {
      const symbol = symbols[index];
      if (symbol === 2 * half + 1) symbols[index] = checked(unzigzag(escapes.uleb()));
      else symbols[index] = (symbol - half) * scale + low.bits(shift);
    }
  }
}

/** A lattice without transform, whose memory is its own (STR-9, STR-12). */
function readArray(reader, coder, count) {
  const rank = reader.byte();
  if (rank < 1 || rank > MOST_RANK) throw malformed(`an array of ${rank} axes (STR-9)`);
  const lengths = Array.from({ length: rank }, () => reader.uleb());
  const product = lengths.reduce((size, length) => size * length, 1);
  if (product < 1 || product !== count) throw malformed(`an array of ${product} for ${count} integers (STR-9)`);
  const data = reader.take(reader.uleb());
  const integers = allocate(Int32Array, count);
  const lattice = new Lattice([...Array(MOST_RANK - rank).fill(1), ...lengths], [0, 0, 0, 0]);
  if (coder === ARRAY) new LatticeDecoder(lattice, integers).decode(count, data);
  else new StaticDecoder(lattice, integers).decode(0, count, data);
  return integers;
}
