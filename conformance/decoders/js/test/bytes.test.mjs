import assert from "node:assert/strict";
import test from "node:test";
import { BitReader, ByteReader, unzigzag } from "../container/bytes.mjs";

const uleb = (...bytes) => new ByteReader(Uint8Array.from(bytes)).uleb();
const malformed = { outcome: "malformed" };

test("LEB128 numbers of one to eight bytes", () => {
  assert.equal(uleb(0), 0);
  assert.equal(uleb(0x7f), 127);
  assert.equal(uleb(0xa7, 1), 167);
  assert.equal(uleb(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f), 2 ** 53 - 1);
});

test("LEB128 numbers that are long, not in shortest form or cut are malformed", () => {
  assert.throws(() => uleb(...Array(9).fill(0xff), 1), malformed);
  assert.throws(() => uleb(0x80, 0), malformed);
  assert.throws(() => uleb(0x80), malformed);
});

test("zigzag codes alternate between signs", () => {
  assert.deepEqual([0, 1, 2, 3, 2 ** 32 - 1].map(unzigzag), [0, -1, 1, -2, -(2 ** 31)]);
});

test("bits come most significant first, and padding is checked", () => {
  const bits = new BitReader(Uint8Array.of(0b10110000, 0xff, 0x80));
  assert.deepEqual([bits.bits(1), bits.bits(3), bits.bits(0), bits.bits(13)], [1, 3, 0, 0b0000111111111]);
  bits.expectPadding("bits");
  const rest = new BitReader(Uint8Array.of(0b00000001));
  rest.bits(2);
  assert.throws(() => rest.expectPadding("bits"), malformed);
  assert.throws(() => rest.bits(1), malformed);
});

test("taking more bytes than there are is malformed", () => {
  assert.throws(() => new ByteReader(new Uint8Array(3)).take(4), malformed);
});
