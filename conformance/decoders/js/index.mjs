/**
 * An independent decoder of `.inrc` files, written from `format_spec/` alone. It runs in Node and in browsers.
 *
 *     import { decode } from "./index.mjs";
 *     const file = decode(bytes);
 *     file.items[0].components[0].values; // a typed array
 */
import { Account, DEFAULT_LIMITS } from "./limits.mjs";
import { Refusal, limit, malformed } from "./outcome.mjs";
import { hexadecimal } from "./container/bytes.mjs";
import { decodeCbor } from "./container/cbor.mjs";
import { makeDecompressors } from "./container/compression.mjs";
import { checkIndex, digestOfSections, readEnd } from "./container/end.mjs";
import { readSections } from "./container/sections.mjs";
import { sameBytes } from "./container/bytes.mjs";
import { readHead } from "./items/head.mjs";
import { checkIntegers, integerBytes, readResiduals, readTensors } from "./items/integers.mjs";
import { readItem } from "./items/item.mjs";
import { checkMasksOfItem } from "./items/masks_of_items.mjs";
import { dequantise } from "./items/quantisation.mjs";
import { checkTiles } from "./items/tiles.mjs";
import { readMask } from "./masks/mask.mjs";
import { readProvenance } from "./metadata/provenance.mjs";
import { checkPaths, readVariables } from "./metadata/verbatim.mjs";
import { readPriors } from "./priors.mjs";
import { evaluateItems } from "./values/evaluation.mjs";

export { DEFAULT_LIMITS } from "./limits.mjs";
export { Refusal } from "./outcome.mjs";

/**
 * @typedef {object} Options
 * @property {Partial<import("./limits.mjs").Limits>} [limits]
 * @property {import("./container/compression.mjs").BrotliDecoder} [brotli] files that use brotli are unsupported without it
 * @property {Uint8Array[]} [priors] contents of `.inrcprior` files
 * @property {boolean} [values] false: stop at the parameters (layer L2)
 */

/**
 * @typedef {object} DecodedComponent
 * @property {string} name
 * @property {string} dtype as NumPy writes it, "<f4"
 * @property {ArrayLike<number>} values stored values in C order; float16 as its bits
 * @property {Float64Array} real x before it was rounded to the dtype
 */

/**
 * @typedef {object} DecodedItem
 * @property {number} architecture
 * @property {string[]} dims names, empty where there is none
 * @property {number[]} shape
 * @property {number[] | null} origin of a tile
 * @property {DecodedComponent[] | null} components null where the architecture is not evaluated
 * @property {{shape: number[], values: Float32Array}[]} parameters layer L2, a prior not added
 */

/**
 * @typedef {object} DecodedFile
 * @property {string} kind "volume", "image" or "sdf"
 * @property {number} level
 * @property {DecodedItem[]} items
 * @property {number[]} unevaluated indices of items without values
 * @property {string} integersSha256 of the digests of the sections (END-2)
 * @property {import("./metadata/verbatim.mjs").Variable[]} variables
 * @property {{medium: string, tree: Map} | null} metadata null also where it is damaged
 * @property {import("./metadata/provenance.mjs").Provenance | null} provenance
 */

/**
 * Decodes a whole file, and checks all of it.
 * @param {Uint8Array} bytes
 * @param {Options} [options]
 * @returns {DecodedFile}
 * @throws {Refusal} whose `outcome` is "malformed", "unsupported" or "limit"
 */
export function decode(bytes, options = {}) {
  try {
    return new FileDecoder(bytes, options).decode();
  } catch (error) {
    if (error instanceof RangeError) throw limit(`more than this machine holds: ${error.message}`);
    throw error;
  }
}

class FileDecoder {
  constructor(bytes, { limits = {}, brotli, priors = [], values = true }) {
    this.bytes = bytes;
    this.limits = { ...DEFAULT_LIMITS, ...limits };
    this.decompressors = makeDecompressors(brotli);
    this.priorFiles = priors;
    this.values = values;
  }

