/** ENDS and tIDX: length, digests and index of a file (END-1 to END-4, IDX-2). */
import { malformed } from "../outcome.mjs";
import { ByteReader, sameBytes } from "./bytes.mjs";
import { sha256 } from "./sha256.mjs";

const DIGESTED = ["MASK", "TENS", "RESD"];

/**
 * @typedef {object} End
 * @property {number} total
 * @property {number} index
 * @property {Uint8Array} digest
 */

/** @param {Uint8Array} payload @param {number} fileLength @param {import("./sections.mjs").Section[]} sections @returns {End} */
export function readEnd(payload, fileLength, sections) {
  const reader = new ByteReader(payload);
  const total = reader.uleb();
  if (total !== fileLength) throw malformed(`a file of ${fileLength} bytes instead of ${total} (END-1)`);
  const index = reader.uleb();
  const indexSection = sections.find(({ type }) => type === "tIDX");
  if (index !== (indexSection?.offset ?? 0)) throw malformed("no index where ENDS says (END-4)");
  const digest = reader.take(reader.left);
  if (![8, 16, 32].includes(digest.length)) throw malformed(`a digest of ${digest.length} bytes (END-2)`);
  return { total, index, digest };
}

/** @param {import("./sections.mjs").Section[]} sections with their digests @returns {Uint8Array} the whole SHA-256 */
export function digestOfSections(sections) {
  return sha256(...sections.filter(({ type }) => DIGESTED.includes(type)).map(({ digest }) => digest));
}

/** Compares an index with the sections (IDX-2). @param {Uint8Array} payload */
export function checkIndex(payload, sections) {
  const reader = new ByteReader(payload);
  for (const { type, prefix, digest, item } of sections) {
    if (type === "tIDX") break;
    const expected = DIGESTED.includes(type) ? [prefix, digest] : [prefix];
    for (const bytes of expected) if (!sameBytes(reader.take(bytes.length), bytes)) throw malformed(`the index of ${type} (IDX-2)`);
    if (item !== null && reader.uleb() !== item) throw malformed(`the item of ${type} in the index (IDX-2)`);
  }
  reader.expectEnd("an index (IDX-2)");
}
