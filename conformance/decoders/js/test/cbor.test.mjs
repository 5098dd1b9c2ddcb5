import assert from "node:assert/strict";
import test from "node:test";
import { CborFloat, decodeCbor, halfToNumber } from "../container/cbor.mjs";

const decode = (hex, items = 100) => decodeCbor(Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex")), items);

test("integers, strings, lists and maps", () => {
  assert.equal(decode("17"), 23);
  assert.equal(decode("1818"), 24);
  assert.equal(decode("3903e7"), -1000);
  assert.equal(decode("1bffffffffffffffff"), 2n ** 64n - 1n);
  assert.equal(decode("3bffffffffffffffff"), -(2n ** 64n));
  assert.deepEqual(decode("83 6161 4102 f6"), ["a", Uint8Array.of(2), null]);
  assert.deepEqual(decode("a2 00 f5 6161 f4"), new Map([[0, true], ["a", false]]));
});

test("floats of three sizes keep their value", () => {
  assert.deepEqual(decode("f95c60"), new CborFloat(280));
  assert.deepEqual(decode("fa47c35000"), new CborFloat(100000));
  assert.deepEqual(decode("fb3ff199999999999a"), new CborFloat(1.1));
  assert.equal(halfToNumber(0x0001), 2 ** -24);
  assert.equal(halfToNumber(0xfc00), -Infinity);
});

for (const [what, hex] of [
  ["an integer not in its shortest form", "1817"],
  ["a float not in its shortest form", "fa43800000"],
  ["a float64 that a float32 holds", "fb3ff0000000000000"],
  ["another NaN", "f97e01"],
  ["a tag", "c000"],
  ["an indefinite list", "9fff"],
  ["undefined", "f7"],
  ["keys out of order", "a2 01 00 00 00"],
  ["a key twice", "a2 00 00 00 00"],
  ["a key that is a list", "a1 80 00"],
  ["text that is not UTF-8", "61ff"],
  ["bytes behind the item", "0000"],
  ["a list longer than the payload", "9affffffff"],
  ["seventeen lists in one another", `${"81".repeat(17)}00`],
]) {
  test(`${what} is malformed`, () => assert.throws(() => decode(hex), { outcome: "malformed" }));
}

test("sixteen lists in one another are allowed", () => assert.ok(decode(`${"81".repeat(16)}00`)));

test("more items than allowed are over the limit", () => {
  assert.throws(() => decode("83000000", 3), { outcome: "limit" });
  assert.ok(decode("83000000", 4));
});
