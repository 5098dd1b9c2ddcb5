"""Runs one operation again and again, killed at its first, second, third ... step that writes.

python killed.py FOLDER OPERATION

Every run is a process of its own (a fork, which starts quickly). Afterwards the same operation runs
to its end. What was found is printed as JSON, one object per step: the state of the target after
the kill ("old", "new", "absent" or "mixed"), and what lies in the folder after the next run.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib
import io
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
from PIL import Image

import codec

# Calls of Python that change what is on the disk, or come just before or after it.
CALLS = ("write", "replace", "rename", "fsync", "open", "mkdir", "unlink", "rmdir", "chmod",
         "posix_fallocate")  # fmt: skip
FAST: dict[str, Any] = {"threads": 1, "device": "cpu"}


class Steps:
    """Counts the calls above, and kills the process at one of them."""

    def __init__(self, deadly: int) -> None:
        self.count = 0
        self._deadly = deadly

    def step(self) -> None:
        self.count += 1
        if self.count == self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            self.step()
            return call(*arguments, **options)

        return wrapped

    def opened(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            stream = call(file, mode, *arguments, **options)
            if not set(mode) & set("wax+"):
                return stream
            self.step()
            return WrittenFile(stream, self)

        return wrapped

    def install(self) -> None:
        for name in CALLS:
            setattr(os, name, self.counted(getattr(os, name)))
        io.open = builtins.open = self.opened(builtins.open)


class WrittenFile:
    """A file whose writes are counted; the first half of each is on the disk before it counts."""

    def __init__(self, stream: Any, steps: Steps) -> None:
        self._stream = stream
        self._steps = steps

    def write(self, data: Any) -> Any:
        half = len(data) // 2
        done = self._stream.write(data[:half])
        self._stream.flush()
        self._steps.step()
        return done + self._stream.write(data[half:])

    def __enter__(self) -> WrittenFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stream.close()

    def __iter__(self) -> Any:
        return iter(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def encode(folder: Path, source: str, target: str, **options: Any) -> None:
    chosen = {"effort": 0, "psnr": 30, "overwrite": True}
    codec.encode(folder / source, folder / target, **(chosen | options | FAST))


def decode(folder: Path, source: str, target: str) -> None:
    codec.decode(folder / source, folder / target, overwrite=True, **FAST)


OPERATIONS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "encode": ("t.inrc", lambda f: encode(f, "new.npy", "t.inrc")),
    "encode-tiles": (
        "t.inrc",
        # Not with `overwrite`, which would drop the journal as well.
        lambda f: encode(f, "new.npy", "t.inrc", tile=(8, 16), overwrite=False),
    ),
    "decode-npy": ("t.npy", lambda f: decode(f, "new.inrc", "t.npy")),
    "decode-nc": ("t.nc", lambda f: decode(f, "new.inrc", "t.nc")),
    "decode-png": ("t.png", lambda f: decode(f, "image.inrc", "t.png")),
    "decode-zarr": ("t.zarr", lambda f: decode(f, "new.inrc", "t.zarr")),
    "append": (
        "t.inrc",
        lambda f: codec.append(f / "t.inrc", f / "new.npy", dim="0", psnr=30, effort=0, **FAST),
    ),
    "transcode": (
        "t.inrc",
        lambda f: codec.transcode(f / "new.inrc", f / "t.inrc", overwrite=True, threads=1),
    ),
    "repair": (
        "t.inrc",
        lambda f: codec.repair(f / "damaged.inrc", f / "t.inrc", overwrite=True),
    ),
}


def prepare(folder: Path) -> None:
    """Inputs, and old targets, of constant fields: what is fitted does not matter here."""
    np.save(folder / "old.npy", np.full((16, 32), 1.5, np.float32))
    new = np.full((16, 32), 2.5, np.float32)
    new[3:5] = np.nan
    np.save(folder / "new.npy", new)
    Image.fromarray(np.full((16, 32), 7, np.uint8)).save(folder / "image.png")
    Image.fromarray(np.full((16, 32), 8, np.uint8)).save(folder / "t.png")
    encode(folder, "image.png", "image.inrc")
    encode(folder, "new.npy", "new.inrc", tile=(8, 16))
    encode(folder, "old.npy", "t.inrc")
    for target in ("t.npy", "t.nc"):
        decode(folder, "t.inrc", target)
    data = bytearray((folder / "new.inrc").read_bytes())
    data[data.rindex(b"ITEM") + 12] ^= 1
    (folder / "damaged.inrc").write_bytes(data)


def state(path: Path) -> str:
    """What a target holds; times of decoding do not count."""
    if not path.exists():
        return "absent"
    if path.suffix == ".nc":
        try:
            with netCDF4.Dataset(path) as file:
                return hashlib.sha256(next(iter(file.variables.values()))[:].tobytes()).hexdigest()
        except OSError:
            return "unreadable"
    digest = hashlib.sha256()
    for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
        digest.update(str(one.relative_to(path)).encode())
        if one.is_file() and one.suffix != ".json":
            digest.update(one.read_bytes())
    return digest.hexdigest()


def forked(action: Callable[[], None]) -> int:
    """The wait status of a process that does this and nothing else."""
    sys.stdout.flush()
    process = os.fork()
    if process == 0:
        try:
            action()
        except BaseException as error:  # noqa: BLE001 - a fork must not go on as its parent
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    return os.waitpid(process, 0)[1]


def repeated(folder: Path, name: str, *, done: bool) -> str:
    """The same again; what cannot be done twice in another way. Returns what it complains of."""
    _, operation = OPERATIONS[name]
    if done and name == "append":
        operation = OPERATIONS["encode"][1]
    try:
        if name == "decode-zarr":
            # Zarr starts a thread, which forks would not have.
            return "failed" if forked(lambda: operation(folder)) else ""
        operation(folder)
    except codec.InrcError as error:
        return "" if done and "exists already" in str(error) else str(error)
    return ""


def main(root: Path, name: str) -> None:
    target, operation = OPERATIONS[name]
    ready = root / "ready"
    ready.mkdir()
    # Here and not in a fork, so that all modules are imported once.
    prepare(ready)
    importlib.import_module("zarr" if name == "decode-zarr" else "codec")
    if name == "encode-tiles":
        (ready / target).unlink()
    if name == "decode-zarr":
        # A store that is already there, with other values.
        forked(lambda: decode(ready, "t.inrc", target))
    old = state(ready / target)

    def fresh() -> Path:
        folder = root / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(ready, folder)
        # An input that changed is another run.
        for one in ready.iterdir():
            shutil.copystat(one, folder / one.name)
        return folder

    def run(folder: Path, deadly: int, counted: Path | None = None) -> None:
        steps = Steps(deadly)
        steps.install()
        operation(folder)
        if counted is not None:
            counted.write_text(str(steps.count))

    folder = fresh()
    expected = {*os.listdir(folder), target}
    assert forked(lambda: run(folder, 0, root / "count")) == 0
    new = state(folder / target)
    total = int((root / "count").read_text())
    for deadly in range(1, total + 1):
        folder = fresh()
        killed = os.WTERMSIG(forked(partial(run, folder, deadly))) == signal.SIGKILL
        after = state(folder / target)
        named = {old: "old", new: "new", "absent": "absent"}.get(after, "mixed")
        again = repeated(folder, name, done=named == "new")
        found = {
            "step": deadly,
            "killed": killed,
            "target": named,
            "again": again,
            "then": "new" if state(folder / target) == new else "other",
            "left": sorted(set(os.listdir(folder)) - expected),
        }
        print(json.dumps(found), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
