"""AVIF through libavif and aom, 8 bits.

libavif's default tuning is perceptual ("iq") and costs 10 to 14 % of rate at equal PSNR, so the
variants tuned for PSNR are the fair comparison, and the default is what most files are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codec.arrays import Array

from . import pillow
from .peer import Kind, Setting

_QUALITIES = (0, 2, 5, 9, 14, 19, 24, 30, 37, 44, 51, 58, 66, 74, 82, 90, 96)


@dataclass(frozen=True)
class Avif:
    """`speed` None is Pillow's default: 4:2:0, speed 6, tuned for perception."""

    speed: int | None = None
    kind: Kind = "image"

    @property
    def name(self) -> str:
        return "AVIF default" if self.speed is None else f"AVIF s{self.speed} psnr"

    @property
    def how(self) -> str:
        if self.speed is None:
            return "Pillow's defaults: 4:2:0, speed 6, tune=iq"
        return f"4:4:4, speed {self.speed}, tune=psnr"

    def available(self) -> str | None:
        return pillow.missing("avif")

    def version(self) -> str:
        return pillow.described("avif")

    def settings(self, values: Array, targets: Sequence[float]) -> Iterator[Setting]:
        for quality in _QUALITIES:
            yield Setting("quality", quality)

    def encode(self, values: Array, setting: Setting) -> bytes:
        quality = int(setting.value)
        if self.speed is None:
            return pillow.encoded(values, "AVIF", quality=quality, max_threads=1)
        return pillow.encoded(
            values,
            "AVIF",
            quality=quality,
            max_threads=1,
            speed=self.speed,
            subsampling="4:4:4",
            advanced={"tune": "psnr"},
        )

    def decode(self, data: bytes, shape: tuple[int, ...], setting: Setting) -> Array:
        return pillow.decoded(data)
