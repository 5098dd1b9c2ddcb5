import assert from "node:assert/strict";
import test from "node:test";
import { ByteReader } from "../container/bytes.mjs";
import { Lattice, LatticeDecoder } from "../entropy/lattice.mjs";
import { readStream } from "../entropy/streams.mjs";
import { readResiduals, readTensors } from "../items/integers.mjs";
import { Account, DEFAULT_LIMITS } from "../limits.mjs";
import { readMask } from "../masks/mask.mjs";

const malformed = { outcome: "malformed" };
const DATA = Array.from({ length: 48 }, (_, index) => (11 + index * index * 89) % 256);
const read = (...bytes) => Array.from(readStream(new ByteReader(Uint8Array.from(bytes)), { reserve() {} }, {}));
const array = (lengths, data = DATA) => {
  const count = lengths.reduce((size, length) => size * length, 1);
  return [7, count, lengths.length, ...lengths, data.length, ...data];
};

/** The integers of a lattice that is its low band. */
function lowBand(...lengths) {
  const lattice = new Lattice(lengths, [0, 0, 0, 0]);
  const integers = new Int32Array(lattice.count);
  new LatticeDecoder(lattice, integers).decode(lattice.count, Uint8Array.from(DATA));
  return Array.from(integers);
}

/** Reads sections of streams for one tensor of six integers. */
function tensorOf(streams, { lattice = null, limits = DEFAULT_LIMITS } = {}) {
  const item = { model: { tensors: [[6]], lattice }, sparse: new Map() };
  const sections = [{ payload: () => Uint8Array.of(0, ...streams.flat()), keepDigest() {} }];
  return Array.from(readTensors(sections, [item], [], limits, {})[0][0]);
}

test("data of ones hold a zero, no data the greatest magnitude below it", () => {
  assert.deepEqual(read(...array([1], [255, 255, 255, 255, 255])), [0]);
  assert.deepEqual(read(...array([1], [])), [-(2 ** 27)]);
});

test("an array is a lattice without transform, with axes of length 1 in front", () => {
  assert.deepEqual(read(...array([60])), lowBand(1, 1, 1, 60));
  assert.deepEqual(read(...array([15, 4])), lowBand(1, 1, 15, 4));
  assert.deepEqual(read(...array([5, 1, 12])), lowBand(1, 5, 1, 12));
  assert.deepEqual(read(...array([3, 2, 5, 2])), lowBand(3, 2, 5, 2));
  assert.notDeepEqual(lowBand(1, 1, 1, 60), lowBand(60, 1, 1, 1));
});

test("each array has a memory of its own, also in one tensor", () => {
  const half = read(...array([3]));
  assert.ok(half.some((value) => value !== 0));
  assert.deepEqual(tensorOf([array([3]), array([3])]), [...half, ...half]);
});

test("rank 0 or 5, an axis of length 0 and another product are malformed", () => {
  const refused = { outcome: "malformed", message: /STR-9/ };
  assert.throws(() => read(7, 1, 0, 0), refused);
  assert.throws(() => read(7, 1, 5, 1, 1, 1, 1, 1, 0), refused);
  assert.throws(() => read(7, 0, 1, 0, 0), refused);
  assert.throws(() => read(7, 6, 2, 2, 2, 0), refused);
});

test("an array of fewer bytes than it declares is malformed", () => {
  assert.throws(() => read(7, 6, 1, 6, 3, 1), malformed);
});

test("arrays stand before and behind other coders, but no mixing follows one in a lattice", () => {
  const raw = [0, 3, 0, 0, 0];
  const lattice = new Lattice([1, 1, 2, 3], [0, 0, 0, 0]);
  assert.deepEqual(tensorOf([raw, array([3])]), [0, 0, 0, ...read(...array([3]))]);
  assert.deepEqual(tensorOf([array([2, 3])], { lattice }), read(...array([2, 3])));
  const lifted = new Lattice([1, 1, 1, 6], [0, 0, 0, 1]);
  const mixing = [5, 3, DATA.length, ...DATA];
  assert.equal(tensorOf([mixing, array([3])], { lattice: lifted }).length, 6);
  assert.throws(() => tensorOf([array([3]), mixing], { lattice: lifted }), malformed);
});

test("the count of an array is checked against the limit of parameters in tensors and masks, and not in residuals", () => {
  const limits = { ...DEFAULT_LIMITS, parameters: 5 };
  assert.throws(() => tensorOf([array([6])], { limits }), { outcome: "limit" });
  assert.throws(() => tensorOf([array([7])]), malformed);
  const mask = Uint8Array.of(0, 1, 6, 0, 0, 1, 0, 1, 2, 8, 9, ...array([6], [255, 255, 255, 255, 255]));
  const maskWithin = (most) => readMask(mask, new Account("masks", 100), most, {});
  assert.deepEqual(Array.from(maskWithin(DEFAULT_LIMITS).patternIndices), [0, 0, 0, 0, 0, 0]);
  assert.throws(() => maskWithin(limits), { outcome: "limit" });
  const item = { residualSteps: [1], samples: 6, components: [{}], field: { active: [6] } };
  const residuals = (stream) => readResiduals([{ payload: () => Uint8Array.of(0, ...stream), keepDigest() {} }], [item], {});
  assert.deepEqual(Array.from(residuals(array([2, 3]))[0]), read(...array([2, 3])));
  assert.throws(() => residuals(array([7])), malformed);
});

test("the sections of an item hold 1024 arrays at most, TENS and RESD and each item for itself", () => {
  const total = 1025;
  const field = { residualSteps: [1], samples: total, components: [{}], field: { active: [total] } };
  const item = { model: { tensors: [[total]] }, sparse: new Map(), ...field };
  const section = (number, streams) => ({ payload: () => Uint8Array.from([number, ...streams.flat()]), keepDigest() {} });
  const sectionsOf = (number, arrays) => {
    const streams = [...Array(arrays).fill(array([1], [])), ...Array(total - arrays).fill([0, 1, 0, 0, 0])];
    return [section(number, streams.slice(0, 600)), section(number, streams.slice(600))];
  };
  const tensorsOf = (...arrays) => {
    const sections = arrays.flatMap((most, number) => sectionsOf(number, most));
    return readTensors(sections, arrays.map(() => item), [], DEFAULT_LIMITS, {});
  };
  const residualsOf = (arrays) => readResiduals(sectionsOf(0, arrays), [item], {});
  const refused = { outcome: "malformed", message: /STR-10/ };
  assert.equal(tensorsOf(1024, 1024)[1][0].length, total);
  assert.equal(residualsOf(1024)[0].length, total);
  assert.throws(() => tensorsOf(1024, 1025), refused);
  assert.throws(() => residualsOf(1025), refused);
});

test("in a mask the limit of an array comes before its rank and lengths", () => {
  const head = [0, 1, 6, 0, 0, 1, 0, 1, 2, 8, 9];
  const maskOf = (...stream) => readMask(Uint8Array.of(...head, ...stream), new Account("masks", 100), DEFAULT_LIMITS, {});
  assert.throws(() => maskOf(7, 0x81, 0x80, 0x80, 0x08, 0), { outcome: "limit" });
  assert.throws(() => maskOf(7, 6, 0), malformed);
});
