/** ITEM sections (inrc-1.md, section 5): their schema, and what they need of masks and architectures. */
import { malformed, unsupported } from "../outcome.mjs";
import { CborFloat, isFiniteFloat, isIntegerIn, isUnsigned } from "../container/cbor.mjs";
import { architectureOf } from "../architectures/registry.mjs";
import { DTYPES } from "./dtypes.mjs";
import { readQuantisation } from "./quantisation.mjs";

const MOST_COMPONENTS = 4096;
const MOST_DIMS = 8;
const MOST_SIZE = 2 ** 48;
const LONGEST_NAME = 1024;
const LAST_KEY = 8;

/**
 * @typedef {object} Component
 * @property {string} name
 * @property {import("./dtypes.mjs").Dtype} dtype
 * @property {number} offset
 * @property {number} scale
 * @property {number | null} mask index of its validity mask
 */

/**
 * @typedef {object} Item
 * @property {Component[]} components
 * @property {string[]} dimNames empty text for a dim without a name
 * @property {number[]} sizes
 * @property {number} samples of one component
 * @property {object} architecture
 * @property {import("../architectures/config.mjs").Field} field
 * @property {Map} config
 * @property {import("../architectures/config.mjs").Model} model
 * @property {import("./quantisation.mjs").Quantisation[]} quantisation one per tensor
 * @property {Map<number, number>} sparse tensor to mask
 * @property {number[] | null} origin
 * @property {number[] | null} bounds
 * @property {number[] | null} residualSteps
 * @property {[number, number][] | null} overlap
 */

const lists = (value, check) => Array.isArray(value) && value.length > 0 && value.every(check);

/** @param {*} cbor the payload @returns {Item} */
export function readItem(cbor) {
  if (!(cbor instanceof Map)) throw malformed("ITEM is no map (ITEM-0)");
  for (const key of cbor.keys()) if (!isIntegerIn(key, 0, LAST_KEY)) throw unsupported(`key ${key} of ITEM (ITEM-1)`);
  const components = readComponents(cbor.get(0));
  const { dimNames, sizes } = readDims(cbor.get(1));
  const field = { components: components.length, sizes, active: sizes.filter((size) => size > 1) };
  const placement = {
    origin: readOrigin(cbor, sizes.length),
    overlap: readOverlap(cbor, sizes.length),
    bounds: readFloats(cbor, 6, components.length, (value) => value >= 0),
    residualSteps: readFloats(cbor, 7, components.length, (value) => value > 0),
  };
  if (placement.overlap !== null && (placement.origin === null || placement.bounds !== null || placement.residualSteps !== null)) {
    throw malformed("key 8 without key 5, or beside keys 6 or 7 (TILE-3)");
  }
  const { architecture, config } = readModel(cbor.get(2));
  const model = architecture.parse(field, config);
  const samples = sizes.reduce((product, size) => product * size, 1);
  const quantisation = readQuantisations(cbor, model);
  const sparse = readSparse(cbor, model);
  return { components, dimNames, sizes, samples, architecture, field, config, model, quantisation, sparse, ...placement };
}

function readComponents(list) {
  if (!lists(list, Array.isArray) || list.length > MOST_COMPONENTS) throw malformed("no list of components (ITEM-0)");
  return list.map((entry) => {
    if (entry.length !== 4 && entry.length !== 5) throw malformed("a component of another length (ITEM-0)");
    const [name, dtype, offset, scale, mask] = entry;
    checkName(name);
    if (!isIntegerIn(dtype, 0, 255)) throw malformed("a component without a dtype (ITEM-2)");
    if (dtype >= DTYPES.length) throw unsupported(`dtype ${dtype} (ITEM-2)`);
    if (!isFiniteFloat(offset) || !isFiniteFloat(scale) || scale.value < 0) throw malformed("offset or scale (ITEM-3)");
    if (entry.length === 5 && !isUnsigned(mask)) throw malformed("a mask that is no index (ITEM-0)");
    return { name, dtype: DTYPES[dtype], offset: offset.value, scale: scale.value, mask: mask ?? null };
  });
}

function checkName(name) {
  const fits = typeof name === "string" && !name.includes("\0") && new TextEncoder().encode(name).length <= LONGEST_NAME;
  if (!fits) throw malformed("a name that is none (ITEM-3)");
}

