/** Bit streams of zstd: forwards for table descriptions, backwards for coded data (RFC 8878, 3.1.1 and 4.1). */
import { malformed } from "../outcome.mjs";

/** Up to 25 bits from bit `position` of `bytes` on, least significant first; zeros past the end. */
function bitsAt(bytes, position, count) {
  const at = position >> 3;
  const word = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  return (word >>> (position & 7)) & ((1 << count) - 1);
}

export class ForwardBits {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.position = 0;
  }

  /** @param {number} count at most 25 */
  read(count) {
    const value = bitsAt(this.bytes, this.position, count);
    this.position += count;
    return value;
  }

  /** @returns {number} bytes that were begun; malformed where more were read than there are */
  bytesRead() {
    const count = (this.position + 7) >> 3;
    if (count > this.bytes.length) throw malformed("a zstd table ends too early");
    return count;
  }
}

/** Reads from the end to the start; bits before the start are 0, and make `left` negative. */
export class BackwardBits {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    const last = bytes.length > 0 ? bytes[bytes.length - 1] : 0;
    if (last === 0) throw malformed("a zstd bit stream without its end mark");
    this.bytes = bytes;
    this.left = 8 * (bytes.length - 1) + 31 - Math.clz32(last);
  }

  /** @param {number} count at most 31 */
  read(count) {
    if (count > 24) {
      const high = this.read(count - 16);
      return high * 65536 + this.read(16);
    }
    this.left -= count;
    return this.peekAt(this.left, count);
  }

  /** The next bits, without taking them. @param {number} count at most 24 */
  peek(count) {
    return this.peekAt(this.left - count, count);
  }

  peekAt(position, count) {
    if (position >= 0) return bitsAt(this.bytes, position, count);
    const inside = position + count;
    return inside <= 0 ? 0 : bitsAt(this.bytes, 0, inside) << -position;
  }

  expectEnd() {
    if (this.left !== 0) throw malformed("a zstd bit stream that does not end where it should");
  }
}
