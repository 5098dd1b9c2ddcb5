"""Bounded decompression of one zstd frame or one brotli stream of a known size."""

from __future__ import annotations

from .errors import Malformed

_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_SINGLE_SEGMENT = 0x20
_MAX_WINDOW = 2**27
_BROTLI_STEP = 2**20


def zstd_frame(data: bytes, size: int, rule: str) -> bytes:
    """Decompress exactly one zstd frame that holds `size` bytes and ends where `data` ends."""
    import zstandard

    pieces = _zstd_pieces(data, size, rule)
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW).decompressobj()
    out = bytearray()
    try:
        if size > _MAX_WINDOW and data[4] & _SINGLE_SEGMENT:
            # The streaming interface takes the size of such a frame for its window.
            return zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
        for piece in pieces:
            out += decompressor.decompress(piece)
            if len(out) > size:
                raise Malformed(f"{rule}: the zstd frame holds more than {size} bytes")
    except zstandard.ZstdError as error:
        raise Malformed(f"{rule}: bad zstd frame ({error})") from None
    if len(out) != size or not decompressor.eof:
        raise Malformed(f"{rule}: the zstd frame does not hold {size} bytes")
    return bytes(out)


def _zstd_pieces(data: bytes, size: int, rule: str) -> list[bytes]:
    """Cut a frame into its header, its blocks (at most 128 KiB decoded each) and its checksum."""
    if len(data) < 6 or data[:4] != _ZSTD_MAGIC:
        raise Malformed(f"{rule}: not a zstd frame")
    descriptor = data[4]
    single = bool(descriptor & _SINGLE_SEGMENT)
    position = 5
    if not single:
        exponent, mantissa = data[5] >> 3, data[5] & 7
        window = (1 << (10 + exponent)) * (8 + mantissa) // 8
        if window > _MAX_WINDOW:
            raise Malformed(f"{rule}: the window of the zstd frame is too large")
        position += 1
    id_bytes = (0, 1, 2, 4)[descriptor & 3]
    if any(data[position : position + id_bytes]):
        raise Malformed(f"{rule}: the zstd frame needs a dictionary")
    position += id_bytes
    size_bytes = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    declared = int.from_bytes(data[position : position + size_bytes], "little")
    declared += 256 if size_bytes == 2 else 0
    if size_bytes and declared != size:
        raise Malformed(f"{rule}: the zstd frame declares another size")
    position += size_bytes
    pieces = [data[:position]]
    last = False
    while not last:
        header = data[position : position + 3]
        if len(header) < 3:
            raise Malformed(f"{rule}: the zstd frame ends early")
        block = int.from_bytes(header, "little")
        last = bool(block & 1)
        length = 3 + (1 if (block >> 1) & 3 == 1 else block >> 3)
        pieces.append(data[position : position + length])
        position += length
    if descriptor & 4:
        pieces.append(data[position : position + 4])
        position += 4
    if position != len(data):
        raise Malformed(f"{rule}: the zstd frame does not end where its data ends")
    return pieces


def brotli_stream(data: bytes, size: int, rule: str) -> bytes:
    """Decompress exactly one brotli stream that holds `size` bytes and ends where `data` ends."""
    import brotli

    decompressor = brotli.Decompressor()
    out = bytearray()
    pending = data
    try:
        while not decompressor.is_finished():
            part = decompressor.process(pending, output_buffer_limit=_BROTLI_STEP)
            out += part
            if len(out) > size:
                raise Malformed(f"{rule}: the brotli stream holds more than {size} bytes")
            if not part and not pending and not decompressor.is_finished():
                raise Malformed(f"{rule}: the brotli stream ends early")
            pending = b""
    except brotli.error:
        raise Malformed(f"{rule}: bad brotli stream, or bytes after it") from None
    if len(out) != size:
        raise Malformed(f"{rule}: the brotli stream does not hold {size} bytes")
    return bytes(out)
