"""A conformance case in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..builders.file import File
from ..runner.suite import FOLDERS, INVALID


@dataclass(frozen=True)
class Case:
    """One file and what a decoder has to answer."""

    topic: str
    name: str
    data: bytes
    spec: tuple[str, ...]
    expect: str = "ok"
    tags: tuple[str, ...] = ()
    level: int = 1
    priors: tuple[tuple[str, bytes], ...] = ()
    """Names and bytes of files that a decoder is given."""
    accept: tuple[str, ...] = ()
    """Other outcomes that the text leaves open."""
    invalid: bool = False
    """True for a file that breaks a rule although decoders need not refuse it."""

    @property
    def id(self) -> str:
        """The folder of the case inside the suite."""
        folder = INVALID if self.invalid else FOLDERS[self.expect]
        return f"{folder}/{self.topic}/{self.name}"


def case(
    topic: str,
    name: str,
    file: File | bytes,
    spec: str,
    expect: str = "ok",
    tags: str = "",
    level: int = 1,
) -> Case:
    """Return a case; `spec` and `tags` are separated by blanks."""
    data = file if isinstance(file, bytes) else file.build()
    return Case(topic, name, data, tuple(spec.split()), expect, tuple(tags.split()), level)


def cases_of(
    topic: str,
    files: Mapping[str, tuple[File | bytes, str]],
    expect: str = "ok",
    prefix: str = "",
    tags: str = "",
) -> list[Case]:
    """Return a case for each name, with its file and its ids; all names begin with the prefix."""
    return [
        case(topic, prefix + name, file, spec, expect, tags) for name, (file, spec) in files.items()
    ]
