/** The frame of a file: signature, header, sections and their CRCs (inrc-1.md, sections 2 and 3). */
import { malformed, unsupported } from "../outcome.mjs";
import { checkLimit } from "../limits.mjs";
import { ByteReader, sameBytes } from "./bytes.mjs";
import { crc32 } from "./crc32.mjs";
import { sha256 } from "./sha256.mjs";

const SIGNATURE = Uint8Array.of(0x89, 0x49, 0x4e, 0x52, 0x0d, 0x0a, 0x1a, 0x0a);
const HEADER_END = 12;
const KNOWN = ["HEAD", "ITEM", "TENS", "RESD", "MASK", "VERB", "mETa", "pROv", "tIDX", "ENDS"];
const ONCE = ["HEAD", "mETa", "tIDX", "ENDS"];
const SMALL = ["HEAD", "ITEM", "mETa"];

/**
 * @typedef {object} Header
 * @property {number} minor
 * @property {number} level
 */

/** One section; its payload is decoded when it is asked for. */
export class Section {
  constructor(type, attribute, offset, prefix, stored) {
    this.type = type;
    this.attribute = attribute;
    this.offset = offset;
    /** The bytes `type attribute length` that the section begins with. */
    this.prefix = prefix;
    this.stored = stored;
    /** First 8 bytes of the SHA-256 of its integer layer, once it is known. */
    this.digest = null;
    /** Number of the item of a TENS or RESD section, once it is known. */
    this.item = null;
  }

  /**
   * @param {import("../limits.mjs").Limits} limits
   * @param {import("./compression.mjs").Decompressors} decompressors
   * @param {import("../limits.mjs").Account} [account] that the size counts for, too
   * @returns {Uint8Array}
   */
  payload(limits, decompressors, account) {
    const reader = new ByteReader(this.stored);
    const size = this.attribute === 0 ? this.stored.length : reader.uleb();
    checkLimit(`payload of ${this.type}`, size, SMALL.includes(this.type) ? limits.smallPayload : limits.payload);
    account?.add(size);
    if (this.attribute === 0) return this.stored;
    const frame = reader.take(reader.left);
    return this.attribute === 1 ? decompressors.zstd(frame, size) : decompressors.brotli(frame, size);
  }

  /** @param {...Uint8Array} layer pieces of its integer layer */
  keepDigest(...layer) {
    this.digest = sha256(...layer).subarray(0, 8);
  }
}

/**
 * Checks the frame of a whole file; no payload is looked at.
 * @param {Uint8Array} file
 * @param {import("../limits.mjs").Limits} limits
 * @returns {{header: Header, sections: Section[]}}
 */
export function readSections(file, limits) {
  const header = readHeader(file);
  const reader = new ByteReader(file, HEADER_END);
  const sections = [];
  do {
    sections.push(readSection(reader, sections.length === 0));
    checkLimit("sections", sections.length, limits.sections);
  } while (sections[sections.length - 1].type !== "ENDS");
  reader.expectEnd("a file (FILE-6)");
  checkOrder(sections);
  const unknown = sections.find(({ type }) => !KNOWN.includes(type) && type[0] < "a");
  if (unknown) throw unsupported(`section ${unknown.type} (SEC-2)`);
  return { header, sections };
}

function readHeader(file) {
  if (file.length < HEADER_END) throw malformed("a file of less than 12 bytes (FILE-8)");
  if (!sameBytes(file.subarray(0, SIGNATURE.length), SIGNATURE)) throw malformed("another signature (FILE-1)");
  const [major, minor, level, flags] = file.subarray(SIGNATURE.length, HEADER_END);
  if (major !== 1) throw unsupported(`version ${major} (FILE-2)`);
  if (level !== 1 && level !== 2) throw unsupported(`level ${level} (FILE-4)`);
  if (flags !== 0) throw unsupported(`flags ${flags} (FILE-5)`);
  return { minor, level };
}

function readSection(reader, first) {
  const offset = reader.position;
  const type = String.fromCharCode(...reader.take(4));
  if (!/^[A-Za-z]{2}[A-Z][A-Za-z]$/.test(type)) throw malformed("a type that is none (SEC-1)");
  if (first !== (type === "HEAD")) throw malformed(`${type} where HEAD belongs, or HEAD where it does not (FILE-6)`);
  const attribute = reader.byte();
  if (attribute > 2) throw malformed(`attribute ${attribute} (SEC-5)`);
  const length = reader.uleb();
  const prefix = reader.bytes.subarray(offset, reader.position);
  const stored = reader.take(length);
  const checked = reader.bytes.subarray(first ? 0 : offset, reader.position);
  const crc = reader.take(4).reduceRight((value, byte) => value * 256 + byte, 0);
  if (crc !== crc32(checked)) throw malformed(`the CRC of ${type} (SEC-4)`);
  return new Section(type, attribute, offset, prefix, stored);
}

function checkOrder(sections) {
  for (const type of ONCE) {
    if (sections.filter((section) => section.type === type).length > 1) throw malformed(`${type} occurs twice (SEC-6)`);
  }
  const index = sections.findIndex(({ type }) => type === "tIDX");
  if (index >= 0 && index !== sections.length - 2) throw malformed("tIDX is not the section before ENDS (IDX-1)");
}
