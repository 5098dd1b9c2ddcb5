/** Writing NumPy's `.npy`, version 1.0. */

/**
 * @param {string} dtype as NumPy writes it
 * @param {number[]} shape
 * @param {Uint8Array} bytes in C order, little-endian
 * @returns {Uint8Array}
 */
export function npyBytes(dtype, shape, bytes) {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const text = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${sizes}), }`;
  const length = Math.ceil((text.length + 11) / 64) * 64 - 10;
  const header = new TextEncoder().encode(`${text.padEnd(length - 1)}\n`);
  const file = new Uint8Array(10 + length + bytes.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  file.set(header, 10);
  file.set(bytes, 10 + length);
  return file;
}
