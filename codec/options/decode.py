"""Options that a caller may give the decoder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from codec.errors import InvalidOptionError
from codec.limits import Limits
from codec.options.defaults import AUTO
from codec.options.encode import DEVICES, ProgressCallback, ignore_progress

# Cells of a mesh along the longest axis of its shape.
DEFAULT_RESOLUTION, LEAST_RESOLUTION, MOST_RESOLUTION = 256, 2, 1024


@dataclass(frozen=True)
class DecodeOptions:
    """Options for decoding a file into a file of some medium.

    Attributes:
        select: names of the fields to decode, or None for all.
        region: dim name (or "0", "1" ... by position) -> index or slice in samples of the level.
        level: number of times every axis is halved; 0 for the full resolution.
        resolution: cells along the longest axis of a mesh, 2 to 1024; None where none is named.
        closed: whether a mesh has the holes of the original closed.
        allow_truncated: whether a file that was cut short is decoded, from the levels it holds.
        device: "cpu", "cuda", or "auto".
        threads: CPU threads, 0 for as many as the process may use. Does not change the result.
        limits: most memory and work that the file may ask for.
        overwrite: whether the target may exist already.
        on_progress: called often; must return quickly.

    Raises:
        InvalidOptionError: an option is out of its range.
    """

    select: tuple[str, ...] | None = None
    region: Mapping[str, slice | int] = field(default_factory=dict)
    level: int = 0
    resolution: int | None = None
    closed: bool = False
    allow_truncated: bool = False
    device: str = AUTO
    threads: int = 0
    limits: Limits = field(default_factory=Limits)
    overwrite: bool = False
    on_progress: ProgressCallback = ignore_progress

    def __post_init__(self) -> None:
        if self.level < 0:
            raise InvalidOptionError(f"level {self.level}: choose 0 or more")
        if self.resolution is not None:
            check_resolution(self.resolution)
        if self.device not in DEVICES:
            raise InvalidOptionError(f"device {self.device!r}: choose {', '.join(DEVICES)}")
        if self.threads < 0:
            raise InvalidOptionError(f"threads {self.threads}: choose 0 (all) or more")


def check_resolution(resolution: int) -> None:
    """Refuse a mesh that is too coarse or too fine.

    Raises:
        InvalidOptionError: the number of cells is not 2 to 1024.
    """
    if not LEAST_RESOLUTION <= resolution <= MOST_RESOLUTION:
        raise InvalidOptionError(
            f"resolution {resolution}: choose {LEAST_RESOLUTION} to {MOST_RESOLUTION}"
        )
