/** pROv: what was asked for when the file was made, and what was lost then (metadata.md, META-36 to META-38, META-40). */
import { CborFloat, isUnsigned } from "../container/cbor.mjs";

const GOALS = ["psnr", "ratio", "bytes", "max-error", "rel-error"];
const LOSSES = ["samples", "bound", "variable", "metadata"];

/**
 * @typedef {[string, string, ...(number | bigint)[]]} Loss kind, name, and start and stop per axis
 *
 * @typedef {object} Provenance
 * @property {[string, number | bigint]} [goal]
 * @property {number | bigint} [effort]
 * @property {number | bigint} [architecture]
 * @property {string} [encoder]
 * @property {Loss[]} [losses]
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
    else if (key === 4) provenance.losses = readLosses(value);
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

function readLosses(value) {
  if (!Array.isArray(value) || value.length === 0) return null;
  const losses = value.map(readLoss);
  return losses.includes(null) ? null : losses;
}

function readLoss(value) {
  if (!Array.isArray(value) || value.length % 2 !== 0) return null;
  const [kind, name, ...range] = value;
  if (!isUnsigned(kind) || kind >= LOSSES.length || typeof name !== "string") return null;
  if (LOSSES[kind] === "metadata" && name !== "") return null;
  const grows = range.every((bound, index) => isUnsigned(bound) && (index % 2 === 0 || bound > range[index - 1]));
  return grows ? [LOSSES[kind], name, ...range] : null;
}

function inRange(goal, number, isFloat) {
  if (goal === "max-error") return number >= 0;
  if (goal === "rel-error") return number >= 0 && number < 1;
  return number > 0 && !(goal === "bytes" && isFloat);
}
