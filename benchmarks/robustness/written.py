"""Part 5: files with hostile metadata, decoded to files of their own medium and of another."""

from __future__ import annotations

import resource
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from measuring.peak_memory import PeakMemory

import codec
from codec.media import formats
from robustness.container import take_apart
from robustness.damage import count
from robustness.reading import SMALL, Outcome, outcome_of, quietly
from robustness.tally import Tally
from robustness.tree_mutations import ELSEWHERE, hostile
from robustness.written_sources import SUFFIXES, Source

# A field of these sources has kilobytes: what costs more than this was steered by metadata.
SECONDS, BYTES, WRITTEN, FILES = 5.0, 256 << 20, 64 << 20, 10_000
# A process that asks for more is refused, for the sake of the others on the machine.
_ADDRESSES = 16 << 30


@dataclass(frozen=True)
class Written:
    """Cases of hostile files, decoded twice each; the number of a case and the seed make it.

    Attributes:
        sources: files to change.
        seed: seed of all choices.
    """

    sources: tuple[Source, ...]
    seed: int = 1
    patience: float = 60.0

    def prepare(self) -> None:
        quietly()
        resource.setrlimit(resource.RLIMIT_AS, (_ADDRESSES, _ADDRESSES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))

    def make(self, number: int) -> tuple[Source, bytes, list[tuple[str, dict[str, Any]]]]:
        """The source, the hostile file, and (suffix, options) of its two decodings."""
        random = Random(f"{self.seed}:{number}")  # noqa: S311 (not for secrets)
        source = random.choice(self.sources)
        data = hostile(random, take_apart(source.data)).digested().to_bytes()
        options: dict[str, Any] = {}
        if len(source.fields) > 1 and random.random() < 0.5:
            options["var"] = random.choice(source.fields)
        if random.random() < 0.15:
            options["region"] = {"0": slice(0, 2)}
        other = random.choice([*SUFFIXES.values(), ".nii.gz", ".jpg", ".ply", ".glb"])
        return source, data, [(source.suffix, options), (other, options)]

    def try_case(self, number: int) -> Tally:
        """One hostile file."""
        source, data, decodings = self.make(number)
        tally = Tally()
        for suffix, options in decodings:
            name = f"case {number} of {source.name} as {suffix}"
            _try(tally, name, data, suffix, options)
        return tally


def _try(tally: Tally, name: str, data: bytes, suffix: str, options: dict[str, Any]) -> None:
    memory = PeakMemory()
    with tempfile.TemporaryDirectory(prefix="inrc-written-") as root:
        place = _Place(Path(root))
        before = place.surroundings()
        source = place.folder.parent / "a.inrc"
        source.write_bytes(data)
        memory.start()
        outcome = decoded(source, place.folder / f"target{suffix}", options)
        growth = memory.growth
        source.unlink()
        count(tally, name, outcome)
        tally.bytes = max(tally.bytes, (growth, name))
        complaints = place.complaints(before, written=outcome.accepted)
        if outcome.seconds > SECONDS:
            complaints.append(f"{outcome.seconds:.1f} s")
        if growth > BYTES:
            complaints.append(f"{growth >> 20} MiB of memory")
        tally.wrong += [f"{name}: {complaint}" for complaint in complaints]
        tally.written.update([suffix] if outcome.accepted else [])


def decoded(source: Path, target: Path, options: dict[str, Any]) -> Outcome:
    """Outcome of decoding a file; a crash of a native library ends the process."""
    if formats.is_mesh(target):
        options = {**options, "resolution": 16}

    def act() -> Outcome:
        codec.decode(source, target, device="cpu", threads=1, limits=SMALL, **options)
        return Outcome()

    return outcome_of(act)


class _Place:
    """A folder for a target, deep in others, beside which lies a store that is not to be touched.

    Attributes:
        folder: folder of the target.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.folder = root / "b" / "c" / "out"
        self.folder.mkdir(parents=True)
        _bystander(self.folder / "bystander.zarr")
        _bystander(self.folder.parent / "bystander.zarr")

    def surroundings(self) -> dict[Path, bytes]:
        """All files but the target."""
        return {
            path: path.read_bytes()
            for path in [*self._root.rglob("*"), *Path(ELSEWHERE).rglob("*")]
            if not path.is_relative_to(self.folder) or "bystander" in str(path)
            if path.is_file()
        }

    def complaints(self, before: dict[Path, bytes], *, written: bool) -> list[str]:
        """Complaints about the files that are there now."""
        complaints = []
        after = self.surroundings()
        if after != before:
            changed = [path for path in {*before, *after} if before.get(path) != after.get(path)]
            complaints.append(f"written outside of the target: {changed[0]}")
            shutil.rmtree(ELSEWHERE, ignore_errors=True)
        targets = [path for path in self.folder.iterdir() if path.name != "bystander.zarr"]
        if len(targets) != written:
            complaints.append(f"partial output: {[path.name for path in targets]}")
        files = [path for target in targets for path in (target, *target.rglob("*"))]
        size = sum(path.stat().st_size for path in files)
        if size > WRITTEN or len(files) > FILES:
            complaints.append(f"{len(files)} files of {size} bytes")
        return complaints


@cache
def _store() -> dict[str, bytes]:
    """The files of a store of one array."""
    import zarr

    with tempfile.TemporaryDirectory() as name:
        root = zarr.open_group(name, mode="w", zarr_format=3)
        root.create_array("v", shape=(4, 9, 16), dtype="f4")[...] = np.ones((4, 9, 16))
        files = [path for path in Path(name).rglob("*") if path.is_file()]
        return {str(path.relative_to(name)): path.read_bytes() for path in files}


def _bystander(path: Path) -> None:
    """A store that a path in a hostile store may try to reach."""
    for name, data in _store().items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
