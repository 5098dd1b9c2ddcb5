/** What only Node has: its brotli decoder, priors in folders, and the files of the conformance protocol. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { npyBytes } from "./npy.mjs";

/** @type {import("./container/compression.mjs").BrotliDecoder} */
export function nodeBrotli(bytes, size) {
  const { buffer, engine } = brotliDecompressSync(bytes, { maxOutputLength: Math.max(size, 1), info: true });
  return { bytes: new Uint8Array(buffer), used: engine.bytesWritten };
}

/** @param {string} folders between which the system's separator stands @returns {Uint8Array[]} `*.inrcprior` in them */
export function readPriorFiles(folders) {
  return folders
    .split(delimiter)
    .filter((folder) => folder !== "")
    .flatMap((folder) => filesOf(folder));
}

function filesOf(folder) {
  let names;
  try {
    names = readdirSync(folder);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith(".inrcprior"))
    .sort()
    .map((name) => new Uint8Array(readFileSync(join(folder, name))));
}

/**
 * Writes `values-*.npy`, `real-*.npy` and `info.json`.
 * @param {import("./index.mjs").DecodedFile} file
 * @param {string} folder
 */
export function writeDecoded(file, folder) {
  mkdirSync(folder, { recursive: true });
  file.items.forEach(({ components, shape }, item) => {
    (components ?? []).forEach(({ dtype, values, real }, component) => {
      writeFileSync(join(folder, `values-${item}-${component}.npy`), npyBytes(dtype, shape, bytesOf(values)));
      writeFileSync(join(folder, `real-${item}-${component}.npy`), npyBytes("<f8", shape, bytesOf(real)));
    });
  });
  writeFileSync(join(folder, "info.json"), json(infoOf(file)));
}

const bytesOf = (array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** JSON with bigints as the numbers that they are. */
function json(value) {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(json).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, entry]) => `${JSON.stringify(key)}: ${json(entry)}`);
  return `{${entries.join(", ")}}`;
}

function infoOf(file) {
  return {
    integers_sha256: file.integersSha256,
    verbatim: Object.fromEntries(file.variables.map((variable) => [variable.path, digestOf(variable)])),
    provenance: file.provenance,
    unevaluated: file.unevaluated,
  };
}

function digestOf({ bytes, texts }) {
  const hash = createHash("sha256");
  if (texts === null) return hash.update(bytes).digest("hex");
  for (const text of texts) {
    const encoded = new TextEncoder().encode(text);
    const length = new DataView(new ArrayBuffer(8));
    length.setBigUint64(0, BigInt(encoded.length), true);
    hash.update(new Uint8Array(length.buffer)).update(encoded);
  }
  return hash.digest("hex");
}
