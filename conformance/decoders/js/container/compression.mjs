/** Compressed payloads and streams: exactly one frame that holds exactly what it should (SEC-5, STR-3). */
import { malformed, unsupported } from "../outcome.mjs";
import { decodeZstd } from "../zstd/frame.mjs";

/**
 * Decodes one brotli stream (RFC 7932). It throws, or returns something else than `size` bytes, where the bytes are no
 * stream of that size; `used` is how many bytes the stream takes.
 * @typedef {(bytes: Uint8Array, size: number) => {bytes: Uint8Array, used: number}} BrotliDecoder
 */

/**
 * @typedef {object} Decompressors
 * @property {(bytes: Uint8Array, size: number) => Uint8Array} zstd
 * @property {(bytes: Uint8Array, size: number) => Uint8Array} brotli
 */

/** @param {BrotliDecoder} [brotli] without it, brotli is unsupported @returns {Decompressors} */
export function makeDecompressors(brotli) {
  return {
    zstd: decodeZstd,
    brotli(bytes, size) {
      if (!brotli) throw unsupported("no brotli decoder was passed in");
      const result = attempt(brotli, bytes, size);
      if (result.bytes.length !== size) throw malformed(`a brotli stream of other than ${size} bytes`);
      if (result.used !== bytes.length) throw malformed("bytes behind a brotli stream");
      return result.bytes;
    },
  };
}

function attempt(brotli, bytes, size) {
  try {
    return brotli(bytes, size);
  } catch (error) {
    throw malformed(`no brotli stream of ${size} bytes: ${error.message}`);
  }
}
