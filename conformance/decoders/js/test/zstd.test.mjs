import assert from "node:assert/strict";
import test from "node:test";
import { decodeZstd } from "../zstd/frame.mjs";
import { readFseTable } from "../zstd/fse.mjs";

const WORDS = ["wave", "grid", "field", "mask", "stream", "level"];
const malformed = { outcome: "malformed" };

/** The generator of the texts that were compressed. */
function* draws() {
  for (let state = 1n; ; ) {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    yield Number(state >> 16n);
  }
}

const SOURCES = {
  text(length) {
    let text = "";
    for (const draw of draws()) {
      if (text.length > length) return new TextEncoder().encode(text.slice(0, length));
      text += `${WORDS[draw % 6]} `;
    }
  },
  numbers(length) {
    const draw = draws();
    return Uint8Array.from({ length }, () => draw.next().value & draw.next().value & 63);
  },
};

/** Frames of the zstd library: text and numbers, without and with a checksum. */
const FRAMES = [
  [
    "text",
    600,
    "KLUv/WBYAQ0EAAJCBwzQPYQECAUIPwA0YDjnaLjzTyoJTAMB47kKcq8JN6jx67VvIEYA1V0HETAEdMFkZAKVwtXYlLYQ4nhI5nQarvKMukdr" +
      "h4o5Mhi9opyOw8AZQB1DQ1oDuYs0qr0HO1pxAuPoKVc/Ad78et9EOhS0OzuBdj5yVhKASYnpVuEIVQ==",
  ],
  [
    "text",
    600,
    "KLUv/WRYAQ0EAAJCBwzQPYQECAUIPwA0YDjnaLjzTyoJTAMB47kKcq8JN6jx67VvIEYA1V0HETAEdMFkZAKVwtXYlLYQ4nhI5nQarvKMukdr" +
      "h4o5Mhi9opyOw8AZQB1DQ1oDuYs0qr0HO1pxAuPoKVc/Ad78et9EOhS0OzuBdj5yVhKASYnpVuEIVfwFgUE=",
  ],
  [
    "numbers",
    700,
    "KLUv/WC8Aa0OAIZqcBcg2h09cwn0sXOun+1YHN59op+e4F2TKWwAaQBlAMxYe4esMm9XsGTEMPOqwyEOvbEuib6SMkiry/UkRmfvFzQ9a0pX" +
      "O2lzZmDx1xFJh+gzDaXUlOOJALRTGsmOKGGMWHgxLuX3z6wbfjvJ/bOb4Nnm1C6bCHg43iNLqsFfgMVNivE4E4IApUY2Ac3gS3InF9iU9+hS" +
      "mH5KiudAdqkf2apGgxCykVybh1f1z3/BnVwj0URXy8jFRETcz3jx62fLqjvsaqgwZL0PE4KdcNdJtsQ/fr30pwki/+kkUwLUSHZW5aKfah3J" +
      "51fex37dt9R4HsKmc6zxYO8qsaISf+qHzz/of+NQlG3UDWx7vudM+G06RiW7JvJ/hdll0Bmfj4wXvnrme/0jo7u1Pez01roDzzexCzg4os75" +
      "ZzADmzuELrzQX1kTjBy033J/w/8bwjYft2P8OJucs+4WZ4Y6/HhsyV+lV/noNn7QuwQ5lzNXxKa0APxrXSWFIlrTZY5+nh1m9rkeTG8x6kwO" +
      "gz7qnIN65mhyH4H4+Fs8UajeCGJfyi/ZQAa7b57hjpyFQsmhtue3zAQbWp3hO9Akynzn58dPZK4yBQQBRcTGjM+k/JiTOzeYVRQ=",
  ],
  [
    "numbers",
    700,
    "KLUv/WS8Aa0OAIZqcBcg2h09cwn0sXOun+1YHN59op+e4F2TKWwAaQBlAMxYe4esMm9XsGTEMPOqwyEOvbEuib6SMkiry/UkRmfvFzQ9a0pX" +
      "O2lzZmDx1xFJh+gzDaXUlOOJALRTGsmOKGGMWHgxLuX3z6wbfjvJ/bOb4Nnm1C6bCHg43iNLqsFfgMVNivE4E4IApUY2Ac3gS3InF9iU9+hS" +
      "mH5KiudAdqkf2apGgxCykVybh1f1z3/BnVwj0URXy8jFRETcz3jx62fLqjvsaqgwZL0PE4KdcNdJtsQ/fr30pwki/+kkUwLUSHZW5aKfah3J" +
      "51fex37dt9R4HsKmc6zxYO8qsaISf+qHzz/of+NQlG3UDWx7vudM+G06RiW7JvJ/hdll0Bmfj4wXvnrme/0jo7u1Pez01roDzzexCzg4os75" +
      "ZzADmzuELrzQX1kTjBy033J/w/8bwjYft2P8OJucs+4WZ4Y6/HhsyV+lV/noNn7QuwQ5lzNXxKa0APxrXSWFIlrTZY5+nh1m9rkeTG8x6kwO" +
      "gz7qnIN65mhyH4H4+Fs8UajeCGJfyi/ZQAa7b57hjpyFQsmhtue3zAQbWp3hO9Akynzn58dPZK4yBQQBRcTGjM+k/JiTOzeYVRTtixzE",
  ],
  [
    "text",
    300,
    "KLUv/WAsAA0EAPQCZmllbGQgc3RyZWFtIG1hc2sgZ3JpZGxldmVsIHdhdmV3YXZlIHN0cmVhbSBsZXYlIDBC67ID40D6QN+AhqFoAGaAPMAN" +
      "MgFxgMyA5YPeGnhEwBniAGOAMMMdwA2IA24MqChDa0DKBgoIcDuKNiYNEgY5A1wgIoCD2kCHEQyuCQ==",
  ],
  [
    "text",
    300,
    "KLUv/WQsAA0EAPQCZmllbGQgc3RyZWFtIG1hc2sgZ3JpZGxldmVsIHdhdmV3YXZlIHN0cmVhbSBsZXYlIDBC67ID40D6QN+AhqFoAGaAPMAN" +
      "MgFxgMyA5YPeGnhEwBniAGOAMMMdwA2IA24MqChDa0DKBgoIcDuKNiYNEgY5A1wgIoCD2kCHEQyuCZq1XqY=",
  ],
];

