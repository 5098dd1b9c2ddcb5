/** SHA-256 (FIPS 180-4), synchronous, in pieces. */

/** The first 32 bits of the fractional parts of roots of the first primes, by integer bisection. */
function primeRoots(count, power) {
  const bits = [];
  for (let n = 2n; bits.length < count; n++) {
    let prime = true;
    for (let divisor = 2n; divisor * divisor <= n; divisor++) if (n % divisor === 0n) prime = false;
    if (!prime) continue;
    const target = n << (32n * power);
    let low = 0n;
    let high = n << 32n;
    while (high - low > 1n) {
      const middle = (low + high) >> 1n;
      if (middle ** power <= target) low = middle;
      else high = middle;
    }
    bits.push(Number(low & 0xffffffffn));
  }
  return Int32Array.from(bits, (value) => value | 0);
}

const ROUND = primeRoots(64, 3n);
const START = primeRoots(8, 2n);

export class Sha256 {
  constructor() {
    this.state = START.slice();
    this.block = new Uint8Array(64);
    this.filled = 0;
    this.length = 0;
    this.schedule = new Int32Array(64);
  }

  /** @param {Uint8Array} bytes @returns {Sha256} */
  update(bytes) {
    this.length += bytes.length;
    let position = 0;
    if (this.filled > 0) {
      position = Math.min(64 - this.filled, bytes.length);
      this.block.set(bytes.subarray(0, position), this.filled);
      this.filled += position;
      if (this.filled < 64) return this;
      this.#compress(this.block, 0);
      this.filled = 0;
    }
    for (; position + 64 <= bytes.length; position += 64) this.#compress(bytes, position);
    this.block.set(bytes.subarray(position));
    this.filled = bytes.length - position;
    return this;
  }

  /** @returns {Uint8Array} 32 bytes */
  digest() {
    const length = this.length;
    const padding = new Uint8Array(((119 - (length % 64)) % 64) + 9);
    padding[0] = 0x80;
    const view = new DataView(padding.buffer);
    view.setUint32(padding.length - 8, Math.floor(length / 2 ** 29));
    view.setUint32(padding.length - 4, (length % 2 ** 29) * 8);
    this.update(padding);
    const digest = new Uint8Array(32);
    this.state.forEach((word, index) => new DataView(digest.buffer).setInt32(4 * index, word));
    return digest;
  }

  #compress(bytes, start) {
    const w = this.schedule;
    for (let i = 0; i < 16; i++) {
      const at = start + 4 * i;
      w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    const state = this.state;
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

/** @param {...Uint8Array} pieces @returns {Uint8Array} */
export function sha256(...pieces) {
  const hash = new Sha256();
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
}
