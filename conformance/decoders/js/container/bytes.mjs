/** Reading bytes, LEB128 numbers and bit strings (inrc-1.md, section 1). */
import { malformed } from "../outcome.mjs";

/** Reads a byte array from the start; whatever lies past its end is malformed. */
export class ByteReader {
  /** @param {Uint8Array} bytes @param {number} [position] @param {number} [end] */
  constructor(bytes, position = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = position;
    this.end = end;
  }

  get left() {
    return this.end - this.position;
  }

  /** @returns {number} */
  byte() {
    if (this.position >= this.end) throw malformed("the bytes end too early");
    return this.bytes[this.position++];
  }

  /** @param {number} count @returns {Uint8Array} a view of the next bytes */
  take(count) {
    if (count > this.left) throw malformed(`${count} bytes are declared and ${this.left} are left`);
    const taken = this.bytes.subarray(this.position, this.position + count);
    this.position += count;
    return taken;
  }

  /** A `uleb` below 2^53 exactly; greater ones (up to 2^63) rounded. @returns {number} */
  uleb() {
    let value = 0;
    let scale = 1;
    for (let length = 1; ; length++) {
      if (length > 9) throw malformed("a number of more than 9 bytes (NUM-2)");
      const byte = this.byte();
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte < 128) {
        if (byte === 0 && length > 1) throw malformed("a number that is not in its shortest form (NUM-1)");
        return value;
      }
    }
  }

  /** @param {string} what */
  expectEnd(what) {
    if (this.left > 0) throw malformed(`${this.left} bytes too many in ${what}`);
  }
}

/** @param {number} code @returns {number} the signed number of a zigzag code */
export const unzigzag = (code) => (code % 2 === 0 ? code / 2 : -(code + 1) / 2);

/** Reads bits, most significant first; at most 32 at once. */
export class BitReader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.position = 0;
  }

  /** @param {number} width 0 to 32 @returns {number} */
  bits(width) {
    if (this.position + width > this.bytes.length * 8) throw malformed("a bit string ends too early");
    let value = 0;
    let left = width;
    while (left > 0) {
      const used = this.position % 8;
      const count = Math.min(8 - used, left);
      const chunk = (this.bytes[Math.floor(this.position / 8)] >> (8 - used - count)) & ((1 << count) - 1);
      value = value * (1 << count) + chunk;
      this.position += count;
      left -= count;
    }
    return value;
  }

  /** Checks that only zero bits up to the end of this byte follow, and then nothing. @param {string} what */
  expectPadding(what) {
    const end = Math.ceil(this.position / 8) * 8;
    if (this.bits(end - this.position) !== 0) throw malformed(`padding of ${what} is not 0`);
    if (end !== this.bytes.length * 8) throw malformed(`bytes too many in ${what}`);
  }
}

/** @param {Uint8Array} a @param {Uint8Array} b @returns {boolean} */
export function sameBytes(a, b) {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** @param {Uint8Array} bytes @returns {string} */
export const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
