"""Options that a caller may give the encoder."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import fields as attributes_of
from typing import TYPE_CHECKING, Any

from codec.errors import InvalidOptionError
from codec.options.defaults import AUTO, EFFORT, PRUNER, QUANTISER, SCHEDULER, SDF
from codec.options.defaults import SIGNED as SIGNED
from codec.options.defaults import THREADS as THREADS
from codec.options.plugin_settings import Texts, texts_of

if TYPE_CHECKING:
    from codec.options.raw_layout import RawLayout

MAX_EFFORT = 9
DEVICES = (AUTO, "cpu", "cuda")
# Values of `EncodeOptions.tile` besides sizes, and of `scheduler` besides addresses.
AUTOMATIC_TILE = AUTO
WHOLE = "none"
PROCESSES = "processes"
# Distances of shapes: with a side, without, or with one where the mesh encloses something.
UNSIGNED = "unsigned"
SDFS = (AUTO, SIGNED, UNSIGNED)
CODERS = (AUTO, "raw", "ans", "range", "zstd", "brotli")
# Words of the command line and of the public functions, and what they are called here.
_ATTRIBUTES = {"arch": "architecture", "prune": "pruner", "quantise": "quantiser", "var": "select"}


@dataclass(frozen=True)
class Goal:
    """The target of rate control; at most one is set: none means the default of what is encoded.

    Attributes:
        psnr: minimum PSNR in dB of every field (peak = the field's own range).
        ratio: bytes of the fitted fields in their stored dtype, divided by the file's bytes, at
            least.
        bytes: file size, at most.
        max_error: greatest difference of any valid sample, in the field's unit; 0 is lossless.
        rel_error: greatest difference as a share of each field's own range.
    """

    psnr: float | None = None
    ratio: float | None = None
    bytes: int | None = None
    max_error: float | None = None
    rel_error: float | None = None

    @classmethod
    def choose(
        cls,
        psnr: float | None = None,
        ratio: float | None = None,
        size: int | None = None,
        max_error: float | None = None,
        rel_error: float | None = None,
    ) -> Goal:
        """The goal asked for.

        Raises:
            InvalidOptionError: more than one target, or one that makes no sense.
        """
        given = {
            "psnr": psnr,
            "ratio": ratio,
            "bytes": size,
            "max-error": max_error,
            "rel-error": rel_error,
        }
        named = [name for name, value in given.items() if value is not None]
        if len(named) > 1:
            raise InvalidOptionError(f"{' and '.join(named)} contradict each other; give one")
        if psnr is not None and not (math.isfinite(psnr) and psnr > 0):
            raise InvalidOptionError(f"psnr {psnr:g}: the target is a positive number of dB")
        if ratio is not None and not (math.isfinite(ratio) and ratio > 0):
            raise InvalidOptionError(f"ratio {ratio:g}: the target is a positive number, say 100")
        if size is not None and size <= 0:
            raise InvalidOptionError(f"bytes {size}: the target is a positive number of bytes")
        if max_error is not None and not (math.isfinite(max_error) and max_error >= 0):
            raise InvalidOptionError(
                f"max-error {max_error:g}: the target is a difference, 0 for lossless"
            )
        if rel_error is not None and not 0 <= rel_error < 1:
            raise InvalidOptionError(f"rel-error {rel_error:g}: the target is a share, say 0.001")
        return cls(psnr, ratio, size, max_error, rel_error)

    def or_psnr(self, psnr: float) -> Goal:
        """This goal, or a PSNR where none was asked for."""
        return Goal(psnr=psnr) if self == Goal() else self

    @classmethod
    def of(cls, name: str, number: float) -> Goal:
        """The inverse of `named`."""
        given: dict[str, Any] = {name: number}
        return cls(**given)

    @property
    def named(self) -> tuple[str, float] | None:
        """The one target, as (attribute, number); None where there is none."""
        given = ((entry.name, getattr(self, entry.name)) for entry in attributes_of(self))
        return next(((name, number) for name, number in given if number is not None), None)

    @property
    def bounded(self) -> bool:
        """Whether every sample has to keep a bound."""
        return self.max_error is not None or self.rel_error is not None

    def describe(self) -> str:
        """The target in words: "40 dB", "ratio 200" or "20000 bytes" and the like."""
        if self.psnr is not None:
            return f"{self.psnr:g} dB"
        if self.max_error is not None:
            return f"max-error {self.max_error:g}"
        if self.rel_error is not None:
            return f"rel-error {self.rel_error:g}"
        return f"ratio {self.ratio:g}" if self.ratio is not None else f"{self.bytes} bytes"


@dataclass(frozen=True)
class Progress:
    """One step of work, handed to `EncodeOptions.on_progress` and `decode`'s `on_progress`.

    Attributes:
        field: name of the field worked on (components joined by "+").
        stage: "plan", "transform", "fit", "prune", "quantise", "code", "write", "measure",
            "decode", or for fields in tiles "range", "tile 5 of 512".
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
    """Options of an encode.

    Attributes:
        goal: the target.
        effort: 0 (seconds) to 9 (hours for large fields); what a level costs is the architecture's.
        architecture: name of an architecture plugin, or "auto" (pyramid, for meshes shell).
        pruner: name of a pruner plugin, or "none".
        quantiser: name of a quantiser plugin.
        coder: "auto" or a coder of the entropy layer.
        select: names of the variables to fit, or None for the medium's default.
        joint: groups of variable names that share one model as its components.
        raw: layout of a source that holds samples alone; None for every other source.
        seed: seed of every random choice, 0 to 2^63 - 1; same input, options and seed
            give the same bytes.
        threads: CPU threads, 0 for as many as the process may use. Does not change the result.
        device: "cpu", "cuda", or "auto".
        on_progress: called often; must return quickly.
        tile: "auto" cuts fields of 2^25 samples and more into tiles of 2^18 to 2^21, "none" cuts
            none; or the size of a tile, one number per axis.
        sdf: distances of a mesh: "signed", which it must enclose something for, "unsigned", or
            "auto": signed where it does, else unsigned.
        scheduler: place where tiles are encoded: "threads" of this process, "processes" of this
            machine, or the address of a dask scheduler, "tcp://HOST:PORT". The result is the same.
        settings: settings of the plugins, by full name: (("arch.width", "64"),).
    """

    goal: Goal = Goal()
    effort: int = EFFORT
    architecture: str = AUTO
    pruner: str = PRUNER
    quantiser: str = QUANTISER
    coder: str = AUTO
    select: tuple[str, ...] | None = None
    joint: tuple[tuple[str, ...], ...] = ()
    raw: RawLayout | None = None
    seed: int = 0
    threads: int = 0
    device: str = AUTO
    on_progress: ProgressCallback = ignore_progress
    tile: str | tuple[int, ...] = AUTOMATIC_TILE
    scheduler: str = SCHEDULER
    settings: Texts = ()
    sdf: str = SDF

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", texts_of(self.settings))
        if not 0 <= self.effort <= MAX_EFFORT:
            raise InvalidOptionError(f"effort {self.effort}: choose 0 to {MAX_EFFORT}")
        if self.device not in DEVICES:
            raise InvalidOptionError(f"device {self.device!r}: choose {', '.join(DEVICES)}")
        if self.coder not in CODERS:
            raise InvalidOptionError(f"coder {self.coder!r}: choose {', '.join(CODERS)}")
        if self.sdf not in SDFS:
            raise InvalidOptionError(f"sdf {self.sdf!r}: choose {', '.join(SDFS)}")
        if self.threads < 0:
            raise InvalidOptionError(f"threads {self.threads}: choose 0 (all) or more")
        if not 0 <= self.seed < 2**63:
            raise InvalidOptionError(f"seed {self.seed}: choose 0 to 2**63 - 1")
        if isinstance(self.tile, tuple):
            if not self.tile or min(self.tile) < 1:
                raise InvalidOptionError(f"tile {self.tile}: the sizes are positive numbers")
        elif self.tile not in (AUTOMATIC_TILE, WHOLE):
            raise InvalidOptionError(f"tile {self.tile!r}: choose auto, none, or sizes")
        if self.scheduler not in (THREADS, PROCESSES) and "://" not in self.scheduler:
            raise InvalidOptionError(
                f"scheduler {self.scheduler!r}: choose threads, processes or tcp://HOST:PORT"
            )


def attribute_of(word: str) -> str:
    """The attribute of `EncodeOptions` that users call by this word."""
    return _ATTRIBUTES.get(word, word)


def options_from(
    *,
    psnr: float | None = None,
    ratio: float | None = None,
    bytes: int | None = None,
    max_error: float | None = None,
    rel_error: float | None = None,
    **words: Any,
) -> EncodeOptions:
    """Options in the words of the command line and of the public functions.

    Args:
        psnr, ratio, bytes, max_error, rel_error: the target, as attributes of `Goal`.
        words: attributes of `EncodeOptions`, or arch, prune, quantise and var for four of them.

    Raises:
        InvalidOptionError: more than one target, or an option that makes no sense.
    """
    goal = Goal.choose(psnr, ratio, bytes, max_error, rel_error)
    named = {attribute_of(word): value for word, value in words.items()}
    return EncodeOptions(goal=goal, **named)


def usable_threads(threads: int) -> int:
    """`threads`, or the number of CPUs the process may run on if it is 0."""
    return threads or len(os.sched_getaffinity(0))
