import assert from "node:assert/strict";
import test from "node:test";
import { ByteReader } from "../container/bytes.mjs";
import { Lattice } from "../entropy/lattice.mjs";
import { contextClass } from "../entropy/static_block.mjs";
import { surroundings } from "../entropy/static_contexts.mjs";
import { sumDifferences } from "../entropy/static_differences.mjs";
import { frequenciesOf } from "../entropy/static_tables.mjs";
import { readStream } from "../entropy/streams.mjs";
import { readResiduals, readTensors } from "../items/integers.mjs";
import { Account, DEFAULT_LIMITS } from "../limits.mjs";
import { readMask } from "../masks/mask.mjs";

const GROUP = 32;
/** Tables of the streams made here: hazards of 32, chances of one half. */
const SYMBOLS = 17;
const MAGNITUDES = frequenciesOf(Array(SYMBOLS - 1).fill(32));
const PAIRS = [2048, 2048];
const malformed = { outcome: "malformed" };
const refused = (rule) => ({ outcome: "malformed", message: new RegExp(rule) });

function uleb(value) {
  return value < 128 ? [value] : [128 + (value % 128), ...uleb(Math.floor(value / 128))];
}

class BitWriter {
  bits = [];

  put(value, width) {
    for (let place = width - 1; place >= 0; place--) this.bits.push(Math.floor(value / 2 ** place) % 2);
    return this;
  }

  golomb(signed, order) {
    const code = signed >= 0 ? 2 * signed : -2 * signed - 1;
    const quotient = Math.floor(code / 2 ** order) + 1;
    const length = Math.floor(Math.log2(quotient)) + 1;
    return this.put(0, length - 1).put(quotient, length).put(code % 2 ** order, order);
  }

  bytes(padding = 0) {
    const padded = [...this.bits, ...Array((8 - (this.bits.length % 8)) % 8).fill(padding)];
    return Array.from({ length: padded.length / 8 }, (_, index) => parseInt(padded.slice(8 * index, 8 * index + 8).join(""), 2));
  }
}

/** Edges and weights of 0, so that every context is 0; then one table for all magnitudes. */
function head({ edges = [0, 0, 0, 5], differences = 0, weights = Array(13).fill(0), symbols = SYMBOLS, hazard = 0, bands = 1 } = {}) {
  const writer = new BitWriter();
  for (const edge of edges) writer.put(edge, 4);
  if (differences !== null) writer.put(differences, 4);
  for (let band = 0; band < bands; band++) {
    writer.put(weights === null ? 0 : 1, 1);
    for (const weight of weights ?? []) writer.put((weight + 64) % 64, 6);
  }
  writer.put(0, 1).golomb(symbols - 1, 1);
  for (let index = 1; index < symbols; index++) writer.golomb(index === 1 ? hazard : 0, 1);
  writer.put(2 ** 30 - 1, 30);
  for (let index = 0; index < 8 + 24; index++) writer.golomb(0, 0);
  return writer;
}

function symbolOf(magnitude) {
  if (magnitude < 12) return { symbol: magnitude, count: 0, low: 0 };
  const exponent = Math.floor(Math.log2(magnitude));
  const second = Math.floor(magnitude / 2 ** (exponent - 1)) % 2;
  return { symbol: 2 * exponent + second + 5, count: exponent - 1, low: magnitude % 2 ** (exponent - 1) };
}

/** What the rows of a block take from its lanes, and its raw bits. */
function symbolsOf(rows) {
  const steps = [];
  const raw = [];
  for (const row of rows) {
    const groups = Array.from({ length: Math.ceil(row.length / GROUP) }, (_, g) => row.slice(GROUP * g, GROUP * (g + 1)));
    const coded = groups.map((group) => group.some((value) => value !== 0));
    coded.forEach((flag, g) => steps.push([g, PAIRS, flag ? 1 : 0]));
    groups.forEach((group, g) => {
      if (!coded[g]) return;
      group.forEach((value, k) => {
        const { symbol, count, low } = symbolOf(Math.abs(value));
        steps.push([GROUP * g + k, MAGNITUDES, symbol]);
        for (let bit = 0; bit < count; bit++) raw.push(Math.floor(low / 2 ** bit) % 2);
      });
      group.forEach((value, k) => value !== 0 && steps.push([GROUP * g + k, PAIRS, value < 0 ? 1 : 0]));
    });
  }
  return { steps, raw };
}

