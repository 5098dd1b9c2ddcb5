"""JPEG 2000 through OpenJPEG: 9/7 wavelet, irreversible colour transform, bare codestream."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codec.arrays import Array

from . import pillow
from .peer import Kind, Setting

_BITS_PER_PIXEL = (0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1, 1.25, 1.5,
                   1.75, 2, 2.5, 3, 4, 5)  # fmt: skip


@dataclass(frozen=True)
class Jpeg2000:
    """One layer at a requested size, which is its best mode at equal size per image."""

    name: str = "JPEG 2000"
    kind: Kind = "image"
    how: str = "9/7 + ICT, 4:4:4, one layer, size requested, codestream without container"

    def available(self) -> str | None:
        return pillow.missing("jpg_2000")

    def version(self) -> str:
        return pillow.described("jpg_2000")

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        for bits in _BITS_PER_PIXEL:
            yield Setting("bpp", bits)

    def encode(self, values: Array, setting: Setting) -> bytes:
        return pillow.encoded(
            values,
            "JPEG2000",
            irreversible=True,
            mct=1,
            no_jp2=True,
            quality_mode="rates",
            quality_layers=[24 / setting.value],
        )

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        return pillow.decoded(data)
