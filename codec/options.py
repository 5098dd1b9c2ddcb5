"""What a caller may ask of the encoder."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass

from codec.errors import InvalidOptionError

DEFAULT_PSNR = 40.0
MAX_EFFORT = 9
# What "auto" stands for, as an architecture.
AUTO, FOR_ARRAYS, FOR_SHAPES = "auto", "pyramid", "shell"
DEVICES = ("auto", "cpu", "cuda")
CODERS = ("auto", "raw", "ans", "range", "zstd", "brotli")


@dataclass(frozen=True)
class Goal:
    """The target of rate control; exactly one of the three is set.

    Attributes:
        psnr: at least so many dB in every field (peak = the field's own range).
        ratio: bytes of the fitted fields in their stored dtype, divided by the file's bytes, at
            least.
        bytes: file size, at most.
    """

    psnr: float | None = None
    ratio: float | None = None
    bytes: int | None = None

    @classmethod
    def choose(
        cls, psnr: float | None = None, ratio: float | None = None, size: int | None = None
    ) -> Goal:
        """The goal asked for, `DEFAULT_PSNR` if none is.

        Raises:
            InvalidOptionError: more than one target, or one that makes no sense.
        """
        given = {"psnr": psnr, "ratio": ratio, "bytes": size}
        named = [name for name, value in given.items() if value is not None]
        if len(named) > 1:
            raise InvalidOptionError(f"{' and '.join(named)} contradict each other; give one")
        if psnr is not None and not (math.isfinite(psnr) and psnr > 0):
            raise InvalidOptionError(f"psnr {psnr:g}: the target is a positive number of dB")
        if ratio is not None and not (math.isfinite(ratio) and ratio > 0):
            raise InvalidOptionError(f"ratio {ratio:g}: the target is a positive number, say 100")
        if size is not None and size <= 0:
            raise InvalidOptionError(f"bytes {size}: the target is a positive number of bytes")
        return cls(psnr if named else DEFAULT_PSNR, ratio, size)

    def describe(self) -> str:
        """The target in words: "40 dB", "ratio 200" or "20000 bytes"."""
        if self.psnr is not None:
            return f"{self.psnr:g} dB"
        return f"ratio {self.ratio:g}" if self.ratio is not None else f"{self.bytes} bytes"


@dataclass(frozen=True)
class Progress:
    """One step of work, handed to `EncodeOptions.on_progress` and `decode`'s `on_progress`.

    Attributes:
        field: name of the field worked on (components joined by "+").
        stage: "plan", "transform", "fit", "prune", "quantise", "code", "measure" or "decode".
        fraction: part of all work done so far, 0 to 1, never falling.
        loss: mean squared error in normalised units, or None.
        psnr: estimate in dB, or None.
    """

    field: str
    stage: str
    fraction: float
    loss: float | None = None
    psnr: float | None = None


ProgressCallback = Callable[[Progress], None]


def ignore_progress(progress: Progress) -> None:
    """The callback for callers that do not watch."""


@dataclass(frozen=True)
class EncodeOptions:
    """How to encode.

    Attributes:
        goal: the target.
        effort: 0 (seconds) to 9 (hours for large fields); what a level costs is the architecture's.
        architecture: name of an architecture plugin, or "auto" (pyramid, for meshes shell).
        pruner: name of a pruner plugin, or "none".
        quantiser: name of a quantiser plugin.
        coder: "auto" or a coder of the entropy layer.
        select: names of the variables to fit, or None for the medium's default.
        joint: groups of variable names that share one model as its components.
        seed: of every random choice; same input, options and seed give the same bytes.
        threads: CPU threads, 0 for as many as the process may use. Does not change the result.
        device: "cpu", "cuda", or "auto".
        on_progress: called often; must return quickly.
    """

    goal: Goal = Goal(psnr=DEFAULT_PSNR)
    effort: int = 3
    architecture: str = AUTO
    pruner: str = "binary-mask"
    quantiser: str = "uniform"
    coder: str = "auto"
    select: tuple[str, ...] | None = None
    joint: tuple[tuple[str, ...], ...] = ()
    seed: int = 0
    threads: int = 0
    device: str = "auto"
    on_progress: ProgressCallback = ignore_progress

    def __post_init__(self) -> None:
        if not 0 <= self.effort <= MAX_EFFORT:
            raise InvalidOptionError(f"effort {self.effort}: choose 0 to {MAX_EFFORT}")
        if self.device not in DEVICES:
            raise InvalidOptionError(f"device {self.device!r}: choose {', '.join(DEVICES)}")
        if self.coder not in CODERS:
            raise InvalidOptionError(f"coder {self.coder!r}: choose {', '.join(CODERS)}")
        if self.threads < 0:
            raise InvalidOptionError(f"threads {self.threads}: choose 0 (all) or more")
        if not 0 <= self.seed < 2**63:
            raise InvalidOptionError(f"seed {self.seed}: choose 0 to 2**63 - 1")


def usable_threads(threads: int) -> int:
    """`threads`, or the number of CPUs the process may run on if it is 0."""
    return threads or len(os.sched_getaffinity(0))