/** Section 7.6 backwards. */
function encodeBlock(rows, lanes) {
  const { steps, raw } = symbolsOf(rows);
  const states = Array(Math.min(lanes, rows[0].length)).fill(2 ** 16);
  const words = [];
  for (const [position, frequencies, symbol] of steps.toReversed()) {
    const lane = position % lanes;
    const frequency = frequencies[symbol];
    if (states[lane] >= frequency * 2 ** 20) {
      words.unshift(states[lane] % 65536);
      states[lane] = Math.floor(states[lane] / 65536);
    }
    const start = frequencies.slice(0, symbol).reduce((sum, value) => sum + value, 0);
    states[lane] = Math.floor(states[lane] / frequency) * 4096 + (states[lane] % frequency) + start;
  }
  const rawBytes = Array(Math.ceil(raw.length / 8)).fill(0);
  raw.forEach((bit, index) => (rawBytes[rawBytes.length - 1 - Math.floor(index / 8)] |= bit << (index % 8)));
  const little = (value, size) => Array.from({ length: size }, (_, byte) => Math.floor(value / 256 ** byte) % 256);
  return [...states.flatMap((state) => little(state, 4)), ...words.flatMap((word) => little(word, 2)), ...rawBytes];
}

const entry = (block, lanes) => uleb(1 + 6 * block.length + Math.log2(lanes));
const array = (lengths, data) => {
  const count = lengths.reduce((size, length) => size * length, 1);
  return [9, ...uleb(count), lengths.length, ...lengths.flatMap(uleb), ...uleb(data.length), ...data];
};
const read = (bytes) => Array.from(readStream(new ByteReader(Uint8Array.from(bytes)), { reserve() {} }, {}));

/** An array of one block. */
function oneBlock(rows, lanes, { writer = head({ edges: [0, 0, 5, 7] }), change = (block) => block } = {}) {
  const block = change(encodeBlock(rows, lanes));
  return array([rows.length, rows[0].length], [...writer.bytes(), ...entry(block, lanes), ...block]);
}

const ROW = Array.from({ length: 70 }, (_, x) => (x >= 32 && x < 64 ? 0 : ((x * x) % 23) - 11));
const LONG = [0, 12, -13, 23, 40, -47, 3, -61];

test("classes, frequencies and surroundings are those of the text", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7, 32767].map(contextClass), [0, 2, 3, 4, 4, 5, 5, 6, 30]);
  assert.deepEqual(frequenciesOf([]), [4096]);
  assert.deepEqual(frequenciesOf([32, 32]), [2048, 1024, 1024]);
  assert.deepEqual(frequenciesOf([63, 63, 63]).map((frequency) => frequency > 0), [true, true, true, true]);
  const coded = Int32Array.of(1, -2, 300, 4, 0, 0);
  assert.deepEqual(Array.from(surroundings(coded, [1, 1, 2, 3], [1, 1, 2, 3])), [8, 132, 255, 9, 6, 127]);
  assert.deepEqual(Array.from(surroundings(coded, [1, 1, 2, 3], [1, 1, 1, 2])), [4, 5, 254, 8, 4, 0]);
});

for (const lanes of [1, 2, 4, 8, 16, 32]) {
  test(`rows of groups in ${lanes} lanes, and magnitudes with raw bits`, () => {
    assert.deepEqual(read(oneBlock([ROW, ROW.toReversed(), Array(70).fill(0)], lanes)), [...ROW, ...ROW.toReversed(), ...Array(70).fill(0)]);
    assert.deepEqual(read(oneBlock([LONG.map((value) => value % 16)], lanes)), LONG.map((value) => value % 16));
  });
}

test("blocks that are 0 have no bytes, and others their own states", () => {
  const rows = [[1, -2, 3, 4], [0, 0, 0, 0], [5, 0]];
  const [first, , last] = rows.map((row) => encodeBlock([row], 4));
  const lengths = [...entry(first, 4), 0, ...entry(last, 4)];
  const data = [...head({ edges: [0, 0, 0, 2] }).bytes(), ...lengths, ...first, ...last];
  assert.deepEqual(read(array([10], data)), rows.flat());
  assert.throws(() => read(array([10], [...data, 0])), refused("STA-3"));
  assert.throws(() => read(array([10], data.slice(0, -1))), refused("STA-3"));
  assert.throws(() => read(array([13], data)), refused("STA-3"));
});

test("differences are summed within each block along the axes that are named", () => {
  const writer = (differences) => head({ edges: [0, 0, 5, 7], differences });
  const rows = [[1, 2, -3], [4, 0, 1]];
  assert.deepEqual(read(oneBlock(rows, 1, { writer: writer(1) })), [1, 3, 0, 4, 4, 5]);
  assert.deepEqual(read(oneBlock(rows, 1, { writer: writer(2) })), [1, 2, -3, 5, 2, -2]);
  assert.deepEqual(read(oneBlock(rows, 1, { writer: writer(3) })), [1, 3, 0, 5, 7, 5]);
});

