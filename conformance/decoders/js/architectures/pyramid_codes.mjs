/** Codes of the axes of `pyramid`. */
import { halved } from "../entropy/lattice.mjs";

export const LEARNED = -1;
export const OWN_WAVELET = -2;
export const COSINE = -3;

/** @param {number} length @returns {number} halvings (rounding up) until 1 is left */
export function mostHalvings(length) {
  return length === 1 ? 0 : 1 + mostHalvings(Math.ceil(length / 2));
}

/** @param {number} length @returns {number} L of code -2: the most halvings that leave at least 4 */
export function ownLevels(length) {
  let levels = 0;
  while (halved(length, levels + 1) >= 4) levels++;
  return levels;
}
