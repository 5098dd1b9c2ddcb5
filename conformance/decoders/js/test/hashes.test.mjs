import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import test from "node:test";
import { hexadecimal } from "../container/bytes.mjs";
import { crc32 } from "../container/crc32.mjs";
import { Sha256, sha256 } from "../container/sha256.mjs";
import { xxhash64Low } from "../zstd/xxhash64.mjs";

const ascii = (text) => new TextEncoder().encode(text);
const ramp = (length) => Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 5)) & 255);

test("SHA-256 of lengths around a block equals Node's", () => {
  for (const length of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 128, 1000]) {
    assert.equal(hexadecimal(sha256(ramp(length))), createHash("sha256").update(ramp(length)).digest("hex"));
  }
});

test("SHA-256 does not depend on how the bytes are cut", () => {
  const hash = new Sha256();
  const bytes = ramp(300);
  for (const [from, to] of [[0, 10], [10, 10], [10, 64], [64, 200], [200, 300]]) hash.update(bytes.subarray(from, to));
  assert.deepEqual(hash.digest(), sha256(bytes));
});

test("CRC-32 of the standard check string", () => {
  assert.equal(crc32(ascii("123456789")), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(0)), 0);
});

test("XXH64 of known strings", () => {
  assert.equal(xxhash64Low(ascii("")), 0x51d8e999);
  assert.equal(xxhash64Low(ascii("abc")), 0xad770999);
});