test("a head that is cut, padded by ones, or of tables and weights out of range is malformed", () => {
  const writer = head({ edges: [0, 0, 0, 0] });
  const bytes = writer.bytes();
  assert.deepEqual(read(array([1], [...bytes, 0])), [0]);
  assert.throws(() => read(array([1], bytes.slice(0, -1))), { outcome: "malformed" });
  assert.ok(writer.bits.length % 8 !== 0);
  assert.throws(() => read(array([1], [...writer.bytes(1), 0])), refused("STA-1"));
  for (const wrong of [{ symbols: 60 }, { symbols: 0 }, { hazard: 32 }, { hazard: -33 }]) {
    assert.throws(() => read(array([1], [...head(wrong).bytes(), 0])), refused("STA-1"));
  }
});

test("weights have a greatest sum, those that a stream leaves out included", () => {
  const reading = (...weights) => () => read(array([1], [...head({ edges: [0, 0, 0, 0], weights }).bytes(), 0]));
  const zeros = [0, 0, 0, 0, 0, 0];
  assert.deepEqual(reading(2, 63, 0, 21, 0, 0, 63, ...zeros)(), [0]);
  assert.throws(reading(3, 63, 0, 21, 0, 0, 63, ...zeros), refused("STA-2"));
  assert.deepEqual(reading(...zeros, 0, -2, -32, 0, 31, -32, 31)().length, 1);
  assert.deepEqual(reading(...zeros, 0, -6, -32, 0, 31, -32, 31)().length, 1);
  assert.throws(reading(...zeros, 0, -7, -32, 0, 31, -32, 31), refused("STA-2"));
});

test("a block with other states, words or raw bits than it needs is malformed", () => {
  const rows = [[12, 0, 0, 1]];
  const reading = (change) => () => read(oneBlock(rows, 1, { change }));
  assert.deepEqual(reading((block) => block)(), rows.flat());
  assert.throws(reading((block) => [...block.slice(0, 2), 0, 0, ...block.slice(4)]), refused("STA-4"));
  assert.throws(reading((block) => block.slice(0, 3)), refused("STA-4"));
  assert.throws(reading((block) => block.slice(0, -1)), refused("STA-4"));
  assert.throws(reading((block) => [...block, 0]), refused("STA-4"));
  assert.throws(reading((block) => [...block.slice(0, -1), block.at(-1) | 128]), refused("STA-4"));
  assert.throws(reading((block) => [block[0] ^ 1, ...block.slice(1)]), refused("STA-4"));
});

test("sums of more than 32 bits are malformed, and only at the end", () => {
  const writer = () => head({ edges: [0, 0, 0, 7], differences: 1, symbols: SYMBOLS });
  const block = (values) => encodeBlock([values], 1);
  const data = (values) => [...writer().bytes(), ...entry(block(values), 1), ...block(values)];
  assert.deepEqual(read(array([3], data([61, -61, 5]))), [61, 0, 5]);
  const integers = Int32Array.of(2 ** 30, 2 ** 30 - 1, 2, -2);
  const summed = (...values) => {
    const coded = Int32Array.from(values);
    sumDifferences(coded, [1, 1, 1, values.length], { origin: [0, 0, 0, 0], lengths: [1, 1, 1, values.length] }, 1);
    return Array.from(coded);
  };
  assert.deepEqual(summed(...integers.subarray(0, 2)), [2 ** 30, 2 ** 31 - 1]);
  assert.throws(() => summed(...integers.subarray(0, 3)), refused("STA-5"));
  assert.deepEqual(summed(-(2 ** 30), -(2 ** 30)), [-(2 ** 30), -(2 ** 31)]);
  assert.throws(() => summed(-(2 ** 30), -(2 ** 30), -1), refused("STA-5"));
  const both = Int32Array.of(2 ** 30, -(2 ** 30), 2 ** 30, -(2 ** 30), 2 ** 30, -(2 ** 30));
  sumDifferences(both, [1, 1, 3, 2], { origin: [0, 0, 0, 0], lengths: [1, 1, 3, 2] }, 1);
  assert.deepEqual(Array.from(both), [2 ** 30, 0, 2 ** 30, 0, 2 ** 30, 0]);
});