function readDims(list) {
  if (!Array.isArray(list) || list.length < 1 || list.length > MOST_DIMS) throw malformed("no list of dims (ITEM-0)");
  const dimNames = [];
  const sizes = list.map((dim) => {
    const named = Array.isArray(dim);
    if (named && dim.length !== 2) throw malformed("a dim that is no name and size (ITEM-0)");
    if (named) checkName(dim[0]);
    if (named && dim[0] === "") throw malformed("a dim of an empty name (ITEM-3)");
    dimNames.push(named ? dim[0] : "");
    const size = named ? dim[1] : dim;
    if (!isIntegerIn(size, 1, MOST_SIZE)) throw malformed("a size (ITEM-3)");
    return size;
  });
  return { dimNames, sizes };
}

function readModel(value) {
  if (!Array.isArray(value) || value.length !== 3 || !isUnsigned(value[0]) || !isUnsigned(value[1])) {
    throw malformed("no model (ITEM-0)");
  }
  const [id, version, config] = value;
  if (!(config instanceof Map)) throw malformed("a config that is no map (ITEM-0)");
  return { architecture: architectureOf(id, version), config };
}

function readQuantisations(cbor, model) {
  if (model.tensors.length === 0 && cbor.has(3)) throw malformed("key 3 without tensors (ITEM-6)");
  if (model.tensors.length === 0) return [];
  const list = cbor.get(3);
  if (!lists(list, () => true)) throw malformed("no quantisation (ITEM-0)");
  const quantisation = list.map(readQuantisation);
  if (list.length !== model.tensors.length) throw malformed("another number of quantisations than tensors (ITEM-6)");
  quantisation.forEach(({ steps }, tensor) => {
    if (steps.length > 1 || quantisation[tensor].perSlice) {
      if (steps.length !== model.tensors[tensor][0]) throw malformed("another number of steps than slices (ITEM-7)");
    }
  });
  plainTensors(model).forEach((tensor) => {
    const { steps, zero, perSlice, codebook } = quantisation[tensor];
    if (perSlice || codebook !== null || steps[0] !== 1 || zero !== 0) throw malformed("a quantisation (STR-7, SHELL-3)");
  });
  return quantisation;
}

/** Tensors of integers as they are: one step, 1, zero 0, no mask. */
function plainTensors({ lattice, octree, plain }) {
  return [...(lattice || octree ? [0] : []), ...(plain ?? [])];
}

function readSparse(cbor, model) {
  if (!cbor.has(4)) return new Map();
  const sparse = cbor.get(4);
  if (!(sparse instanceof Map) || sparse.size === 0) throw malformed("sparse tensors that are no map (ITEM-8)");
  for (const [tensor, mask] of sparse) {
    if (!isIntegerIn(tensor, 0, model.tensors.length - 1) || !isUnsigned(mask)) throw malformed("a sparse tensor (ITEM-8)");
  }
  if (plainTensors(model).some((tensor) => sparse.has(tensor))) throw malformed("a mask of a tensor without one (STR-7)");
  return sparse;
}

function readOrigin(cbor, dims) {
  if (!cbor.has(5)) return null;
  const origin = cbor.get(5);
  if (!lists(origin, isUnsigned) || origin.length !== dims) throw malformed("an origin (ITEM-11)");
  return origin.map(Number);
}

function readOverlap(cbor, dims) {
  if (!cbor.has(8)) return null;
  const overlap = cbor.get(8);
  const isPair = (pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isUnsigned);
  if (!lists(overlap, isPair) || overlap.length !== dims) throw malformed("an overlap (TILE-1)");
  return overlap.map((pair) => pair.map(Number));
}

function readFloats(cbor, key, count, fits) {
  if (!cbor.has(key)) return null;
  const list = cbor.get(key);
  if (!lists(list, (value) => value instanceof CborFloat) || list.length !== count) throw malformed(`key ${key} (ITEM-12)`);
  return list.map(({ value }) => {
    if (!Number.isFinite(value) || !fits(value)) throw malformed(`a number of key ${key} (ITEM-12)`);
    return value;
  });
}