const bytesOf = (base64) => new Uint8Array(Buffer.from(base64, "base64"));
const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

FRAMES.forEach(([source, length, frame], index) => {
  test(`frame ${index} of ${length} bytes of ${source}`, () => {
    assert.deepEqual(decodeZstd(bytesOf(frame), length), SOURCES[source](length));
  });

  test(`frame ${index}, cut anywhere or with bytes behind it, is malformed`, () => {
    const bytes = bytesOf(frame);
    for (let end = 0; end < bytes.length; end++) assert.throws(() => decodeZstd(bytes.slice(0, end), length), malformed);
    assert.throws(() => decodeZstd(Uint8Array.of(...bytes, 0), length), malformed);
    assert.throws(() => decodeZstd(bytes, length + 1), malformed);
  });
});

test("a wrong checksum is malformed", () => {
  const bytes = bytesOf(FRAMES[1][2]);
  bytes[bytes.length - 1] ^= 1;
  assert.throws(() => decodeZstd(bytes, FRAMES[1][1]), malformed);
});

test("raw and run-length blocks, with a window", () => {
  const frame = Uint8Array.of(...MAGIC, 0, 0, 3 << 3, 0, 0, 1, 2, 3, (4 << 3) | 2 | 1, 0, 0, 9);
  assert.deepEqual(decodeZstd(frame, 7), Uint8Array.of(1, 2, 3, 9, 9, 9, 9));
});

test("a window above 2^27 is malformed, one of 2^27 is not", () => {
  const frame = (window) => Uint8Array.of(...MAGIC, 0, window, 1 | (1 << 3), 0, 0, 5);
  assert.deepEqual(decodeZstd(frame(17 << 3), 1), Uint8Array.of(5));
  assert.throws(() => decodeZstd(frame((17 << 3) | 1), 1), malformed);
});

test("a dictionary is malformed", () => {
  assert.throws(() => decodeZstd(Uint8Array.of(...MAGIC, 1, 0, 7, 1 | (1 << 3), 0, 0, 5), 1), malformed);
});

test("a table of a symbol with less than one share, beside two with 15 and 16", () => {
  const { table, size } = readFseTable(Uint8Array.of(0, 0xe0, 7), 9, 35);
  assert.equal(size, 3);
  assert.deepEqual([0, 1, 2].map((symbol) => table.symbols.filter((other) => other === symbol).length), [1, 15, 16]);
  assert.equal(table.symbols[31], 0);
  assert.deepEqual([table.bits[31], table.bases[31]], [5, 0]);
});
