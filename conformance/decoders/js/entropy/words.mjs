/**
 * ANS and range decoders over 32-bit words (inrc-1.md, sections 7.2 and 7.3).
 *
 * Numbers of 64 bits are kept as `high * 2^24 + low`, high below 2^40: tables have 24 bits, so that every product and
 * quotient stays exact in a float64.
 */
import { malformed } from "../outcome.mjs";

const TABLE = 2 ** 24;

/** @param {Uint8Array} data @returns {Uint32Array} */
function readWords(data) {
  if (data.length % 4 !== 0) throw malformed(`${data.length} bytes are no whole words`);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return Uint32Array.from({ length: data.length / 4 }, (_, index) => view.getUint32(4 * index, true));
}

export class AnsDecoder {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.words = readWords(data);
    this.left = this.words.length;
    if (this.left > 0 && this.words[this.left - 1] === 0) throw malformed("the last word is 0 (ANS-1)");
    this.high = 0;
    this.low = 0;
    if (this.left > 0) this.#shiftIn(0);
    if (this.left > 0) this.#shiftIn(this.high * TABLE + this.low);
  }

  #shiftIn(state) {
    const word = this.words[--this.left];
    this.high = state * 256 + (word >>> 24);
    this.low = word & 0xffffff;
  }

  /** @param {import("./tables.mjs").FrequencyTable} table @returns {number} the next symbol */
  symbol(table) {
    const position = this.low;
    const symbol = table.symbolAt(position);
    const start = table.starts[symbol];
    this.#advance(table.starts[symbol + 1] - start, position - start);
    return symbol;
  }

  #advance(frequency, rest) {
    const upper = Math.floor(this.high / TABLE);
    const product = (this.high - upper * TABLE) * frequency + rest;
    const carry = Math.floor(product / TABLE);
    this.high = upper * frequency + carry;
    this.low = product - carry * TABLE;
    if (this.high < 256 && this.left > 0) this.#shiftIn(this.high * TABLE + this.low);
  }

  expectEnd() {
    if (this.high !== 0 || this.low !== 0 || this.left > 0) throw malformed("words that do not end at 0 (ANS-4)");
  }
}

/** `high`, `low` is point - lower; neither of the two is ever needed alone. */
export class RangeDecoder {
  /** @param {Uint8Array} data */
  constructor(data) {
    this.words = readWords(data);
    this.next = 0;
    this.rangeHigh = 2 ** 40 - 1;
    this.rangeLow = TABLE - 1;
    this.untouched = true;
    const first = this.#word();
    const second = this.#word();
    this.high = first * 256 + (second >>> 24);
    this.low = second & 0xffffff;
  }

  #word() {
    return this.next < this.words.length ? this.words[this.next++] : 0;
  }

  /** The place of `point` in a table: `position` below 2^24, and what is left below one unit. */
  #position() {
    const unit = this.rangeHigh;
    if (this.high >= unit) throw malformed("a number beyond the range (RNG-2)");
    const upper = this.high * 4096 + (this.low >> 12);
    const upperQuotient = Math.floor(upper / unit);
    const lower = (upper - upperQuotient * unit) * 4096 + (this.low & 4095);
    const lowerQuotient = Math.floor(lower / unit);
    this.rest = lower - lowerQuotient * unit;
    return upperQuotient * 4096 + lowerQuotient;
  }

  #take(above, frequency) {
    const unit = this.rangeHigh;
    const upper = Math.floor(unit / TABLE);
    const lower = unit - upper * TABLE;
    const product = lower * above + this.rest;
    const carry = Math.floor(product / TABLE);
    this.high = upper * above + carry;
    this.low = product - carry * TABLE;
    const size = lower * frequency;
    const sizeCarry = Math.floor(size / TABLE);
    this.rangeHigh = upper * frequency + sizeCarry;
    this.rangeLow = size - sizeCarry * TABLE;
    this.untouched = false;
    if (this.rangeHigh < 256) {
      const word = this.#word();
      this.rangeHigh = (this.rangeHigh * TABLE + this.rangeLow) * 256;
      this.rangeLow = 0;
      this.high = (this.high * TABLE + this.low) * 256 + (word >>> 24);
      this.low = word & 0xffffff;
    }
  }

  /** @param {import("./tables.mjs").FrequencyTable} table @returns {number} the next symbol */
  symbol(table) {
    const position = this.#position();
    const symbol = table.symbolAt(position);
    const start = table.starts[symbol];
    this.#take(position - start, table.starts[symbol + 1] - start);
    return symbol;
  }

  /** @param {number} zeros share of symbol 0, of 2^24 @returns {number} 0 or 1 */
  bit(zeros) {
    const position = this.#position();
    if (position < zeros) {
      this.#take(position, zeros);
      return 0;
    }
    this.#take(position - zeros, TABLE - zeros);
    return 1;
  }

  expectEnd() {
    if (this.next < this.words.length) throw malformed("words that are not read (RNG-3)");
    const point = this.high * TABLE + this.low;
    if (!this.untouched && point >= 2 ** 33 - 1) throw malformed("a point too far from the end (RNG-3)");
  }
}
