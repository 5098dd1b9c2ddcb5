"""A deliberately wrong decoder: the reference decoder with one fault."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from ..decoder import Decoded, DecodedComponent, DecodeError, Malformed, decode_bytes, numbers
from ..decoder.output import write_outputs
from ..decoder.priors import VARIABLE
from ..decoder.values import Float64Array

Patches = tuple[tuple[Any, str, Any], ...]
"""Objects, names of their attributes, and the values that replace these."""
Change = Callable[[DecodedComponent], DecodedComponent]
_EMPTY = Decoded("volume", 0, 1, bytes(32))


@dataclass(frozen=True)
class Mutant:
    """A decoder with one fault: in its bytes, its parts, its answers or its values."""

    name: str
    patches: Patches = ()
    change: Change | None = None
    repair: Callable[[bytes], bytes] | None = None
    answer: Callable[[DecodeError], str] | None = None
    first: str = "valid/*"
    """The cases that are tried first; the others only when none of these catches it."""

    def decode(self, identity: str, source: Path, outdir: Path) -> str:
        """Decode like the reference decoder, but for the fault."""
        data = source.read_bytes()
        if self.repair is not None:
            data = self.repair(data)
        with ExitStack() as stack:
            stack.enter_context(patch.dict(os.environ, {VARIABLE: str(source.parent)}))
            for target, attribute, value in self.patches:
                stack.enter_context(patch.object(target, attribute, value))
            try:
                decoded = decode_bytes(data)
            except DecodeError as error:
                status = self.answer(error) if self.answer else error.outcome
                if status == "ok":
                    write_outputs(_EMPTY, outdir)
                return status
            except (ValueError, LookupError, TypeError, OverflowError) as error:
                return f"error: {error}"
        if self.change is not None:
            for item in decoded.items:
                item.components[:] = [self.change(component) for component in item.components]
        write_outputs(decoded, outdir)
        return "ok"

    def close(self) -> None:
        """No process is left running."""


def fix_crcs(data: bytes) -> bytes:
    """Correct all CRCs of a file, so that a wrong one has no effect."""
    out, reader, start = bytearray(data), numbers.Reader(data, 12), 0
    try:
        while reader.left:
            reader.take(5)
            reader.take(reader.uleb())
            crc = zlib.crc32(out[start : reader.position])
            reader.take(4)
            out[reader.position - 4 : reader.position] = crc.to_bytes(4, "little")
            start = reader.position
    except Malformed:
        return data
    return bytes(out)


def refusals(outcome: str, prefix: str = "") -> Callable[[DecodeError], str]:
    """Answer refusals whose reason starts with `prefix` with another outcome."""
    return lambda error: outcome if str(error).startswith(prefix) else error.outcome


def rounded(component: DecodedComponent, x: Float64Array) -> DecodedComponent:
    """Replace the values of an integer component; `real` stays right."""
    if component.values.dtype.kind == "f":
        return component
    info = np.iinfo(component.values.dtype)
    values = np.clip(x, info.min, info.max).astype(component.values.dtype)
    values[~component.valid] = component.values[~component.valid]
    return replace(component, values=values)
