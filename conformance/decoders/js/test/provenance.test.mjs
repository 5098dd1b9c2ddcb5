import assert from "node:assert/strict";
import test from "node:test";
import { CborFloat } from "../container/cbor.mjs";
import { readProvenance } from "../metadata/provenance.mjs";

const provenance = (...entries) => readProvenance(new Map(entries));
const lossesOf = (...losses) => provenance([4, losses])?.losses;

test("what was asked for, by name", () => {
  assert.deepEqual(provenance([0, [0, 40]], [1, 5], [3, "inrc 1.0.0"]), { goal: ["psnr", 40], effort: 5, encoder: "inrc 1.0.0" });
  assert.deepEqual(provenance([0, [4, new CborFloat(0.25)]]), { goal: ["rel-error", 0.25] });
});

test("what was lost, by kind, name and range", () => {
  assert.deepEqual(lossesOf([0, "t", 0, 3, 2, 4], [1, ""]), [["samples", "t", 0, 3, 2, 4], ["bound", ""]]);
  assert.deepEqual(lossesOf([2, "station"], [3, ""]), [["variable", "station"], ["metadata", ""]]);
  assert.deepEqual(lossesOf([0, "t", 7, 2n ** 63n]), [["samples", "t", 7, 2n ** 63n]]);
});

test("losses that break a rule have the whole section ignored", () => {
  const names = [[4, "t"], [-1, "t"], ["0", "t"], [0, 1], [0], []];
  const ranges = [[0, "t", 0], [0, "t", 3, 3], [0, "t", 4, 3], [0, "t", 0, 3, 2, 2], [0, "t", -1, 3], [0, "t", 0, new CborFloat(1.5)]];
  for (const loss of [...names, ...ranges, [3, "t"], "t", null]) {
    assert.equal(provenance([1, 5], [4, [[1, "t"], loss]]), null, String(loss));
  }
  assert.equal(provenance([1, 5], [4, []]), null);
  assert.equal(provenance([1, 5], [4, new Map()]), null);
  assert.equal(provenance([1, 5], [5, 0]), null);
});
