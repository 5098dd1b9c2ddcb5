/** Decoding one block of the static coder: lanes, words and raw bits (inrc-1.md, section 7.6). */
import { malformed } from "../outcome.mjs";

const GROUP = 32;
const STATE = 2 ** 16;
const ESCAPE = 12;
const MOST_FLAG_CLASS = 23;
const MOST_SIGN_CLASS = 7;

/** CLASS of the text. @param {number} value below 2^31 - 1 @returns {number} */
export function contextClass(value) {
  const next = value + 1;
  const bits = 31 - Math.clz32(next);
  return 2 * bits + ((next >>> (bits - 1)) & 1);
}

/** Decodes the blocks of a band, one after the other. */
export class BlockDecoder {
  /**
   * @param {Uint8Array} data of the stream
   * @param {import("./static_tables.mjs").StaticTables} tables
   * @param {Int32Array} weights of the band
   * @param {import("./static_contexts.mjs").Priors} priors
   * @param {import("./static_contexts.mjs").FinishedRows} rows
   */
  constructor(data, tables, weights, priors, rows) {
    this.data = data;
    this.tables = tables;
    this.weights = weights;
    this.hasSignContexts = weights.subarray(10).some((weight) => weight !== 0);
    this.priors = priors;
    this.rows = rows;
    this.states = new Int32Array(GROUP);
    this.expected = new Int32Array(rows.stride);
    this.flags = new Uint8Array(Math.ceil(rows.stride / GROUP));
    this.symbols = new Uint8Array(GROUP);
    this.word = 0;
    this.rawBits = 0;
  }

  /**
   * @param {Int32Array} coded the band in C order
   * @param {number[]} bandLengths
   * @param {{origin: number[], lengths: number[]}} block
   * @param {{start: number, size: number, lanes: number}} bytes of the block
   */
  decode(coded, bandLengths, { origin, lengths }, { start, size, lanes }) {
    const used = Math.min(lanes, lengths[3]);
    if (size < 4 * used) throw malformed("a block without its states (STA-4)");
    this.#startLanes(start, used);
    this.end = start + size;
    this.laneMask = lanes - 1;
    this.rawBits = 0;
    const wordsStart = this.word;
    const [, m1, m2, m3] = bandLengths;
    for (let i0 = 0; i0 < lengths[0]; i0++) {
      for (let i1 = 0; i1 < lengths[1]; i1++) {
        for (let i2 = 0; i2 < lengths[2]; i2++) {
          const [j0, j1, j2] = [origin[0] + i0, origin[1] + i1, origin[2] + i2];
          this.rows.seek(lengths, i0, i1, i2);
          this.priors.fill(this.expected, lengths[3], j0, j1, j2, origin[3]);
          this.rows.addMagnitudes(this.expected, lengths[3], this.weights);
          this.#decodeRow(coded, ((j0 * m1 + j1) * m2 + j2) * m3 + origin[3], lengths[3]);
        }
      }
    }
    this.#expectEnd(used, this.word - wordsStart, size);
  }

