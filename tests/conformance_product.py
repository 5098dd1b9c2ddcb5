"""The product's decoder behind the protocol of the conformance runner.

inrc-conformance run --decoder 'python tests/conformance_product.py' --mode batch
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import numpy as np

import codec
from codec.coding.evaluate import evaluate_blocks
from codec.coding.normalise import denormalise
from codec.coding.verbatim_section import VerbatimValue
from codec.reading.component_decoder import ComponentDecoder
from codec.reading.contents import FileContents
from codec.reading.item import DecodableItem
from codec.reading.tiled_decoder import TiledDecoder

_STATUS = (
    (codec.UnsupportedError, "unsupported", 4),
    (codec.LimitError, "limit", 5),
    (codec.FormatError, "malformed", 3),
)


def decode(source: str, directory: str) -> None:
    """Write what the protocol asks for, or raise a FormatError."""
    out = Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    data = Path(source).read_bytes()
    with FileContents(data, device="cpu", limits=codec.Limits.level(1)) as file:
        file.streams.sections.check_all()
        digest = file.integer_digest()
        file.check_digest()
        for item in file.items:
            for index in range(len(item.header.components)):
                # A tile is an item of its own.
                place = f"{item.number}-{index}"
                values = _values(file, item, index)
                np.save(out / f"values-{place}.npy", values, allow_pickle=False)
                np.save(out / f"real-{place}.npy", _real(file, item, index), allow_pickle=False)
        verbatim = {path: _hash(value) for path, value in file.metadata.verbatim.items()}
    (out / "info.json").write_text(
        json.dumps({"integers_sha256": digest.hex(), "verbatim": verbatim})
    )


def _blended(file: FileContents, item: DecodableItem, index: int) -> TiledDecoder | None:
    """The field of a tile, if its tiles share samples."""
    decoder = file.decoders[item.header.components[index].name]
    shares = any(tile.header.overlap for tile in decoder.items)
    return decoder if shares and isinstance(decoder, TiledDecoder) else None


def _values(file: FileContents, item: DecodableItem, index: int) -> np.ndarray:
    blended = _blended(file, item, index)
    if blended is None:
        return ComponentDecoder(item, index)[...]
    header = item.header
    return blended[tuple(slice(a, a + n) for a, n in zip(header.origin, header.shape, strict=True))]


def _real(file: FileContents, item: DecodableItem, index: int) -> np.ndarray:
    shape = item.header.shape
    blended = _blended(file, item, index)
    if blended is not None:
        start = item.header.origin
        return blended.blended([np.arange(a, a + n) for a, n in zip(start, shape, strict=True)], 1)
    real = np.empty(shape)
    component = item.header.components[index]

    def store(window, normalised):
        real[window] = denormalise(normalised[index], component.offset, component.scale)

    evaluate_blocks(item.evaluator, [np.arange(size) for size in shape], 1, store)
    if item.residuals is not None:
        real += item.header.residual_steps[index] * item.residuals[index]
    return real


def _hash(value: VerbatimValue) -> str:
    digest = hashlib.sha256()
    if isinstance(value, list):
        for text in value:
            encoded = text.encode()
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
    else:
        digest.update(value.astype(value.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _answer(source: str, directory: str) -> tuple[str, int, str]:
    try:
        decode(source, directory)
    except codec.FormatError as error:
        status, code = next(row[1:] for row in _STATUS if isinstance(error, row[0]))
        return status, code, str(error)
    return "ok", 0, ""


def main() -> int:
    """`decode IN OUTDIR`, or `batch`."""
    if sys.argv[1:2] != ["batch"]:
        status, code, message = _answer(*sys.argv[2:4])
        if code:
            sys.stderr.write(f"{status}: {message}\n")
        return code
    for line in sys.stdin:
        request = json.loads(line)
        status, _, message = _answer(request["input"], request["outdir"])
        answer = {"id": request["id"], "status": status, "error": message}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
