/** Priors: networks to which items hold differences (priors.md). */
import { malformed, Refusal, unsupported } from "./outcome.mjs";
import { ByteReader, hexadecimal, sameBytes } from "./container/bytes.mjs";
import { decodeCbor, halfToNumber, isIntegerIn, CborFloat } from "./container/cbor.mjs";
import { sha256 } from "./container/sha256.mjs";
import { checkLimit } from "./limits.mjs";

const SIGNATURE = Uint8Array.of(0x89, 0x49, 0x4e, 0x50, 0x0d, 0x0a, 0x1a, 0x0a);
const DIGEST_BYTES = 32;
const NAME_BYTES = 16;
const PRIOR_KEY = 4;
const VERSION = 1;
const RATES = ["static", "global", "per-step", "per-parameter", "per-parameter-per-step"];
const MOST_STEPS = 64;

/**
 * @typedef {object} Prior
 * @property {string} name in hexadecimal
 * @property {Map} core
 * @property {Map} ancillary
 */

/**
 * Checks the frame of a prior; what is in it is checked where an item uses it.
 * @param {Uint8Array} file
 * @param {import("./limits.mjs").Limits} limits
 * @returns {Prior}
 */
export function readPrior(file, limits) {
  const reader = new ByteReader(file);
  if (!sameBytes(reader.take(SIGNATURE.length), SIGNATURE)) throw malformed("another signature of a prior (PRIOR-1)");
  const version = reader.byte();
  if (version !== 1) throw unsupported(`a prior of version ${version} (PRIOR-1)`);
  const core = reader.take(reader.uleb());
  const rest = reader.take(reader.uleb());
  const digested = file.subarray(0, reader.position);
  if (!sameBytes(reader.take(DIGEST_BYTES), sha256(digested))) throw malformed("the digest of a prior (PRIOR-1)");
  reader.expectEnd("a prior (PRIOR-1)");
  checkLimit("core of a prior", core.length, limits.payload);
  const name = hexadecimal(sha256(core).subarray(0, NAME_BYTES));
  return { name, core: decodeMap(core, limits), ancillary: decodeMap(rest, limits) };
}

function decodeMap(bytes, limits) {
  const map = decodeCbor(bytes, limits.cborItems);
  if (!(map instanceof Map)) throw malformed("a part of a prior is no map (PRIOR-2)");
  return map;
}

/**
 * The entries of a prior for an item that names it (SIREN-3, PRIOR-2 to PRIOR-5).
 * @param {Prior} prior
 * @param {import("./items/item.mjs").Item} item
 * @returns {Float32Array} of all tensors, in coding order
 */
export function readEntries({ core, ancillary }, item) {
  for (const key of core.keys()) if (!isIntegerIn(key, 0, 5)) throw unsupported(`key ${key} of a prior (PRIOR-2)`);
  const [model, config, axes, components, dtype, bytes] = [0, 1, 2, 3, 4, 5].map((key) => core.get(key));
  const fits = isIntegerIn(axes, 1, 4) && isIntegerIn(components, 1, 4096) && isIntegerIn(dtype, 6, 7);
  if (!fits || !(bytes instanceof Uint8Array) || !(config instanceof Map)) throw malformed("the core of a prior (PRIOR-2)");
  const own = new Map(item.config);
  own.delete(PRIOR_KEY);
  const alike =
    sameValue(model, [item.architecture.id, VERSION]) &&
    axes === item.field.active.length &&
    components === item.components.length &&
    sameValue(config, own);
  if (!alike) throw malformed("a prior of another model (SIREN-3)");
  const count = item.model.tensors.reduce((sum, shape) => sum + shape.reduce((product, size) => product * size, 1), 0);
  const entries = readFloats(bytes, dtype === 6 ? 2 : 4, count);
  checkAncillary(ancillary, count);
  return entries;
}

function readFloats(bytes, size, count) {
  if (bytes.length !== count * size) throw malformed("a byte string of another length (PRIOR-3, PRIOR-5)");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries = Float32Array.from({ length: count }, (_, index) =>
    size === 2 ? halfToNumber(view.getUint16(2 * index, true)) : view.getFloat32(4 * index, true),
  );
  if (!entries.every(Number.isFinite)) throw malformed("a number that is not finite (PRIOR-3)");
  return entries;
}

function checkAncillary(ancillary, parameters) {
  if (ancillary.has(4) && typeof ancillary.get(4) !== "string") throw malformed("key 4 of the ancillary part (PRIOR-5)");
  const there = [0, 1, 2, 3].filter((key) => ancillary.has(key)).length;
  if (there === 0) return;
  const [kind, steps, dtype, rates] = [0, 1, 2, 3].map((key) => ancillary.get(key));
  const fits = RATES.includes(kind) && isIntegerIn(steps, 1, MOST_STEPS) && isIntegerIn(dtype, 6, 7);
  if (there < 4 || !fits || !(rates instanceof Uint8Array)) throw malformed("rates of a prior (PRIOR-5)");
  const counts = [1, 1, steps, parameters, parameters * steps];
  if (rates.length !== counts[RATES.indexOf(kind)] * (dtype === 6 ? 2 : 4)) throw malformed("the length of rates (PRIOR-5)");
}

/**
 * The priors that a decoder has, those aside whose frame is broken.
 * @param {Uint8Array[]} files
 * @param {import("./limits.mjs").Limits} limits
 * @returns {Map<string, Prior>} by name; of equal names the first
 */
export function readPriors(files, limits) {
  const priors = new Map();
  for (const file of files) {
    try {
      const prior = readPrior(file, limits);
      if (!priors.has(prior.name)) priors.set(prior.name, prior);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return priors;
}

/** Whether two CBOR items are the same. */
function sameValue(a, b) {
  if (a instanceof Map) {
    return b instanceof Map && a.size === b.size && [...a].every(([key, value]) => b.has(key) && sameValue(value, b.get(key)));
  }
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((value, index) => sameValue(value, b[index]));
  }
  if (a instanceof Uint8Array) return b instanceof Uint8Array && sameBytes(a, b);
  if (a instanceof CborFloat) return b instanceof CborFloat && Object.is(a.value, b.value);
  return a === b;
}

/**
 * Adds differences to a prior. A float64 has more than twice the digits of a float32, so that rounding the sum twice is rounding it
 * once.
 * @param {Float32Array} entries of the prior
 * @param {{shape: number[], values: Float32Array}[]} parameters
 */
export function addPrior(entries, parameters) {
  let start = 0;
  return parameters.map(({ shape, values }) => {
    const sums = values.map((value, index) => entries[start + index] + value);
    start += values.length;
    if (!sums.every(Number.isFinite)) throw malformed("a parameter that is not finite (siren.md)");
    return { shape, values: sums };
  });
}
