"""Named arrays that the benchmarks code, from a folder of data or from packages."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from reporting.sections import REPOSITORY

from codec.arrays import Array, BoolArray

_NEXT_TO_US = REPOSITORY.parent / "shared" / "data"


@dataclass(frozen=True)
class Sample:
    """Array that is coded.

    Attributes:
        values: volumes: 2 to 4 axes, slowest first, in the dtype of the source; images: uint8
            (rows, columns, 3).
        valid: False where a sample is missing, or None where none is; `values` is arbitrary there.
    """

    values: Array
    valid: BoolArray | None = None


@dataclass(frozen=True)
class Source:
    """Sample that is read from `origin`, a path under the data folder or a package's name."""

    name: str
    origin: str
    read: Callable[[Path], Sample]
    package: bool = False


def data_folder(given: Path | None) -> Path | None:
    """The folder of --data, else of INRC_DATA, else one that happens to lie beside the project.

    Raises:
        SystemExit: the folder that was asked for does not exist.
    """
    named = given or (Path(os.environ["INRC_DATA"]) if "INRC_DATA" in os.environ else None)
    if named is not None and not named.is_dir():
        sys.exit(f"no such folder: {named}")
    return named or (_NEXT_TO_US if _NEXT_TO_US.is_dir() else None)


def load_all(
    sources: Sequence[Source], folder: Path | None, only: Sequence[str] | None
) -> Iterator[tuple[Source, Sample]]:
    """The sources one by one; what cannot be had is named on stderr.

    Raises:
        SystemExit: `only` names something unknown.
    """
    unknown = set(only or ()) - {source.name for source in sources}
    if unknown:
        known = ", ".join(source.name for source in sources)
        sys.exit(f"no such source: {', '.join(sorted(unknown))}; there are {known}")
    for source in sources:
        if only and source.name not in only:
            continue
        reason = missing(source, folder)
        if reason:
            print(f"SKIPPED: {source.name}: {reason}", file=sys.stderr)
            continue
        yield source, read(source, folder)


def read(source: Source, folder: Path | None) -> Sample:
    """The sample of a source that is not missing."""
    return source.read(Path() if folder is None else folder / source.origin)


def missing(source: Source, folder: Path | None) -> str | None:
    """Reason why a source cannot be read, or None."""
    if source.package:
        return None if find_spec(source.origin) else f"no package {source.origin}"
    if folder is None:
        return "no folder of data; give --data or set INRC_DATA"
    return (
        None if (folder / source.origin).exists() else f"the folder of data has no {source.origin}"
    )