  #startLanes(start, used) {
    const { data, states } = this;
    for (let lane = 0, place = start; lane < used; lane++, place += 4) {
      states[lane] = data[place] | (data[place + 1] << 8) | (data[place + 2] << 16) | (data[place + 3] << 24);
      if (states[lane] >>> 16 === 0) throw malformed("a state below 2^16 (STA-4)");
    }
    this.word = start + 4 * used;
  }

  #expectEnd(used, wordBytes, size) {
    for (let lane = 0; lane < used; lane++) {
      if (this.states[lane] !== STATE) throw malformed("a lane that does not end at 2^16 (STA-4)");
    }
    const rawBytes = Math.ceil(this.rawBits / 8);
    if (4 * used + wordBytes + rawBytes !== size) throw malformed("a block of another size than its symbols (STA-4)");
    const spare = 8 * rawBytes - this.rawBits;
    if (spare > 0 && this.data[this.end - rawBytes] >>> (8 - spare) !== 0) throw malformed("raw bits left over (STA-4)");
  }

  #decodeRow(coded, place, length) {
    this.#decodeFlags(length);
    for (let group = 0, first = 0; first < length; group++, first += GROUP) {
      if (this.flags[group] === 0) continue;
      const count = Math.min(GROUP, length - first);
      if (this.#decodeMagnitudes(first, count)) this.#resolve(coded, place, first, count);
    }
    if (this.word > this.end || this.rawBits > 8 * (this.end - this.word)) throw malformed("a block that ends too early (STA-4)");
  }

  /** A symbol of two, symbol 0 with a frequency of `first`. */
  #pair(lane, first) {
    const { states } = this;
    const state = states[lane];
    const position = state & 4095;
    const symbol = position < first ? 0 : 1;
    const next = (symbol === 0 ? Math.imul(first, state >>> 12) : Math.imul(4096 - first, state >>> 12) - first) + position;
    states[lane] = next >>> 16 === 0 ? this.#refilled(next) : next;
    return symbol;
  }

  #refilled(state) {
    const { data, word } = this;
    this.word = word + 2;
    return (state << 16) | data[word] | (data[word + 1] << 8);
  }

  #decodeFlags(length) {
    const { expected, flags, tables, laneMask } = this;
    for (let group = 0, first = 0; first < length; group++, first += GROUP) {
      const end = Math.min(first + GROUP, length);
      let sum = 0;
      for (let x = first; x < end; x++) sum += expected[x];
      const number = Math.min(contextClass(sum >> 2), MOST_FLAG_CLASS);
      flags[group] = this.#pair(group & laneMask, tables.flags[number]);
    }
  }

  /** @returns {boolean} whether any symbol of the group is not 0 */
  #decodeMagnitudes(first, count) {
    const { states, expected, symbols, laneMask, data } = this;
    const { slots, starts } = this.tables;
    let { word } = this;
    let any = 0;
    for (let k = 0; k < count; k++) {
      const next = expected[first + k] + 1;
      const bits = 31 - Math.clz32(next);
      const lane = (first + k) & laneMask;
      const state = states[lane];
      const slot = slots[starts[2 * bits + ((next >>> (bits - 1)) & 1)] + (state & 4095)];
      let changed = (Math.imul((slot >>> 12) & 8191, state >>> 12) + (slot & 4095)) | 0;
      if (changed >>> 16 === 0) {
        changed = (changed << 16) | data[word] | (data[word + 1] << 8);
        word += 2;
      }
      states[lane] = changed;
      symbols[k] = slot >>> 25;
      any |= symbols[k];
    }
    this.word = word;
    return any !== 0;
  }

  /** Gives the symbols of a group their raw bits and signs. */
  #resolve(coded, place, first, count) {
    const { symbols, rows, weights, tables, laneMask } = this;
    for (let k = 0; k < count; k++) {
      if (symbols[k] === 0) continue;
      const magnitude = symbols[k] < ESCAPE ? symbols[k] : this.#escaped(symbols[k] - 5);
      const x = first + k;
      const context = this.hasSignContexts ? rows.signContext(x, weights) : 0;
      const number = Math.min(31 - Math.clz32(Math.abs(context) + 1), MOST_SIGN_CLASS);
      const isNegative = (this.#pair(x & laneMask, tables.signs[number]) === 1) !== context < 0;
      const value = isNegative ? -magnitude : magnitude;
      coded[place + x] = value;
      rows.set(x, value);
    }
  }

  #escaped(above) {
    const count = (above >> 1) - 1;
    const { data, rawBits } = this;
    const last = this.end - 1 - (rawBits >>> 3);
    const bytes = data[last] | (data[last - 1] << 8) | (data[last - 2] << 16) | (data[last - 3] << 24);
    this.rawBits = rawBits + count;
    return ((2 + (above & 1)) << count) + ((bytes >>> (rawBits & 7)) & ((1 << count) - 1));
  }
}
