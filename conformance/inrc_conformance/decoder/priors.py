"""Priors (`priors.md`): their files, and the folders where this decoder looks for them."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import cbor
from .errors import DecodeError, Malformed, Unsupported
from .limits import DEFAULT_LIMITS, require
from .numbers import Reader
from .values import Float32Array

SIGNATURE = bytes.fromhex("89494E500D0A1A0A")
VARIABLE = "INRC_PRIORS"
SUFFIX = ".inrcprior"
NAME_SIZE = 16
_DTYPES = {6: "<f2", 7: "<f4"}
_KEYS = 6
_RATE_KINDS = ("static", "global", "per-step", "per-parameter", "per-parameter-per-step")


@dataclass(frozen=True)
class Kind:
    """Properties that a prior shares with the items that name it."""

    architecture: int
    version: int
    config: dict[int | str, cbor.Value]
    axes: int
    components: int


@dataclass(frozen=True)
class Prior:
    """The numbers of a prior."""

    dtype: str
    data: bytes

    def tensors(self, shapes: Sequence[tuple[int, ...]]) -> list[Float32Array]:
        """Cut the numbers into tensors of some shapes (PRIOR-3)."""
        counts = [math.prod(shape) for shape in shapes]
        if len(self.data) != sum(counts) * int(self.dtype[-1]):
            raise Malformed("PRIOR-3: not as many bytes as the tensors ask for")
        numbers = np.frombuffer(self.data, self.dtype).astype(np.float32)
        if not np.isfinite(numbers).all():
            raise Malformed("PRIOR-3: a number is not finite")
        parts = np.split(numbers, np.cumsum(counts)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def name_of(core: bytes) -> bytes:
    """Return the name of a prior (PRIOR-4)."""
    return hashlib.sha256(core).digest()[:NAME_SIZE]


def find_prior(name: bytes, check: Callable[[Kind], None]) -> Prior:
    """Return the prior of a name; a refusal of it counts only when there is no sound one.

    `check` refuses a prior of another kind before anything else in its core is looked at (PRIOR-4).
    """
    refusal: DecodeError = Unsupported(f"SIREN-3: there is no prior {name.hex()}")
    for path in _files():
        require(path.stat().st_size, DEFAULT_LIMITS.payload_bytes, "bytes of a prior")
        data = path.read_bytes()
        try:
            if name_of(_Frame(data).core) == name:
                return parse_prior(data, check)
        except DecodeError as error:
            if name_of(_core_or_nothing(data)) == name:
                refusal = error
    raise refusal


def parse_prior(data: bytes, check: Callable[[Kind], None]) -> Prior:
    """Check a whole file (PRIOR-1, PRIOR-2, PRIOR-5) but for the number of its bytes."""
    frame = _Frame(data)
    if hashlib.sha256(data[: frame.signed]).digest() != frame.digest:
        raise Malformed("PRIOR-1: the digest differs")
    prior = _core(cbor.parse(frame.core, DEFAULT_LIMITS.cbor_items), check)
    _check_ancillary(cbor.parse(frame.ancillary, DEFAULT_LIMITS.cbor_items), prior)
    return prior


class _Frame:
    """The parts of a file, its digest not yet compared."""

    def __init__(self, data: bytes) -> None:
        reader = Reader(data)
        if reader.take(len(SIGNATURE)) != SIGNATURE:
            raise Malformed("PRIOR-1: no signature")
        version = reader.u8()
        if version != 1:
            raise Unsupported(f"PRIOR-1: version {version}")
        self.core = reader.take(reader.uleb())
        self.ancillary = reader.take(reader.uleb())
        self.signed = reader.position
        self.digest = reader.take(32)
        reader.end("a prior (PRIOR-1)")


def _core_or_nothing(data: bytes) -> bytes:
    """Return the core of a file that may be damaged behind it."""
    reader = Reader(data, len(SIGNATURE) + 1)
    try:
        return reader.take(reader.uleb())
    except DecodeError:
        return b""


def _files() -> Iterator[Path]:
    """Return the files of all folders."""
    for folder in os.environ.get(VARIABLE, "").split(os.pathsep):
        if folder:
            yield from sorted(Path(folder).glob(f"*{SUFFIX}"))


def _core(value: cbor.Value, check: Callable[[Kind], None]) -> Prior:
    """Check the map of the core (PRIOR-2, PRIOR-4)."""
    core = cbor.as_map(value, "PRIOR-2: core")
    if any(key not in core for key in range(_KEYS)):
        raise Malformed("PRIOR-2: a key of the core is missing")
    check(_kind(core))
    if len(core) != _KEYS:
        raise Unsupported("PRIOR-2: another key in the core")
    dtype = _DTYPES.get(cbor.as_uint(core[4], "PRIOR-2: dtype"))
    if dtype is None:
        raise Malformed("PRIOR-2: dtype is not 6 or 7")
    if not isinstance(core[5], bytes):
        raise Malformed("PRIOR-2: the tensors are not a byte string")
    return Prior(dtype, core[5])


def _kind(core: dict[int | str, cbor.Value]) -> Kind:
    """Return keys 0 to 3 of the core."""
    model = cbor.as_list(core[0], "PRIOR-2: architecture")
    if len(model) != 2:
        raise Malformed("PRIOR-2: an architecture has two entries")
    return Kind(
        cbor.as_uint(model[0], "PRIOR-2: architecture"),
        cbor.as_uint(model[1], "PRIOR-2: version"),
        cbor.as_map(core[1], "PRIOR-2: config"),
        _counted(core[2], 4, "axes"),
        _counted(core[3], 4096, "components"),
    )


def _counted(value: cbor.Value, most: int, what: str) -> int:
    number = cbor.as_uint(value, f"PRIOR-2: the number of {what}")
    if not 1 <= number <= most:
        raise Malformed(f"PRIOR-2: {what} are not 1 to {most}")
    return number


def _check_ancillary(value: cbor.Value, prior: Prior) -> None:
    """Check the learnt rates (PRIOR-5)."""
    ancillary = cbor.as_map(value, "PRIOR-2: ancillary")
    there = [key for key in range(4) if key in ancillary]
    if 4 in ancillary:
        cbor.as_text(ancillary[4], "PRIOR-5: what it was trained on")
    if not there:
        return
    if len(there) != 4:
        raise Malformed("PRIOR-5: keys 0 to 3 do not occur together")
    kind = cbor.as_text(ancillary[0], "PRIOR-5: the kind of rates")
    if kind not in _RATE_KINDS:
        raise Malformed("PRIOR-5: an unknown kind of rates")
    steps = cbor.as_uint(ancillary[1], "PRIOR-5: inner steps")
    if not 1 <= steps <= 64:
        raise Malformed("PRIOR-5: inner steps are not 1 to 64")
    dtype = _DTYPES.get(cbor.as_uint(ancillary[2], "PRIOR-5: dtype"))
    rates = ancillary[3]
    if dtype is None or not isinstance(rates, bytes):
        raise Malformed("PRIOR-5: rates of another type")
    entries = len(prior.data) // int(prior.dtype[-1])
    count = (1, 1, steps, entries, entries * steps)[_RATE_KINDS.index(kind)]
    if len(rates) != count * int(dtype[-1]):
        raise Malformed("PRIOR-5: not as many rates as the kind asks for")
