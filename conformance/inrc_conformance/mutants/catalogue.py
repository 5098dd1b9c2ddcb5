"""Deliberately wrong decoders, each of which the suite has to catch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..decoder import (
    DecodedComponent,
    ans,
    decode,
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
from ..decoder import values as decoder_values
from ..decoder.architectures import pyramid, transforms
from ..decoder.values import parameters, stored_values
from .array import ARRAYS, FAULTY_ARRAYS, UNCHECKED_ARRAYS
from .basic import BASIC
from .grids import AMGSRNS, MINERS
from .metadata import METADATA
from .mutant import Mutant, fix_crcs, refusals, rounded
from .network import NETWORKS, UNCHECKED_NETWORKS
from .octree import OCTREES, SHELLS, UNBOUNDED, UNCHECKED_SHELLS
from .overlap import BORDERS, CODEBOOKS, OVERLAPS, PROVENANCES, UNCHECKED_OVERLAPS
from .residual import RESIDUALS
from .restoration import RESTORATIONS
from .static import STATICS, UNCHECKED_STATICS
from .tile import TILES, UNCHECKED


def _loose_uleb(reader: numbers.Reader) -> int:
    value = 0
    for index in range(20):
        byte = reader.u8()
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            break
    return value


def _truncated(component: DecodedComponent) -> DecodedComponent:
    return rounded(component, np.trunc(component.real))


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


_UNCHECKED_PARTS: tuple[tuple[str, Any, str, str], ...] = (
    ("bytes may follow", numbers.Reader, "end", "masks/*"),
    ("any padding in streams", streams, "check_padding", "streams/*"),
    ("any padding in masks", masks, "check_padding", "masks/*"),
    ("ANS end unchecked", ans.AnsDecoder, "finish", "streams/*"),
    ("range end unchecked", range_coder.RangeDecoder, "finish", "streams/*"),
    ("masks of any shape", decode, "check_masks", "item/*"),
    ("any number of integers", decode, "check_counts", "tens/*"),
    ("components may share a name", decode, "check_names", "item/*"),
    ("parameters may overflow", decoder_values, "check_finite", "item/*"),
    ("any quantisation", tensors, "_check_quantisation", "item/*"),
    ("streams of coder 5 anywhere", decode, "check_lattices", "streams/*"),
    ("a basis may have padding", transforms._BitReader, "end", "pyramid/bases*"),
)
"""Names, checks that are left out, and the bad cases that are tried first."""
_TAPS_OF = lattice_model.taps_of
_CODE_LATTICE = lattice_model.LatticeModel.code
_CONTEXTS = mixed_mask._contexts
_SHIFTS = pyramid._shifts

MUTANTS: tuple[Mutant, ...] = (
    *BASIC,
    Mutant("calls every refusal malformed", answer=refusals("malformed"), first="unsupported/*"),
    Mutant("calls every refusal unsupported", answer=refusals("unsupported"), first="malformed/*"),
    Mutant("Fortran order", change=_swap),
    Mutant("truncates", change=_truncated, first="valid/items/*"),
    Mutant("too inaccurate", change=_inaccurate),
    Mutant("one value is NaN", change=_one_nan),
    Mutant("ignores CRCs", repair=fix_crcs, first="malformed/sections/*"),
    Mutant("ignores the digest", answer=refusals("ok", "END-3"), first="malformed/ends/*"),
    Mutant(
        "ignores the end of the file", answer=refusals("ok", "FILE-7"), first="malformed/file/*"
    ),
    Mutant("any uleb", ((numbers.Reader, "uleb", _loose_uleb),), first="malformed/streams/*"),
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
    Mutant("NaN counts as 1", change=_nan_is_top, first="valid/items/*"),
    Mutant("infinite values", change=_infinities, first="valid/items/*"),
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
    *(
        Mutant(name, ((part, check, _nothing),), first=f"malformed/{first}")
        for name, part, check, first in _UNCHECKED_PARTS
    ),
    *(Mutant(name, patches, first="valid/pyramid/network*") for name, patches in RESTORATIONS),
    *(Mutant(name, patches, first="*/residuals/*") for name, patches in RESIDUALS),
    *(Mutant(name, patches, first="*/metadata/*") for name, patches in METADATA),
    *(Mutant(name, patches, first=first) for name, patches, first in TILES),
    *(Mutant(name, patches, first=first) for name, patches, first in (*NETWORKS, *STATICS)),
    *(
        Mutant(n, answer=refusals("ok", begin), first=first)
        for n, begin, first in (
            *UNCHECKED,
            *UNCHECKED_SHELLS,
            *UNCHECKED_OVERLAPS,
            *UNCHECKED_NETWORKS,
            *UNCHECKED_ARRAYS,
            *UNCHECKED_STATICS,
        )
    ),
    *(
        Mutant(name, patches, first=f"*/{topic}/*")
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
    *(Mutant(name, patches, first="valid/array/*") for name, patches in ARRAYS),
    *(Mutant(name, patches, first="malformed/array/more*") for name, patches in FAULTY_ARRAYS),
    *(Mutant(name, patches, first="valid/shell/[dv]a*") for name, patches in UNBOUNDED),
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
)