/** Integers of one tensor. */
function tensorOf(count, streams, { lattice = null, limits = DEFAULT_LIMITS } = {}) {
  const item = { model: { tensors: [[count]], lattice }, sparse: new Map() };
  const sections = [{ payload: () => Uint8Array.of(0, ...streams.flat()), keepDigest() {} }];
  return Array.from(readTensors(sections, [item], [], limits, {})[0][0]);
}

const ZEROS = { edges: [0, 0, 0, 2], weights: null };
const lifted = new Lattice([1, 1, 1, 6], [0, 0, 0, 1]);
const raw = (count) => [0, count, 0, 0, 0];
const blocksOf4 = (lengths) => lengths.reduce((sum, length) => sum + Math.ceil(length / 4), 0);
const level = (count, lengths, options) => {
  const data = [...head({ ...ZEROS, ...options }).bytes(), ...Array(blocksOf4(lengths)).fill(0)];
  return [8, count, ...uleb(data.length), ...data];
};

test("streams of a lattice hold whole levels, behind any coder, and no mixing follows", () => {
  const lattice = lifted;
  const low = level(3, [3]);
  const high = level(3, [3], { differences: null });
  const mixing = [5, 3, 4, 1, 2, 3, 4];
  const zeros = [0, 0, 0, 0, 0, 0];
  assert.deepEqual(tensorOf(6, [level(6, [3, 3], { bands: 2 })], { lattice }), zeros);
  assert.deepEqual(tensorOf(6, [low, high], { lattice }), zeros);
  assert.deepEqual(tensorOf(6, [raw(1), raw(2), high], { lattice }), zeros);
  assert.deepEqual(tensorOf(6, [mixing, high], { lattice }).slice(3), [0, 0, 0]);
  assert.deepEqual(tensorOf(6, [low, raw(3)], { lattice, limits: { ...DEFAULT_LIMITS, parameters: 3 } }), zeros);
  assert.throws(() => tensorOf(6, [low, mixing], { lattice }), malformed);
  assert.throws(() => tensorOf(6, [level(2, [2])], { lattice }), refused("STR-11"));
  assert.throws(() => tensorOf(6, [raw(4), level(2, [2])], { lattice }), refused("STR-11"));
  assert.throws(() => tensorOf(6, [level(0, []), low, high], { lattice }), refused("STR-11"));
  assert.throws(() => tensorOf(6, [level(7, [7])], { lattice }), malformed);
  assert.throws(() => tensorOf(6, [level(6, [3, 3], { bands: 2 })]), refused("STR-11"));
});

test("arrays stand where those of coder 7 stand, with their limits, in any number", () => {
  const zeros = array([6], [...head({ ...ZEROS }).bytes(), 0, 0]);
  const one = array([1], [...head({ ...ZEROS }).bytes(), 0]);
  const limits = { ...DEFAULT_LIMITS, parameters: 5 };
  assert.deepEqual(tensorOf(6, [zeros]), [0, 0, 0, 0, 0, 0]);
  assert.equal(tensorOf(1030, Array(1030).fill(one)).length, 1030);
  assert.throws(() => tensorOf(6, [zeros], { limits }), { outcome: "limit" });
  assert.throws(() => read([9, 1, 0, 0]), malformed);
  assert.throws(() => read([9, 1, 5, 1, 1, 1, 1, 1, 0]), malformed);
  assert.throws(() => read([9, 6, 2, 2, 2, 0]), malformed);
  const maskOf = (stream, most = DEFAULT_LIMITS) =>
    readMask(Uint8Array.of(0, 1, 6, 0, 0, 1, 0, 1, 2, 8, 9, ...stream), new Account("masks", 100), most, {});
  assert.deepEqual(Array.from(maskOf(zeros).patternIndices), [0, 0, 0, 0, 0, 0]);
  assert.throws(() => maskOf([9, 6, 0], limits), { outcome: "limit" });
  assert.throws(() => maskOf(level(6, [6])), refused("STR-11"));
});

test("residuals have the static coder, and no more of them than samples", () => {
  const item = { residualSteps: [1], samples: 6, components: [{}], field: { active: [6] } };
  const residuals = (stream) => readResiduals([{ payload: () => Uint8Array.of(0, ...stream), keepDigest() {} }], [item], {});
  assert.deepEqual(Array.from(residuals(level(6, [6]))[0]), [0, 0, 0, 0, 0, 0]);
  assert.throws(() => residuals(level(7, [7])), refused("RESD-2"));
  assert.throws(() => residuals([8, ...uleb(2 ** 40), 0]), refused("RESD-2"));
  assert.throws(() => residuals(level(5, [5])), refused("STR-11"));
});
