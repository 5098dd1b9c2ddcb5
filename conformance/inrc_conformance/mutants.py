"""Deliberately wrong decoders, each of which the suite has to catch."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from .console import say
from .decoder import (
    Decoded,
    DecodedComponent,
    DecodeError,
    Malformed,
    ans,
    decode,
    decode_bytes,
    headers,
    lattice_model,
    masks,
    mixed_mask,
    mixing,
    numbers,
    range_coder,
    streams,
    tables,
    tensors,
)
from .decoder import values as decoder_values
from .decoder.architectures import pyramid, transforms
from .decoder.output import write_outputs
from .decoder.values import Float64Array, parameters, stored_values
from .mutants_grids import AMGSRNS, MINERS
from .mutants_network import NETWORKS, UNCHECKED_NETWORKS
from .mutants_octree import OCTREES, SHELLS, UNCHECKED_SHELLS
from .mutants_overlap import (
    BORDERS,
    CODEBOOKS,
    OVERLAPS,
    PROVENANCES,
    UNCHECKED_OVERLAPS,
)
from .mutants_residual import RESIDUALS
from .mutants_restoration import RESTORATIONS, Patches
from .mutants_tile import TILES, UNCHECKED
from .processes import PRIORS, priors_beside
from .runner import Result, judge
from .suite import SuiteCase, select

Change = Callable[[DecodedComponent], DecodedComponent]
_ENOUGH = 4
"""Cases that catch a mutant, after which no others are tried."""
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
            stack.enter_context(patch.dict(os.environ, {PRIORS: priors_beside(source)}))
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
        """Nothing is left running."""


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


def _loose_uleb(reader: numbers.Reader) -> int:
    value = 0
    for index in range(20):
        byte = reader.u8()
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            break
    return value


def _without_mask(component: DecodedComponent) -> DecodedComponent:
    return replace(component, values=stored_values(component.real, component.dtype))


def _truncated(component: DecodedComponent) -> DecodedComponent:
    return _rounded(component, np.trunc(component.real))


def _rounded(component: DecodedComponent, x: Float64Array) -> DecodedComponent:
    """Replace the values of an integer component; `real` stays right."""
    if component.values.dtype.kind == "f":
        return component
    info = np.iinfo(component.values.dtype)
    values = np.clip(x, info.min, info.max).astype(component.values.dtype)
    values[~component.valid] = component.values[~component.valid]
    return replace(component, values=values)


def _half_up(component: DecodedComponent) -> DecodedComponent:
    return _rounded(component, np.floor(component.real + 0.5))


def _inaccurate(component: DecodedComponent) -> DecodedComponent:
    return replace(component, real=component.real + component.scale * 2.0**-14)


def _single(component: DecodedComponent) -> DecodedComponent:
    """Have the precision of a float32 before the offset."""
    y = np.clip(component.normalised, -1, 1)
    error = component.scale * (y.astype(np.float32).astype(np.float64) - y)
    return replace(component, real=component.real + error)


def _one_nan(component: DecodedComponent) -> DecodedComponent:
    real = component.real.copy()
    real.reshape(-1)[-1:] = np.nan
    return replace(component, real=real)


def _nan_is_top(component: DecodedComponent) -> DecodedComponent:
    with np.errstate(over="ignore", invalid="ignore"):
        top = component.real + 2 * component.scale
    changed = np.where(np.isnan(component.normalised), top, component.real)
    values = stored_values(changed, component.dtype)
    return replace(
        component, real=changed, values=np.where(component.valid, values, component.values)
    )


def _infinities(component: DecodedComponent) -> DecodedComponent:
    if component.values.dtype.kind != "f":
        return component
    with np.errstate(over="ignore"):
        values = component.real.astype(component.values.dtype)
    return replace(component, values=np.where(component.valid, values, component.values))


def _counts_to_first(counts: Sequence[int]) -> tables.Table:
    frequencies = [1 + k * (tables.TOTAL - len(counts)) // sum(counts) for k in counts]
    frequencies[0] += tables.TOTAL - sum(frequencies)
    return tables.make_table(frequencies)


def _zero_of_uncoded(integers: Any, coded: Any, quantisation: headers.Quantisation) -> Any:
    return parameters(integers, None, quantisation)


def _swap(component: DecodedComponent) -> DecodedComponent:
    swapped = component.values.reshape(-1, order="F").reshape(component.values.shape)
    return replace(component, values=swapped)


def _nothing(*_: Any) -> None:
    """Check nothing."""


def _refusals(outcome: str, prefix: str = "") -> Callable[[DecodeError], str]:
    """Answer refusals whose reason starts with `prefix` with another outcome."""
    return lambda error: outcome if str(error).startswith(prefix) else error.outcome


def _zeros(component: DecodedComponent) -> DecodedComponent:
    zeros = np.zeros_like
    return replace(component, real=zeros(component.real), values=zeros(component.values))


def _nearest_taps(lengths: Sequence[int]) -> list[tuple[tuple[int, ...], int]]:
    """Leave out the taps two before."""
    return [tap for tap in _TAPS_OF(lengths) if min(tap[0]) > -2]


def _forgetful(model: lattice_model.LatticeModel, *given: Any) -> list[int]:
    """Forget everything but the bands at the start of each stream."""
    fresh = lattice_model.LatticeModel(model.lattice)
    for name in ("magnitude", "zero", "sign"):
        setattr(model, name, getattr(fresh, name))
    return _CODE_LATTICE(model, *given)


def _no_first_slice(
    y: mixed_mask.Rows, u: mixed_mask.Rows, j: int, k: int, first: int
) -> tuple[list[int], int]:
    """Code the first slice as if there were one of zeros before it."""
    return _CONTEXTS(y, u, j, k, 0 * first)


_TAPS_OF = lattice_model.taps_of
_CODE_LATTICE = lattice_model.LatticeModel.code
_CONTEXTS = mixed_mask._contexts
_SHIFTS = pyramid._shifts

MUTANTS = (
    Mutant("accepts everything", answer=_refusals("ok"), first="malformed/*"),
    Mutant("calls every refusal malformed", answer=_refusals("malformed"), first="unsupported/*"),
    Mutant("calls every refusal unsupported", answer=_refusals("unsupported"), first="malformed/*"),
    Mutant("returns zeros", change=_zeros),
    Mutant("ignores masks", change=_without_mask, first="valid/masks/*"),
    Mutant("big-endian values", change=lambda c: replace(c, values=c.values.byteswap())),
    Mutant("Fortran order", change=_swap),
    Mutant("truncates", change=_truncated, first="valid/items/*"),
    Mutant("rounds half up", change=_half_up, first="valid/items/*"),
    Mutant("too inaccurate", change=_inaccurate),
    Mutant("one value is NaN", change=_one_nan),
    Mutant(
        "skips unknown critical sections",
        answer=_refusals("ok", "SEC-2"),
        first="unsupported/sections/*",
    ),
    Mutant("ignores CRCs", repair=fix_crcs, first="malformed/sections/*"),
    Mutant("ignores the digest", answer=_refusals("ok", "END-3"), first="malformed/ends/*"),
    Mutant(
        "ignores the end of the file", answer=_refusals("ok", "FILE-7"), first="malformed/file/*"
    ),
    Mutant("any uleb", ((numbers.Reader, "uleb", _loose_uleb),), first="malformed/streams/*"),
    Mutant("bytes may follow", ((numbers.Reader, "end", _nothing),), first="malformed/masks/*"),
    Mutant(
        "any padding in streams",
        ((streams, "check_padding", _nothing),),
        first="malformed/streams/*",
    ),
    Mutant(
        "any padding in masks", ((masks, "check_padding", _nothing),), first="malformed/masks/*"
    ),
    Mutant(
        "ANS end unchecked", ((ans.AnsDecoder, "finish", _nothing),), first="malformed/streams/*"
    ),
    Mutant(
        "range end unchecked",
        ((range_coder.RangeDecoder, "finish", _nothing),),
        first="malformed/streams/*",
    ),
    Mutant(
        "rest of a table to symbol 0",
        ((streams, "static_table", _counts_to_first),),
        first="valid/streams/*",
    ),
    Mutant(
        "uncoded entries are dequantised",
        ((decode, "parameters", _zero_of_uncoded),),
        first="valid/items/*",
    ),
    Mutant("masks of any shape", ((decode, "check_masks", _nothing),), first="malformed/item/*"),
    Mutant(
        "any number of integers", ((decode, "check_counts", _nothing),), first="malformed/tens/*"
    ),
    Mutant(
        "components may share a name",
        ((decode, "check_names", _nothing),),
        first="malformed/item/*",
    ),
    Mutant(
        "parameters may overflow",
        ((decoder_values, "check_finite", _nothing),),
        first="malformed/item/*",
    ),
    Mutant("NaN counts as 1", change=_nan_is_top, first="valid/items/*"),
    Mutant("infinite values", change=_infinities, first="valid/items/*"),
    Mutant(
        "any quantisation", ((tensors, "_check_quantisation", _nothing),), first="malformed/item/*"
    ),
    Mutant(
        "streams of coder 5 anywhere",
        ((decode, "check_lattices", _nothing),),
        first="malformed/streams/*",
    ),
    Mutant(
        "no taps two before", ((lattice_model, "taps_of", _nearest_taps),), first="valid/pyramid/*"
    ),
    Mutant(
        "each stream of coder 5 alone",
        ((lattice_model.LatticeModel, "code", _forgetful),),
        first="valid/pyramid/section*",
    ),
    Mutant(
        "chances that do not settle", ((mixing, "RATE", [10922] * 101),), first="valid/pyramid/*"
    ),
    Mutant(
        "no first slice", ((mixed_mask, "_contexts", _no_first_slice),), first="valid/masks/mixed*"
    ),
    *(Mutant(name, patches, first="valid/pyramid/network*") for name, patches in RESTORATIONS),
    *(Mutant(name, patches, first="*/residuals/*") for name, patches in RESIDUALS),
    *(Mutant(name, patches, first=first) for name, patches, first in TILES),
    *(Mutant(name, patches, first=first) for name, patches, first in NETWORKS),
    *(
        Mutant(n, answer=_refusals("ok", begin), first=first)
        for n, begin, first in (
            *UNCHECKED,
            *UNCHECKED_SHELLS,
            *UNCHECKED_OVERLAPS,
            *UNCHECKED_NETWORKS,
        )
    ),
    *(
        Mutant(name, patches, first=f"valid/{topic}/*")
        for topic, some in (
            ("amgsrn", AMGSRNS),
            ("miner", MINERS),
            ("overlap", OVERLAPS),
            ("codebook", CODEBOOKS),
            ("border", BORDERS),
            ("media", PROVENANCES),
        )
        for name, patches in some
    ),
    *(
        Mutant(name, patches, first="valid/shell/scattered*")
        for name, patches in (*OCTREES, *SHELLS)
    ),
    Mutant("float32 where float64 is asked for", change=_single, first="valid/pyramid/precise*"),
    Mutant(
        "no shifts",
        ((pyramid, "_shifts", lambda value: (_SHIFTS(value)[0] * 0,) * 3),),
        first="valid/pyramid/shifts*",
    ),
    Mutant(
        "shifts that only grow",
        ((pyramid, "_shifts", lambda v: [*map(abs, _SHIFTS(v))]),),
        first="valid/pyramid/shifts*",
    ),
    Mutant(
        "own wavelets are not undone",
        ((transforms, "own_levels", lambda length: 0),),
        first="valid/pyramid/code-own*",
    ),
    Mutant(
        "a basis may have padding",
        ((transforms._BitReader, "end", _nothing),),
        first="malformed/pyramid/bases*",
    ),
)


def caught(mutant: Mutant, cases: Sequence[SuiteCase]) -> tuple[list[Result], int]:
    """Return the first results that catch a mutant and the number of cases tried.

    No results mean that all cases were tried.
    """
    found: list[Result] = []
    tried = 0
    for some in (select(cases, run=[mutant.first]), select(cases, skip=[mutant.first])):
        for one in some:
            result = judge(mutant, one)
            tried += 1
            if result.problems:
                found.append(result)
            if len(found) == _ENOUGH:
                return found, tried
        if found:
            break
    return found, tried


def selftest(cases: Sequence[SuiteCase]) -> int:
    """Return 0 when the reference decoder passes everything and each mutant fails something."""
    if not cases:
        say("no cases")
        return 2
    sound = Mutant("reference decoder")
    failures = [one.id for one in cases if judge(sound, one).problems]
    say(f"{sound.name}: {len(failures)} of {len(cases)} cases failed")
    missed = 0
    for mutant in MUTANTS:
        found, tried = caught(mutant, cases)
        missed += not found
        example = f", e.g. {found[0].case.id}: {found[0].problems[0]}" if found else ""
        verdict = "caught" if found else "MISSED"
        say(f"{verdict}: {mutant.name} ({len(found)} of {tried} cases tried{example})")
    return 1 if failures or missed else 0
