"""JPEG through libjpeg-turbo, progressive, with optimised Huffman tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codec.arrays import Array

from . import pillow
from .peer import Kind, Setting

_QUALITIES = (1, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60, 70, 80, 87, 92, 96)


@dataclass(frozen=True)
class Jpeg:
    """`subsampling` is "4:2:0" or "4:4:4"."""

    subsampling: str
    kind: Kind = "image"

    @property
    def name(self) -> str:
        return f"JPEG {self.subsampling}"

    @property
    def how(self) -> str:
        return f"{self.subsampling}, progressive, optimised Huffman tables"

    def available(self) -> str | None:
        return pillow.missing("jpg")

    def version(self) -> str:
        return pillow.described("libjpeg_turbo")

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        for quality in _QUALITIES:
            yield Setting("quality", quality)

    def encode(self, values: Array, setting: Setting) -> bytes:
        return pillow.encoded(
            values,
            "JPEG",
            quality=int(setting.value),
            subsampling=self.subsampling,
            progressive=True,
            optimize=True,
        )

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        return pillow.decoded(data)
