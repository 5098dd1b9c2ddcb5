"""WebP through libwebp, lossy, slowest method. It has 4:2:0 only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codec.arrays import Array

from . import pillow
from .peer import Kind, Setting

_QUALITIES = (0, 1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 78, 85, 90, 95, 100)


@dataclass(frozen=True)
class Webp:
    """Method 6."""

    name: str = "WebP"
    kind: Kind = "image"
    how: str = "lossy, method 6 (4:2:0, it has no other)"

    def available(self) -> str | None:
        return pillow.missing("webp")

    def version(self) -> str:
        return pillow.described("webp")

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        for quality in _QUALITIES:
            yield Setting("quality", quality)

    def encode(self, values: Array, setting: Setting) -> bytes:
        return pillow.encoded(values, "WEBP", quality=int(setting.value), method=6)

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        return pillow.decoded(data)
