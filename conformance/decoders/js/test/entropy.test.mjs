import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { ByteReader } from "../container/bytes.mjs";
import image1 from "../architectures/networks/image_1.mjs";
import image2 from "../architectures/networks/image_2.mjs";
import { BitDecoder, half, middle } from "../entropy/adaptive.mjs";
import { Lattice, halved } from "../entropy/lattice.mjs";
import { LAPLACE_CLASSES, SQUASH_KNOTS, STATIC_CHANCES, STATIC_WEIGHTS } from "../entropy/registry.mjs";
import { readStream } from "../entropy/streams.mjs";
import { FrequencyTable, laplaceModel } from "../entropy/tables.mjs";
import { AnsDecoder, RangeDecoder } from "../entropy/words.mjs";

const FREQUENCIES = [2 ** 22, 1, 2 ** 23 - 1, 2 ** 22];
const SYMBOLS = Array.from({ length: 200 }, (_, index) => [0, 2, 3, 2, 1, 0, 2][(index * index) % 7]);
const START = (symbol) => FREQUENCIES.slice(0, symbol).reduce((sum, frequency) => sum + frequency, 0);
const specification = (path) => JSON.parse(readFileSync(new URL(`../../../../format_spec/${path}`, import.meta.url), "utf8"));

const wordBytes = (words) => new Uint8Array(Uint32Array.from(words).buffer);

/** Section 7.2 backwards, in bigints. */
function encodeAns(symbols) {
  const words = [];
  let state = 0n;
  for (const symbol of symbols.toReversed()) {
    const frequency = BigInt(FREQUENCIES[symbol]);
    if (state >= frequency << 40n) {
      words.push(Number(state & 0xffffffffn));
      state >>= 32n;
    }
    state = ((state / frequency) << 24n) + (state % frequency) + BigInt(START(symbol));
  }
  for (; state > 0n; state >>= 32n) words.push(Number(state & 0xffffffffn));
  return wordBytes(words);
}

/** Section 7.3 with the whole number kept, in bigints. */
function encodeRange(symbols) {
  let lower = 0n;
  let range = 2n ** 64n - 1n;
  let shifts = 2;
  for (const symbol of symbols) {
    const unit = range >> 24n;
    lower += unit * BigInt(START(symbol));
    range = unit * BigInt(FREQUENCIES[symbol]);
    if (range < 2n ** 32n) {
      [lower, range] = [lower << 32n, range << 32n];
      shifts++;
    }
  }
  const words = [];
  for (let shift = shifts - 1; shift >= 0; shift--) words.push(Number((lower >> BigInt(32 * shift)) & 0xffffffffn));
  return wordBytes(words);
}

for (const [name, Decoder, encode] of [
  ["ANS", AnsDecoder, encodeAns],
  ["range", RangeDecoder, encodeRange],
]) {
  test(`${name} decoding gives the symbols that were coded, and ends`, () => {
    const decoder = new Decoder(encode(SYMBOLS));
    const table = new FrequencyTable(FREQUENCIES);
    assert.deepEqual(SYMBOLS.map(() => decoder.symbol(table)), SYMBOLS);
    decoder.expectEnd();
  });

  test(`${name} words that are left over are malformed`, () => {
    const decoder = new Decoder(Uint8Array.of(...encode(SYMBOLS), 1, 0, 0, 0));
    const table = new FrequencyTable(FREQUENCIES);
    const run = () => {
      SYMBOLS.forEach(() => decoder.symbol(table));
      decoder.expectEnd();
    };
    assert.throws(run, { outcome: "malformed" });
  });
}

test("a table finds the symbol of every position beside a border", () => {
  const table = new FrequencyTable(FREQUENCIES);
  FREQUENCIES.forEach((frequency, symbol) => {
    assert.equal(table.symbolAt(START(symbol)), symbol);
    assert.equal(table.symbolAt(START(symbol) + frequency - 1), symbol);
  });
});

test("a table finds the symbols of many small shares", () => {
  const small = Array.from({ length: 1000 }, (_, symbol) => 1 + (symbol % 3));
  const table = new FrequencyTable([...small, 2 ** 24 - small.reduce((sum, frequency) => sum + frequency)]);
  for (let symbol = 0; symbol <= 1000; symbol++) {
    assert.equal(table.symbolAt(table.starts[symbol]), symbol);
    assert.equal(table.symbolAt(table.starts[symbol + 1] - 1), symbol);
  }
});

test("Laplace tables are symmetric and add up to 2^24", () => {
  for (let number = 0; number < 64; number++) {
    const { half: middleSymbol, table } = laplaceModel(number);
    const size = (symbol) => table.starts[symbol + 1] - table.starts[symbol];
    assert.equal(table.starts.at(-1), 2 ** 24);
    for (let i = 1; i <= middleSymbol; i++) assert.equal(size(middleSymbol - i), size(middleSymbol + i));
  }
});

test("numbers and networks are those of the specification", () => {
  const registry = specification("registry.json");
  assert.deepEqual(SQUASH_KNOTS, registry.squash_knots);
  assert.deepEqual(LAPLACE_CLASSES, registry.laplace_classes);
  assert.deepEqual(STATIC_CHANCES, registry.static_chances);
  assert.deepEqual(STATIC_WEIGHTS, registry.static_weights);
  assert.deepEqual(image1, specification("networks/image-1.json"));
  assert.deepEqual(image2, specification("networks/image-2.json"));
});

test("levels grow by steps within each power of two", () => {
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 8, 12].map(middle), [0, 1, 3, 4, 5, 5, 6, 7, 8]);
  assert.equal(middle(1e9), 23);
  assert.equal(half(-6), half(6));
});

test("the bit decoder reads zeros past its data", () => {
  const decoder = new BitDecoder(new Uint8Array(0));
  for (let index = 0; index < 1000; index++) assert.equal(decoder.bit(1), 1);
});

test("bands of a lattice hold each coefficient once, in the order of the text", () => {
  const lattice = new Lattice([1, 2, 5, 3], [0, 1, 2, 1]);
  const boxes = lattice.bands.map(({ level, orientation, start, lengths }) => [level, orientation, ...start.slice(1), ...lengths.slice(1)]);
  assert.deepEqual(boxes, [
    [2, 0, 0, 0, 0, 1, 2, 2],
    [1, 2, 0, 2, 0, 1, 1, 2],
    [0, 1, 0, 0, 2, 1, 3, 1],
    [0, 2, 0, 3, 0, 1, 2, 2],
    [0, 4, 1, 0, 0, 1, 3, 2],
    [0, 3, 0, 3, 2, 1, 2, 1],
    [0, 5, 1, 0, 2, 1, 3, 1],
    [0, 6, 1, 3, 0, 1, 2, 2],
    [0, 7, 1, 3, 2, 1, 2, 1],
  ]);
  assert.deepEqual(lattice.levelEnds, [4, 6, 30]);
  assert.equal(halved(5, 2), 2);
});

test("raw streams: offset, width and padding", () => {
  const read = (...bytes) => Array.from(readStream(new ByteReader(Uint8Array.from(bytes)), { reserve() {} }, {}));
  assert.deepEqual(read(0, 4, 0x1b, 5, 3, 0x88, 0x2f, 0x40), [3, -14, 9, 6]);
  assert.throws(() => read(0, 4, 0x1b, 5, 3, 0x88, 0x2f, 0x41), { outcome: "malformed" });
  assert.throws(() => read(10, 0), { outcome: "unsupported" });
});
