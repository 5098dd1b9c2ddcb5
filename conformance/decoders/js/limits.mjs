/** What a decoder allows a file to ask for (LIM-1, LIM-2). */
import { limit } from "./outcome.mjs";

/**
 * @typedef {object} Limits
 * @property {number} samples output samples, all components of all items
 * @property {number} parameters entries of all tensors but lattices
 * @property {number} multiplyAdds multiply-adds to evaluate every sample once
 * @property {number} sections
 * @property {number} smallPayload decoded bytes of a HEAD, ITEM or mETa payload
 * @property {number} payload decoded bytes of all VERB payloads together, and of any other one
 * @property {number} masks samples of all masks together
 * @property {number} cborItems items of one CBOR payload
 */

/** Level 1, with fewer samples: values are computed in float64 and need the memory. */
export const DEFAULT_LIMITS = Object.freeze({
  samples: 2 ** 27,
  parameters: 2 ** 24,
  multiplyAdds: 2 ** 38,
  sections: 2 ** 16,
  smallPayload: 2 ** 24,
  payload: 2 ** 28,
  masks: 2 ** 27,
  cborItems: 2 ** 22,
});

/**
 * Adds declared sizes up before anything is allocated for them. Sums above 2^53 are rounded, which is far above any limit.
 */
export class Account {
  /** @param {string} what @param {number} most */
  constructor(what, most) {
    this.what = what;
    this.most = most;
    this.sum = 0;
  }

  /** @param {number} amount */
  add(amount) {
    this.sum += amount;
    if (!(this.sum <= this.most)) throw limit(`${this.what}: ${this.sum} is more than ${this.most}`);
  }
}

/** @param {string} what @param {number} amount @param {number} most */
export function checkLimit(what, amount, most) {
  if (!(amount <= most)) throw limit(`${what}: ${amount} is more than ${most}`);
}
