/**
 * The deterministic subset of CBOR that payloads use (CBOR-1 to CBOR-4).
 *
 * Integers become numbers, or bigints beyond 2^53; floats become `CborFloat`, maps `Map`, byte strings `Uint8Array`.
 */
import { malformed } from "../outcome.mjs";
import { checkLimit } from "../limits.mjs";
import { ByteReader } from "./bytes.mjs";

/** Tells a float from an integer of the same value. */
export class CborFloat {
  /** @param {number} value */
  constructor(value) {
    this.value = value;
  }
}

const DEEPEST = 16;
const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @param {Uint8Array} payload
 * @param {number} mostItems
 * @returns {*} the one item of the payload
 */
export function decodeCbor(payload, mostItems) {
  const decoder = new Decoder(payload, mostItems);
  const item = decoder.item(0);
  decoder.reader.expectEnd("a CBOR payload (CBOR-4)");
  return item;
}

class Decoder {
  constructor(payload, mostItems) {
    this.reader = new ByteReader(payload);
    this.mostItems = mostItems;
    this.items = 1;
  }

  item(depth) {
    if (depth > DEEPEST) throw malformed("a CBOR item deeper than 16 (CBOR-3)");
    const first = this.reader.byte();
    const kind = first >> 5;
    const short = first & 31;
    if (kind === 7) return this.simple(short);
    if (kind === 6) throw malformed("a CBOR tag (CBOR-1)");
    const argument = this.argument(short);
    if (kind === 0) return argument;
    if (kind === 1) return typeof argument === "bigint" ? -1n - argument : negative(argument);
    if (kind === 2) return this.string(argument).slice();
    if (kind === 3) return this.text(argument);
    this.count(argument, kind === 5 ? 2 : 1);
    return kind === 4 ? this.array(argument, depth) : this.map(argument, depth);
  }

  argument(short) {
    if (short < 24) return short;
    if (short > 27) throw malformed("a CBOR head that does not exist or is indefinite (CBOR-1)");
    const size = 1 << (short - 24);
    const bytes = this.reader.take(size);
    let value = 0;
    for (const byte of bytes) value = value * 256 + byte;
    const least = size === 1 ? 24 : 2 ** (4 * size);
    if (value < least) throw malformed("a CBOR number that is not in its shortest form (CBOR-2)");
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0);
  }

  string(length) {
    return this.reader.take(typeof length === "bigint" ? Infinity : length);
  }

  text(length) {
    try {
      return UTF8.decode(this.string(length));
    } catch (error) {
      if (error instanceof TypeError) throw malformed("text that is not UTF-8 (CBOR-3)");
      throw error;
    }
  }

  count(argument, each) {
    const count = Number(argument) * each;
    if (count > this.reader.left) throw malformed("a CBOR list longer than its payload");
    this.items += count;
    checkLimit("CBOR items of one payload", this.items, this.mostItems);
  }

  array(count, depth) {
    const array = [];
    for (let index = 0; index < count; index++) array.push(this.item(depth + 1));
    return array;
  }

  map(count, depth) {
    const map = new Map();
    let before = null;
    for (let index = 0; index < count; index++) {
      const start = this.reader.position;
      const key = this.item(depth + 1);
      if (!isInteger(key) && typeof key !== "string") throw malformed("a map key that is no integer or text (CBOR-3)");
      const encoding = this.reader.bytes.subarray(start, this.reader.position);
      if (before !== null && compare(before, encoding) >= 0) throw malformed("map keys out of order (CBOR-2)");
      before = encoding;
      map.set(key, this.item(depth + 1));
    }
    return map;
  }

  simple(short) {
    if (short === 20) return false;
    if (short === 21) return true;
    if (short === 22) return null;
    if (short < 25 || short > 27) throw malformed("a CBOR value that is not allowed (CBOR-1)");
    const size = 1 << (short - 24);
    const bytes = this.reader.take(size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, size);
    const value = size === 2 ? halfToNumber(view.getUint16(0)) : size === 4 ? view.getFloat32(0) : view.getFloat64(0);
    const canonical = Number.isNaN(value) ? size === 2 && view.getUint16(0) === 0x7e00 : shortestFloat(value) === size;
    if (!canonical) throw malformed("a CBOR float that is not in its shortest form (CBOR-2)");
    return new CborFloat(value);
  }
}

function negative(argument) {
  return argument < Number.MAX_SAFE_INTEGER ? -1 - argument : -1n - BigInt(argument);
}

function shortestFloat(value) {
  if (Math.fround(value) !== value) return 8;
  if (!Number.isFinite(value)) return 2;
  const magnitude = Math.abs(value);
  const unit = 2 ** Math.max(Math.floor(Math.log2(magnitude)) - 10, -24);
  return magnitude <= 65504 && Number.isInteger(magnitude / unit) ? 2 : 4;
}

/** @param {number} bits @returns {number} the value of a float16 */
export function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function compare(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index++) if (a[index] !== b[index]) return a[index] - b[index];
  return a.length - b.length;
}

/** @param {*} value @returns {boolean} a CBOR integer of any size */
export const isInteger = (value) => typeof value === "number" || typeof value === "bigint";

/** @param {*} value @returns {boolean} */
export const isUnsigned = (value) => isInteger(value) && value >= 0;

/** @param {*} value @param {number} least @param {number} most @returns {boolean} */
export const isIntegerIn = (value, least, most) => isInteger(value) && value >= least && value <= most;

/** @param {*} value @returns {boolean} a float that is neither infinite nor NaN */
export const isFiniteFloat = (value) => value instanceof CborFloat && Number.isFinite(value.value);
