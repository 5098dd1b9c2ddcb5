"""Priors: networks that the parameters of items are differences to, in files of their own.

Normative text: format_spec/priors.md.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from codec.arrays import Float32Array
from codec.errors import CorruptError, FormatError, UnsupportedError
from codec.format import cbor
from codec.format.leb128 import decode_uleb, encode_uleb

SIGNATURE = b"\x89INP\r\n\x1a\n"
VERSION = 1
NAME_BYTES = 16
# Layouts of learnt rates: a single rate, one per inner step, one per parameter, or both.
STATIC, GLOBAL, PER_STEP = "static", "global", "per-step"
PER_PARAMETER, PER_PARAMETER_PER_STEP = "per-parameter", "per-parameter-per-step"
RATE_KINDS = (STATIC, GLOBAL, PER_STEP, PER_PARAMETER, PER_PARAMETER_PER_STEP)
MOST_STEPS = 64

_DIGEST_BYTES = 32
_DTYPES: dict[int, np.dtype[Any]] = {6: np.dtype("<f2"), 7: np.dtype("<f4")}
_HALF, _SINGLE = 6, 7
_CORE_KEYS = {0, 1, 2, 3, 4, 5}


@dataclass(frozen=True)
class Rates:
    """Learnt rates of the inner steps.

    Attributes:
        kind: one of RATE_KINDS.
        steps: inner steps.
        values: (n,) float32; see the text for their order.
    """

    kind: str
    steps: int
    values: Float32Array

    def count(self, parameters: int) -> int:
        """Number of rates for a network of so many parameters."""
        steps = self.steps if self.kind in (PER_STEP, PER_PARAMETER_PER_STEP) else 1
        each = parameters if self.kind in (PER_PARAMETER, PER_PARAMETER_PER_STEP) else 1
        return steps * each


@dataclass(frozen=True)
class Prior:
    """One prior.

    Attributes:
        architecture, version: number and version of the architecture that it is for.
        config: configuration of the network, without a prior.
        axes: number of active axes of the items that it is for.
        components: number of components of these items.
        values: (n,) float32, all tensors one after the other; float16 numbers where `half`.
        half: whether the file has float16.
        rates: learnt rates, which encoders use, or None.
        trained_on: words for people about the data that it was trained on.
    """

    architecture: int
    version: int
    config: dict[int, Any]
    axes: int
    components: int
    values: Float32Array
    half: bool = False
    rates: Rates | None = None
    trained_on: str = ""

    @property
    def core(self) -> bytes:
        """The part that decoding needs."""
        dtype = _HALF if self.half else _SINGLE
        return cbor.encode(
            {
                0: [self.architecture, self.version],
                1: self.config,
                2: self.axes,
                3: self.components,
                4: dtype,
                5: self.values.astype(_DTYPES[dtype]).tobytes(),
            }
        )

    @property
    def name(self) -> bytes:
        """The name that items call it by."""
        return hashlib.sha256(self.core).digest()[:NAME_BYTES]

    def to_bytes(self) -> bytes:
        """The file."""
        ancillary: dict[int, Any] = {}
        if self.rates is not None:
            dtype = _HALF if self.half else _SINGLE
            ancillary = {
                0: self.rates.kind,
                1: self.rates.steps,
                2: dtype,
                3: self.rates.values.astype(_DTYPES[dtype]).tobytes(),
            }
        if self.trained_on:
            ancillary[4] = self.trained_on
        core, other_part = self.core, cbor.encode(ancillary)
        body = SIGNATURE + bytes([VERSION])
        body += encode_uleb(len(core)) + core + encode_uleb(len(other_part)) + other_part
        return body + hashlib.sha256(body).digest()

    @classmethod
    def from_bytes(cls, data: bytes) -> Prior:
        """The prior of a file.

        Raises:
            CorruptError, UnsupportedError: the data are no prior, damaged, or of a later version.
        """
        if not data.startswith(SIGNATURE):
            raise CorruptError("not a prior: the signature is missing", offset=0)
        if len(data) <= len(SIGNATURE) + _DIGEST_BYTES:
            raise CorruptError("the prior is cut short", offset=len(data))
        if data[len(SIGNATURE)] != VERSION:
            raise UnsupportedError(f"version {data[len(SIGNATURE)]} of priors is unknown here")
        body, digest = data[:-_DIGEST_BYTES], data[-_DIGEST_BYTES:]
        if hashlib.sha256(body).digest() != digest:
            raise CorruptError("the prior is damaged: its digest differs; fetch it again")
        core, at = _sized(body, len(SIGNATURE) + 1)
        other_part, end = _sized(body, at)
        if end != len(body):
            raise CorruptError("bytes follow the parts of the prior", offset=end)
        return _with_ancillary(_of_core(cbor.decode(core)), cbor.decode(other_part))


def name_in(data: bytes) -> bytes | None:
    """The name of a prior that may be damaged; None if its core cannot be told from its bytes."""
    try:
        core, _ = _sized(data, len(SIGNATURE) + 1)
    except FormatError:
        return None
    return hashlib.sha256(core).digest()[:NAME_BYTES]


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    size, start = decode_uleb(data, at)
    if size > len(data) - start:
        raise CorruptError("a part of the prior is longer than the file", offset=at)
    return data[start : start + size], start + size


def _of_core(core: Any) -> Prior:
    if not isinstance(core, dict) or _CORE_KEYS - core.keys():
        raise CorruptError("the core of the prior lacks a key")
    if unknown := core.keys() - _CORE_KEYS:
        raise UnsupportedError(f"key {min(map(str, unknown))} of a prior's core is unknown here")
    owner, config = core[0], core[1]
    if not isinstance(owner, list) or len(owner) != 2:
        raise CorruptError("the prior does not name an architecture and its version")
    if not isinstance(config, dict) or not all(isinstance(key, int) for key in config):
        raise CorruptError("the prior's config is not a map with whole keys")
    dtype = _whole(core[4], "dtype", _HALF, _SINGLE)
    return Prior(
        _whole(owner[0], "architecture", 0, 2**32),
        _whole(owner[1], "version", 1, 2**32),
        config,
        _whole(core[2], "number of axes", 1, 4),
        _whole(core[3], "number of components", 1, 4096),
        _numbers(core[5], dtype),
        half=dtype == _HALF,
    )


def _with_ancillary(prior: Prior, ancillary: Any) -> Prior:
    if not isinstance(ancillary, dict):
        raise CorruptError("the ancillary part of the prior is not a map")
    text = ancillary.get(4, "")
    if not isinstance(text, str):
        raise CorruptError("what the prior was trained on is not text")
    given = ancillary.keys() & {0, 1, 2, 3}
    rates = None
    if given:
        if len(given) < 4 or ancillary[0] not in RATE_KINDS:
            raise CorruptError("the learnt rates of the prior are incomplete or of no known kind")
        steps = _whole(ancillary[1], "number of inner steps", 1, MOST_STEPS)
        dtype = _whole(ancillary[2], "dtype of rates", _HALF, _SINGLE)
        rates = Rates(ancillary[0], steps, _numbers(ancillary[3], dtype))
        if len(rates.values) != rates.count(len(prior.values)):
            raise CorruptError("the prior has another number of rates than its kind asks for")
    return Prior(**{**vars(prior), "rates": rates, "trained_on": text})


def _numbers(data: Any, dtype: int) -> Float32Array:
    kind = _DTYPES[dtype]
    if not isinstance(data, bytes) or len(data) % kind.itemsize:
        raise CorruptError("the numbers of the prior are cut short")
    values: Float32Array = np.frombuffer(data, kind).astype(np.float32)
    if not np.isfinite(values).all():
        raise CorruptError("the prior has numbers that are not finite")
    return values


def _whole(value: Any, what: str, low: int, high: float = math.inf) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CorruptError(f"the prior's {what} is out of range")
    return value
