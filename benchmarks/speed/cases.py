"""Fields whose speed is measured: real ones, and made ones where there is no real one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sources.source import Sample, Source, missing, read
from sources.synthetic import ocean, turbulence
from sources.volumes import SOURCES

_REAL = {source.name: source for source in SOURCES}
# A made field needs nothing but NumPy.
_MADE = "numpy"


@dataclass(frozen=True)
class Case:
    """Field of a kind, and what stands in for it.

    Attributes:
        name: name for `--only`.
        sources: sources from the best to the last resort; the first that is there is measured.
    """

    name: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Field:
    """Sample of a case, in float32 whatever the dtype of its source, as peers know no integers."""

    case: str
    source: str
    sample: Sample


CASES = (
    Case(
        "volume-256",
        (_REAL["rm_t20_256"], Source("made-256", _MADE, turbulence(256, 256, 256), package=True)),
    ),
    Case(
        "volume-91",
        (_REAL["turb_wmag91"], Source("made-91", _MADE, turbulence(91, 91, 91), package=True)),
    ),
    Case(
        "field-4d",
        (
            _REAL["isabel_wind_6t"],
            Source("made-4d", _MADE, turbulence(6, 25, 125, 125), package=True),
        ),
    ),
    Case(
        "ocean",
        (
            _REAL["levitus_temp"],
            _REAL["iris_ostia"],
            Source("made-ocean", _MADE, ocean(20, 180, 360), package=True),
        ),
    ),
)
SMALL_CASES = (
    Case("quick", (Source("made-32", _MADE, turbulence(32, 32, 32), package=True),)),
    Case("quick-4d", (Source("made-4d-small", _MADE, turbulence(3, 8, 16, 16), package=True),)),
    Case("quick-ocean", (Source("made-ocean-small", _MADE, ocean(4, 24, 40), package=True),)),
)
QUICK = SMALL_CASES[0]


def choose_cases(names: Sequence[str] | None) -> list[Case]:
    """The cases of these names, or all but the small ones if None.

    Raises:
        SystemExit: no case has such a name.
    """
    known = {case.name: case for case in (*CASES, *SMALL_CASES)}
    unknown = set(names or ()) - set(known)
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return list(CASES) if names is None else [known[name] for name in names]


def load(cases: Sequence[Case], folder: Path | None) -> Iterator[Field]:
    """The fields one by one; sources that cannot be had are named on stderr with their stand-in."""
    for case in cases:
        for source in case.sources:
            reason = missing(source, folder)
            if reason is None:
                yield Field(case.name, source.name, _as_float32(read(source, folder)))
                break
            print(f"SKIPPED: {case.name}: {source.name}: {reason}", file=sys.stderr)


def _as_float32(sample: Sample) -> Sample:
    return Sample(np.ascontiguousarray(sample.values, np.float32), sample.valid)
