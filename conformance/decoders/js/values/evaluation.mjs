/** Values of all items (layers L3 and L4). */
import { unsupported } from "../outcome.mjs";
import { hexadecimal } from "../container/bytes.mjs";
import { addPrior, readEntries } from "../priors.mjs";
import { Tile, blend, setPatternsOfCores, tilesAround } from "./blending.mjs";
import { addResiduals, denormalise, setPatterns, storedBytes } from "./samples.mjs";

/**
 * What layers L0 to L2 have given.
 * @typedef {object} Content
 * @property {import("../items/item.mjs").Item[]} items
 * @property {import("../masks/mask.mjs").Mask[]} masks
 * @property {{shape: number[], values: Float32Array}[][]} parameters by item and tensor
 * @property {(Int32Array | null)[]} residuals by item
 * @property {import("../items/tiles.mjs").TiledField[]} fields
 * @property {Map<string, import("../priors.mjs").Prior>} priors
 */

/**
 * @typedef {object} Samples
 * @property {Float64Array} x residuals added, or blended; before it was rounded to the dtype
 * @property {Uint8Array} bytes stored values in C order, little-endian, patterns of invalid samples included
 */

/** Checks and applies the prior of an item, if it names one. */
export function parametersWithPrior(content, index) {
  const item = content.items[index];
  const parameters = content.parameters[index];
  if (!item.model.prior) return parameters;
  const prior = content.priors.get(hexadecimal(item.model.prior));
  if (!prior) throw unsupported("a prior that this decoder does not have (SIREN-3)");
  return addPrior(readEntries(prior, item), parameters);
}

/** @returns {Float64Array[] | null} the model's x, by component; null where the architecture is not evaluated */
function modelValues(content, index) {
  const item = content.items[index];
  if (!item.architecture.evaluate) return null;
  const y = item.architecture.evaluate(item.model, parametersWithPrior(content, index), item.field, item.samples);
  return item.components.map((component, c) => denormalise(y.subarray(c * item.samples, (c + 1) * item.samples), component));
}

/**
 * @param {Content} content
 * @returns {(Samples[] | null)[]} by item and component; null for items that are not evaluated, or blended with such
 */
export function evaluateItems(content) {
  const own = content.items.map((_, index) => modelValues(content, index));
  const tiled = new Map();
  for (const field of content.fields) {
    field.items.forEach((index, number) => {
      if (content.items[index].overlap !== null) tiled.set(index, { field, place: field.places[number] });
    });
  }
  return content.items.map((item, index) => {
    if (tiled.has(index)) return blendedSamples(content, own, tiled.get(index), index);
    return own[index] && item.components.map((component, c) => plainSamples(content, index, c, own[index][c]));
  });
}

function plainSamples(content, index, c, x) {
  const item = content.items[index];
  const { dtype, mask } = item.components[c];
  if (item.residualSteps !== null) {
    addResiduals(x, item.residualSteps[c], content.residuals[index].subarray(c * item.samples, (c + 1) * item.samples));
  }
  const bytes = storedBytes(x, dtype);
  if (mask !== null) setPatterns(bytes, dtype.size, content.masks[mask]);
  return { x, bytes };
}

function blendedSamples(content, own, { field, place }, index) {
  const around = tilesAround(field, place);
  if (around.some(({ item }) => own[item] === null)) return null;
  const target = new Tile(content.items[index], place);
  return content.items[index].components.map(({ dtype }, c) => {
    const tiles = around.map(({ item, pieces }) => {
      const { mask } = content.items[item].components[c];
      const tile = new Tile(content.items[item], pieces.map((piece) => piece.place));
      return { tile, pieces, x: own[item][c], mask: mask === null ? null : content.masks[mask] };
    });
    const x = blend(target, tiles);
    const bytes = storedBytes(x, dtype);
    setPatternsOfCores(target, tiles, field, bytes, dtype.size);
    return { x, bytes };
  });
}
