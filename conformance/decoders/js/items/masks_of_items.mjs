/** Which masks items may refer to (ITEM-4, ITEM-8). */
import { malformed } from "../outcome.mjs";
import { SPARSITY, VALIDITY } from "../masks/mask.mjs";

const sameShape = (a, b) => a.length === b.length && a.every((size, axis) => size === b[axis]);

function maskOf(masks, index, purpose) {
  const mask = masks[index];
  if (!mask || mask.purpose !== purpose) throw malformed(`mask ${index}, which there is not (ITEM-4)`);
  return mask;
}

/**
 * @param {import("./item.mjs").Item} item
 * @param {import("../masks/mask.mjs").Mask[]} masks
 */
export function checkMasksOfItem(item, masks) {
  for (const { mask: index, dtype } of item.components) {
    if (index === null) continue;
    const mask = maskOf(masks, index, VALIDITY);
    if (!sameShape(mask.shape, item.sizes) || mask.patternBytes !== dtype.size) {
      throw malformed("a validity mask that does not fit (ITEM-4)");
    }
  }
  for (const [tensor, index] of item.sparse) {
    const mask = maskOf(masks, index, SPARSITY);
    const shape = item.model.tensors[tensor];
    if (!sameShape(mask.shape, shape) && !sameShape(mask.shape, shape.slice(1))) {
      throw malformed("a sparsity mask that does not fit (ITEM-8)");
    }
  }
}
