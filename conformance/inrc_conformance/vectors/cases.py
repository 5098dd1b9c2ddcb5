"""All vectors, in the order of their ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from .amgsrn import amgsrn_cases, amgsrn_faults
from .array import array_cases
from .array_faults import array_faults
from .array_many import many_array_cases, many_array_faults
from .border import border_cases, border_faults
from .case import Case
from .codebook import codebook_cases, codebook_faults
from .container import container_cases
from .container_faults import container_faults
from .fvsrn import fvsrn_cases, fvsrn_faults
from .hashgrid import hashgrid_cases, hashgrid_faults
from .index import index_cases, index_faults
from .item import item_cases
from .item_faults import item_faults
from .limit import limit_cases
from .mask import mask_cases
from .mask_faults import mask_faults
from .mask_mixing import mixed_mask_cases
from .media import media_cases
from .metadata import metadata_cases
from .miner import miner_cases, miner_faults
from .neurcomp import neurcomp_cases, neurcomp_faults
from .overlap import overlap_cases
from .overlap_faults import overlap_faults
from .prior import prior_cases, prior_faults
from .pyramid import pyramid_cases
from .pyramid_faults import pyramid_faults
from .pyramid_precise import precise_cases
from .residual import residual_cases
from .residual_faults import residual_faults
from .rules import rule_cases
from .shell import shell_cases
from .shell_faults import shell_faults
from .siren import siren_cases, siren_faults
from .static import static_cases
from .static_blocks import static_block_cases
from .static_faults import static_faults
from .static_place_faults import static_place_faults
from .stream import stream_cases
from .stream_faults import stream_faults
from .tile import tile_cases, tile_faults
from .unsupported import unsupported_cases
from .verbatim import verbatim_cases, verbatim_faults

_MAKERS: Sequence[Callable[[], Iterable[Case]]] = (
    container_cases,
    item_cases,
    stream_cases,
    mask_cases,
    verbatim_cases,
    pyramid_cases,
    mixed_mask_cases,
    precise_cases,
    index_cases,
    tile_cases,
    residual_cases,
    array_cases,
    many_array_cases,
    static_cases,
    static_block_cases,
    shell_cases,
    fvsrn_cases,
    neurcomp_cases,
    siren_cases,
    prior_cases,
    hashgrid_cases,
    border_cases,
    amgsrn_cases,
    miner_cases,
    overlap_cases,
    codebook_cases,
    media_cases,
    metadata_cases,
    rule_cases,
    pyramid_faults,
    index_faults,
    tile_faults,
    residual_faults,
    array_faults,
    many_array_faults,
    static_faults,
    static_place_faults,
    shell_faults,
    fvsrn_faults,
    neurcomp_faults,
    siren_faults,
    prior_faults,
    hashgrid_faults,
    border_faults,
    amgsrn_faults,
    miner_faults,
    overlap_faults,
    codebook_faults,
    container_faults,
    item_faults,
    stream_faults,
    mask_faults,
    verbatim_faults,
    unsupported_cases,
    limit_cases,
)
BROKEN_PROMISES = (
    "pyramid/precise-residuals-code-0",
    "pyramid/precise-residuals-joint",
    "residuals/bounds-of-components",
    "residuals/bounds-with-residuals-of-a-tile",
)
"""Cases with bounds that are below what VAL-5 leaves open."""


def all_cases() -> list[Case]:
    """Return all cases in the order of their ids."""
    cases = [_broken_promise(case) for make in _MAKERS for case in make()]
    if len({case.id for case in cases}) != len(cases):
        raise ValueError("two cases have the same id")
    return sorted(cases, key=lambda case: case.id)


def _broken_promise(case: Case) -> Case:
    """Put files whose bounds nobody can keep with those that break a rule (VAL-8)."""
    if f"{case.topic}/{case.name}" not in BROKEN_PROMISES:
        return case
    return replace(case, invalid=True, spec=(*case.spec, "VAL-8"))