  decode() {
    const { header, sections } = readSections(this.bytes, this.limits);
    this.sections = sections;
    const end = readEnd(this.#payload(sections[sections.length - 1]), this.bytes.length, sections);
    const head = readHead(this.#cbor(sections[0]));
    const items = this.#readItems(head);
    const fields = checkTiles(items);
    const variables = this.#readVariables();
    const masks = this.#readMasks(items);
    const content = { items, fields, masks, ...this.#readIntegers(items, masks), priors: this.#readPriors(items) };
    const digest = digestOfSections(sections);
    if (!sameBytes(digest.subarray(0, end.digest.length), end.digest)) throw malformed("the digest of the file (END-3)");
    this.#checkIndex();
    const samples = this.values ? evaluateItems(content) : items.map(() => null);
    return {
      kind: head.kind,
      level: header.level,
      items: items.map((item, index) => describe(item, samples[index], content.parameters[index])),
      unevaluated: [...items.keys()].filter((index) => samples[index] === null),
      integersSha256: hexadecimal(digest),
      variables,
      metadata: this.#readAncillary("mETa", readMetadata),
      provenance: this.#readAncillary("pROv", readProvenance),
    };
  }

  #of(type) {
    return this.sections.filter((section) => section.type === type);
  }

  #payload(section, account) {
    return section.payload(this.limits, this.decompressors, account);
  }

  #cbor(section, account) {
    return decodeCbor(this.#payload(section, account), this.limits.cborItems);
  }

  #readItems(head) {
    const sections = this.#of("ITEM");
    if (sections.length !== head.items) throw malformed(`${sections.length} items of ${head.items} (HEAD-2)`);
    const samples = new Account("output samples", this.limits.samples);
    const parameters = new Account("entries of all tensors", this.limits.parameters);
    const multiplyAdds = new Account("multiply-adds", this.limits.multiplyAdds);
    return sections.map((section) => {
      const item = readItem(this.#cbor(section));
      samples.add(item.samples * item.components.length);
      item.model.tensors.forEach((shape, tensor) => {
        if (tensor > 0 || !item.model.lattice) parameters.add(shape.reduce((product, size) => product * size, 1));
      });
      multiplyAdds.add(item.samples * item.model.multiplyAdds);
      return item;
    });
  }

  #readVariables() {
    const account = new Account("VERB payloads", this.limits.payload);
    const variables = this.#of("VERB").flatMap((section) => readVariables(this.#cbor(section, account)));
    checkPaths(variables);
    return variables;
  }

  #readMasks(items) {
    const account = new Account("samples of all masks", this.limits.masks);
    const masks = this.#of("MASK").map((section) => {
      const mask = readMask(this.#payload(section), account, this.limits, this.decompressors);
      section.keepDigest(mask.bits, ...(mask.patternIndices === null ? [] : [integerBytes(mask.patternIndices)]));
      return mask;
    });
    for (const item of items) checkMasksOfItem(item, masks);
    return masks;
  }

  #readIntegers(items, masks) {
    const sectionsOf = (type) =>
      this.#of(type).map((section) => ({
        payload: () => this.#payload(section),
        keepDigest: (bytes, item) => {
          section.keepDigest(bytes);
          section.item = item;
        },
      }));
    const integers = readTensors(sectionsOf("TENS"), items, masks, this.limits, this.decompressors);
    items.forEach((item, index) => checkIntegers(item, integers[index]));
    const residuals = readResiduals(sectionsOf("RESD"), items, this.decompressors);
    const parameters = items.map((item, index) =>
      item.model.tensors.map((shape, tensor) => {
        const mask = item.sparse.has(tensor) ? masks[item.sparse.get(tensor)].bits : null;
        return { shape, values: dequantise(shape, item.quantisation[tensor], integers[index][tensor], mask) };
      }),
    );
    return { residuals, parameters };
  }

  #readPriors(items) {
    return items.some(({ model }) => model.prior) ? readPriors(this.priorFiles, this.limits) : new Map();
  }

  #checkIndex() {
    const [index] = this.#of("tIDX");
    if (index) checkIndex(this.#payload(index), this.sections);
  }

  /** An error in the payload of an ancillary section is no refusal (SEC-7); its limits are. */
  #readAncillary(type, read) {
    const [section] = this.#of(type);
    if (!section) return null;
    try {
      return read(this.#cbor(section));
    } catch (error) {
      if (error instanceof Refusal && error.outcome === "malformed") return null;
      throw error;
    }
  }
}

function readMetadata(cbor) {
  const fits = cbor instanceof Map && [...cbor.keys()].every((key) => key === 0 || key === 1) && typeof cbor.get(0) === "string";
  if (!fits || (cbor.has(1) && !(cbor.get(1) instanceof Map))) throw malformed("mETa (section 9)");
  return { medium: cbor.get(0), tree: cbor.get(1) ?? new Map() };
}

function describe(item, samples, parameters) {
  return {
    architecture: item.architecture.id,
    dims: item.dimNames,
    shape: item.sizes,
    origin: item.origin,
    parameters,
    components:
      samples &&
      item.components.map(({ name, dtype }, c) => {
        const { bytes, x } = samples[c];
        return { name, dtype: dtype.numpy, values: new dtype.array(bytes.buffer), real: x };
      }),
  };
}
