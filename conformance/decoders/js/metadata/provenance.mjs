/** pROv: what was asked for when the file was made (metadata.md, META-36 to META-38). */
import { CborFloat, isUnsigned } from "../container/cbor.mjs";

const GOALS = ["psnr", "ratio", "bytes", "max-error", "rel-error"];

/**
 * @typedef {object} Provenance
 * @property {[string, number | bigint]} [goal]
 * @property {number | bigint} [effort]
 * @property {number | bigint} [architecture]
 * @property {string} [encoder]
 */

/** @param {*} cbor the payload @returns {Provenance | null} null where it breaks a rule (META-38) */
export function readProvenance(cbor) {
  if (!(cbor instanceof Map)) return null;
  const provenance = {};
  for (const [key, value] of cbor) {
    if (key === 0) provenance.goal = readGoal(value);
    else if (key === 1) provenance.effort = isUnsigned(value) ? value : null;
    else if (key === 2) provenance.architecture = isUnsigned(value) ? value : null;
    else if (key === 3) provenance.encoder = typeof value === "string" ? value : null;
    else return null;
  }
  return Object.values(provenance).includes(null) ? null : provenance;
}

function readGoal(value) {
  if (!Array.isArray(value) || value.length !== 2 || !isUnsigned(value[0]) || value[0] >= GOALS.length) return null;
  const goal = GOALS[value[0]];
  const isFloat = value[1] instanceof CborFloat;
  if (!isFloat && !isUnsigned(value[1])) return null;
  const number = isFloat ? value[1].value : value[1];
  if (isFloat && (!Number.isFinite(number) || Number.isInteger(number))) return null;
  return inRange(goal, number, isFloat) ? [goal, number] : null;
}

function inRange(goal, number, isFloat) {
  if (goal === "max-error") return number >= 0;
  if (goal === "rel-error") return number >= 0 && number < 1;
  return number > 0 && !(goal === "bytes" && isFloat);
}
