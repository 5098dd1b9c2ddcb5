"""zstd and brotli with output limits that hold.

Both libraries can be made to return far more than asked: zstd's `max_output_size` is ignored when
the frame declares a size, brotli has none in its one-shot call. So the size is declared by the
format, checked against the reader's limits first, and the stream is read no further than one byte
beyond it.
"""

from __future__ import annotations

import io

import brotli
import zstandard

from codec.errors import CorruptError
from codec.format.leb128 import encode_uleb

NONE = 0
ZSTD = 1
BROTLI = 2

# The best levels take seconds per megabyte, and large payloads gain little from them.
_BEST_MAX_INPUT = 1 << 22
_BROTLI_QUALITY = {True: 11, False: 9}
_ZSTD_LEVEL = {True: 19, False: 9}


def compress_frame(method: int, data: bytes) -> bytes:
    """One zstd or brotli frame holding `data`."""
    best = len(data) <= _BEST_MAX_INPUT
    if method == ZSTD:
        parameters = zstandard.ZstdCompressionParameters.from_level(
            _ZSTD_LEVEL[best], source_size=len(data), write_content_size=False, write_checksum=False
        )
        return zstandard.ZstdCompressor(compression_params=parameters).compress(data)
    return bytes(brotli.compress(data, quality=_BROTLI_QUALITY[best]))


def quick_frame(data: bytes) -> bytes:
    """A zstd frame made fast, to compare sizes of data."""
    return zstandard.ZstdCompressor(level=3).compress(data)


def compress(payload: bytes) -> tuple[int, bytes]:
    """The smallest of stored, zstd and brotli: (attribute, stored payload)."""
    candidates = [(NONE, payload)]
    for method in (ZSTD, BROTLI):
        candidates.append((method, encode_uleb(len(payload)) + compress_frame(method, payload)))
    return min(candidates, key=lambda candidate: len(candidate[1]))


def decompress(method: int, frame: bytes, size: int, section: str | None = None) -> bytes:
    """Exactly `size` bytes out of one frame, which must end where `frame` ends.

    Raises:
        CorruptError: the frame is damaged, holds another number of bytes, or is followed by more.
    """
    reader = _read_zstd if method == ZSTD else _read_brotli
    try:
        data = reader(frame, size)
    except (zstandard.ZstdError, brotli.error, EOFError) as error:
        raise CorruptError(f"compressed data is damaged: {error}", section=section) from None
    if data is None or len(data) != size:
        raise CorruptError("compressed data has another size than declared", section=section)
    return data


def _read_zstd(frame: bytes, size: int) -> bytes | None:
    decoder = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
    # decompressobj has no output limit, so feed it slices whose output stays small: a slice of
    # n bytes can expand by at most the block size (128 KiB) per four bytes of input.
    out = io.BytesIO()
    position = 0
    while position < len(frame) and not decoder.eof:
        out.write(decoder.decompress(frame[position : position + 64]))
        position += 64
        if out.tell() > size:
            return None
    if not decoder.eof or decoder.unused_data or position < len(frame):
        return None
    return out.getvalue()


def _read_brotli(frame: bytes, size: int) -> bytes | None:
    decoder = brotli.Decompressor()
    out = bytearray(decoder.process(frame, output_buffer_limit=size + 1))
    while not decoder.is_finished():
        if len(out) > size:
            return None
        more = decoder.process(b"", output_buffer_limit=size + 1 - len(out))
        if not more and decoder.can_accept_more_data():
            return None
        out += more
    return bytes(out)
