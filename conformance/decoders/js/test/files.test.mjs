import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { decode } from "../index.mjs";
import { nodeBrotli } from "../node_files.mjs";
import { npyBytes } from "../npy.mjs";
import { float16Bits, roundHalfEven, store, DTYPES } from "../items/dtypes.mjs";
import { addPrior } from "../priors.mjs";

const VECTORS = new URL("../../../vectors/v1/valid/", import.meta.url);
const vector = (name) => new Uint8Array(readFileSync(new URL(`${name}/input.inrc`, VECTORS)));

const PAGE = readFileSync(new URL("../../../../format_spec/hex-dump.md", import.meta.url), "utf8");
const block = (name) => PAGE.match(new RegExp(`\`\`\`${name}\\n([\\s\\S]*?)\`\`\``))[1].trim();

/** The bytes of the page that explains a file byte by byte. */
function hexDump() {
  const bytesOf = (row) => row.match(/^\d+ +((?:[0-9A-F]{2} ?)+)/)[1].trim().split(" ");
  return Uint8Array.from(block("hex").split("\n").flatMap(bytesOf), (byte) => parseInt(byte, 16));
}

test("the file of the hex dump: its integers, parameters and samples", () => {
  const file = decode(hexDump());
  const [{ parameters, components }] = file.items;
  assert.equal(file.integersSha256.slice(0, 16), "ea1e25fab966da31");
  assert.deepEqual(Array.from(parameters[0].values), [3, -14, 9, 6].map((q) => q * 0.0625));
  const expected = block("values").split(/\s+/).map(Number);
  assert.equal(components[0].values.length, expected.length);
  expected.forEach((value, index) => assert.ok(Math.abs(components[0].values[index] - value) < 2e-5));
});

test("an architecture that is not evaluated has integers, and no values", () => {
  const file = decode(vector("neurcomp/ans"));
  assert.deepEqual(file.unevaluated, [0]);
  assert.equal(file.items[0].components, null);
  assert.ok(file.items[0].parameters.length > 0);
});

test("every prefix of a file, and every flipped bit, is refused", () => {
  const bytes = hexDump();
  for (let end = 0; end < bytes.length; end++) assert.throws(() => decode(bytes.slice(0, end)), { outcome: "malformed" });
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >> 3] ^= 1 << (bit & 7);
    if (bit >> 3 !== 9) assert.throws(() => decode(damaged), { name: "Refusal" });
  }
});

test("declared sizes beyond the limits are refused before anything is decoded", () => {
  assert.throws(() => decode(vector("pyramid/code-own"), { limits: { samples: 3 } }), { outcome: "limit" });
});

test("the entries of all tensors are counted, coded or not, but not those of a lattice", () => {
  const all = decode(hexDump()).items[0].parameters.reduce((sum, { values }) => sum + values.length, 0);
  const ofHexDump = (parameters) => () => decode(hexDump(), { limits: { parameters } });
  assert.doesNotThrow(ofHexDump(all));
  const refused = { outcome: "limit", message: /entries of all tensors/ };
  assert.throws(ofHexDump(all - 1), refused);
  assert.throws(() => decode(vector("items/sparse-nothing-coded"), { limits: { parameters: 3 } }), refused);
  assert.doesNotThrow(() => decode(vector("pyramid/code-own"), { limits: { parameters: 1 } }));
});

test("brotli is what the caller passes in, or unsupported", () => {
  const bytes = vector("container/outer-brotli-everywhere");
  assert.throws(() => decode(bytes), { outcome: "unsupported" });
  assert.ok(decode(bytes, { brotli: nodeBrotli }));
});

test("a prior that is not passed in is unsupported", () => {
  assert.throws(() => decode(vector("priors/nerf")), { outcome: "unsupported" });
  assert.ok(decode(vector("priors/nerf"), { values: false }));
});

test("the sum with a prior is rounded once", () => {
  const tie = addPrior(Float32Array.of(1 + 2 ** -23, 1), [{ shape: [2], values: Float32Array.of(2 ** -24, 2 ** -24) }]);
  assert.deepEqual(Array.from(tie[0].values), [1 + 2 ** -22, 1]);
});

test("stored values are rounded half to even and cut off", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 2.4999].map(roundHalfEven), [0, 2, 2, 0, -2, 2]);
  assert.deepEqual(Array.from(store(Float64Array.of(-5, 254.5, Infinity), DTYPES[0])), [0, 254, 255]);
  const numbers = [1, -2, 65519, 70000, 2 ** -24, 2 ** -25, 1 + 2 ** -11];
  assert.deepEqual(numbers.map(float16Bits), [0x3c00, 0xc000, 0x7bff, 0x7bff, 1, 0, 0x3c00]);
});

test("an npy header fills whole lines of 64 bytes", () => {
  const bytes = npyBytes("<f4", [2, 3], new Uint8Array(24));
  assert.equal((bytes.length - 24) % 64, 0);
  assert.match(new TextDecoder("latin1").decode(bytes), /'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), }/);
});
