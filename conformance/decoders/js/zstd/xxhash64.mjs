/** XXH64 with seed 0, of which zstd frames keep the low 32 bits. Numbers of 64 bits are pairs [high, low]. */

const PRIME_1 = [0x9e3779b1, 0x85ebca87];
const PRIME_2 = [0xc2b2ae3d, 0x27d4eb4f];
const PRIME_3 = [0x165667b1, 0x9e3779f9];
const PRIME_4 = [0x85ebca77, 0xc2b2ae63];
const PRIME_5 = [0x27d4eb2f, 0x165667c5];

function add([ah, al], [bh, bl]) {
  const low = (al >>> 0) + (bl >>> 0);
  return [(ah + bh + (low > 0xffffffff ? 1 : 0)) | 0, low | 0];
}

function multiply([ah, al], [bh, bl]) {
  const [a1, a0, b1, b0] = [al >>> 16, al & 65535, bl >>> 16, bl & 65535];
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const other = a0 * b1 + (middle % 65536);
  const high = a1 * b1 + Math.floor(middle / 65536) + Math.floor(other / 65536);
  return [(high + Math.imul(ah, bl) + Math.imul(al, bh)) | 0, Math.imul(al, bl)];
}

const rotate = ([high, low], count) =>
  count < 32
    ? [(high << count) | (low >>> (32 - count)), (low << count) | (high >>> (32 - count))]
    : [(low << (count - 32)) | (high >>> (64 - count)), (high << (count - 32)) | (low >>> (64 - count))];

const xor = ([ah, al], [bh, bl]) => [ah ^ bh, al ^ bl];

const shiftRight = ([high, low], count) =>
  count < 32 ? [high >>> count, (low >>> count) | (high << (32 - count))] : [0, high >>> (count - 32)];

const round = (state, lane) => multiply(rotate(add(state, multiply(lane, PRIME_2)), 31), PRIME_1);

/** @param {Uint8Array} bytes @returns {number} the low 32 bits, unsigned */
export function xxhash64Low(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const lane = (at) => [view.getInt32(at + 4, true), view.getInt32(at, true)];
  let position = 0;
  let hash = PRIME_5;
  if (bytes.length >= 32) {
    const negative = [~PRIME_1[0], -PRIME_1[1] | 0];
    const states = [add(PRIME_1, PRIME_2), PRIME_2, [0, 0], negative];
    for (; position + 32 <= bytes.length; position += 32) {
      for (let i = 0; i < 4; i++) states[i] = round(states[i], lane(position + 8 * i));
    }
    hash = [1, 7, 12, 18].map((count, i) => rotate(states[i], count)).reduce(add);
    for (const state of states) hash = add(multiply(xor(hash, round([0, 0], state)), PRIME_1), PRIME_4);
  }
  hash = add(hash, [0, bytes.length]);
  for (; position + 8 <= bytes.length; position += 8) {
    hash = add(multiply(rotate(xor(hash, round([0, 0], lane(position))), 27), PRIME_1), PRIME_4);
  }
  if (position + 4 <= bytes.length) {
    const word = multiply([0, view.getInt32(position, true)], PRIME_1);
    hash = add(multiply(rotate(xor(hash, word), 23), PRIME_2), PRIME_3);
    position += 4;
  }
  for (; position < bytes.length; position++) {
    hash = multiply(rotate(xor(hash, multiply([0, bytes[position]], PRIME_5)), 11), PRIME_1);
  }
  hash = multiply(xor(hash, shiftRight(hash, 33)), PRIME_2);
  hash = multiply(xor(hash, shiftRight(hash, 29)), PRIME_3);
  return xor(hash, shiftRight(hash, 32))[1] >>> 0;
}
