"""Generates the vectors and `SHA256SUMS`: `python -m inrc_conformance.vectors OUTDIR`."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from ..console import say
from ..decoder import Decoded, DecodeError, decode_bytes
from ..decoder.headers import Item
from ..runner.architectures import named_architectures
from ..runner.processes import PRIORS
from ..runner.schema import case_schema, problems
from ..runner.suite import DEFAULT_SUITE
from .amgsrn import amgsrn_cases, amgsrn_faults
from .array import array_cases
from .array_faults import array_faults
from .array_many import many_array_cases, many_array_faults
from .border import border_cases, border_faults
from .case import Case
from .codebook import codebook_cases, codebook_faults
from .container import container_cases, item_cases, stream_cases
from .container_faults import container_faults
from .fvsrn import fvsrn_cases, fvsrn_faults
from .hashgrid import hashgrid_cases, hashgrid_faults
from .index import index_cases, index_faults
from .item_faults import item_faults
from .limit import limit_cases
from .masks import mask_cases, verbatim_cases
from .media import media_cases
from .metadata import metadata_cases
from .miner import miner_cases, miner_faults
from .neurcomp import neurcomp_cases, neurcomp_faults
from .overlap import overlap_cases
from .overlap_faults import overlap_faults
from .prior import prior_cases, prior_faults
from .promises import is_impossible
from .pyramid import pyramid_cases
from .pyramid_faults import pyramid_faults
from .pyramid_precise import precise_cases
from .residual import residual_cases
from .residual_faults import residual_faults
from .rules import rule_cases
from .shell import shell_cases
from .shell_faults import shell_faults
from .siren import siren_cases, siren_faults
from .stream_faults import mask_faults, stream_faults, verbatim_faults
from .tile import tile_cases, tile_faults
from .unsupported import unsupported_cases

PEAK, RMS = 2.0**-16, 2.0**-19
"""What VAL-5 allows in class F, in units of R."""
EXACT = 2.0**-40
"""What PYR-6 allows in the place of both."""
_PYRAMID = 2
SUMS = "SHA256SUMS"
"""The list of all files that decoders read."""
BROKEN_PROMISES = (
    "pyramid/precise-residuals-code-0",
    "pyramid/precise-residuals-joint",
    "residuals/bounds-of-components",
    "residuals/bounds-with-residuals-of-a-tile",
)
"""Cases with bounds that are below what VAL-5 leaves open."""
SUBFOLDERS = ("valid", "malformed", "invalid", "unsupported", "limit")


def all_cases() -> list[Case]:
    """Return all cases in the order of their ids."""
    cases = [
        *container_cases(),
        *item_cases(),
        *stream_cases(),
        *mask_cases(),
        *verbatim_cases(),
        *pyramid_cases(),
        *precise_cases(),
        *index_cases(),
        *tile_cases(),
        *residual_cases(),
        *array_cases(),
        *many_array_cases(),
        *shell_cases(),
        *fvsrn_cases(),
        *neurcomp_cases(),
        *siren_cases(),
        *prior_cases(),
        *hashgrid_cases(),
        *border_cases(),
        *amgsrn_cases(),
        *miner_cases(),
        *overlap_cases(),
        *codebook_cases(),
        *media_cases(),
        *metadata_cases(),
        *rule_cases(),
        *pyramid_faults(),
        *index_faults(),
        *tile_faults(),
        *residual_faults(),
        *array_faults(),
        *many_array_faults(),
        *shell_faults(),
        *fvsrn_faults(),
        *neurcomp_faults(),
        *siren_faults(),
        *prior_faults(),
        *hashgrid_faults(),
        *border_faults(),
        *amgsrn_faults(),
        *miner_faults(),
        *overlap_faults(),
        *codebook_faults(),
        *container_faults(),
        *item_faults(),
        *stream_faults(),
        *mask_faults(),
        *verbatim_faults(),
        *unsupported_cases(),
        *limit_cases(),
    ]
    cases = [_broken_promise(one) for one in cases]
    if len({one.id for one in cases}) != len(cases):
        raise ValueError("two cases have the same id")
    return sorted(cases, key=lambda one: one.id)


def _broken_promise(one: Case) -> Case:
    """Put files whose bounds nobody can keep with those that break a rule (VAL-8)."""
    if f"{one.topic}/{one.name}" not in BROKEN_PROMISES:
        return one
    return replace(one, invalid=True, spec=(*one.spec, "VAL-8"))


def outcome(data: bytes) -> tuple[str, str, Decoded | None]:
    """Decode with the reference decoder; return the outcome, its reason and the result."""
    try:
        return "ok", "", decode_bytes(data)
    except DecodeError as error:
        return error.outcome, str(error), None


def describe(one: Case, decoded: Decoded | None, reason: str) -> dict[str, Any]:
    """Return the content of `case.json`."""
    info: dict[str, Any] = {
        "id": one.id,
        "spec": list(one.spec),
        "expect": one.expect,
        "level": one.level,
        "tags": list(one.tags),
        "since": "1.0",
        "architectures": named_architectures(one.data),
    }
    if one.priors:
        info["priors"] = [name for name, _ in one.priors]
    if one.accept:
        info["accept"] = list(one.accept)
    if decoded is None:
        return info | {"reason": reason}
    limits: list[dict[str, Any]] = []
    impossible = False
    for i, item in enumerate(decoded.items):
        peak, rms = (EXACT, EXACT) if precise(item.header) else (PEAK, RMS)
        for c, component in enumerate(item.components):
            limits.append(
                {
                    "item": i,
                    "component": c,
                    "name": component.name,
                    "dtype": component.dtype,
                    "shape": list(component.shape),
                    "peak": component.scale * (2 * peak),
                    "rms": component.scale * (2 * rms),
                    "masked": bool(not component.valid.all()),
                }
            )
            bounds = item.header.bounds
            impossible |= bounds is not None and is_impossible(component, bounds[c], limits[-1])
    if impossible and not one.invalid:
        raise ValueError(f"{one.id}: no decoder of class F can keep the bounds (VAL-8)")
    return info | {
        "integers_sha256": decoded.digest.hex(),
        "limits": limits,
        "verbatim": {path: variable.sha256() for path, variable in decoded.verbatim.items()},
        **({} if decoded.provenance is None else {"provenance": decoded.provenance}),
        **({} if decoded.state is None else {"metadata": decoded.state}),
    }


def precise(item: Item) -> bool:
    """Say whether an item is a pyramid that asks for evaluation in float64 (PYR-6)."""
    return item.architecture == _PYRAMID and 6 in item.config


def write_case(one: Case, root: Path) -> None:
    """Write the folder of one case; the reference decoder must agree with it."""
    folder = root / one.id
    folder.mkdir(parents=True)
    (folder / "input.inrc").write_bytes(one.data)
    for name, prior in one.priors:
        (folder / name).write_bytes(prior)
    with patch.dict(os.environ, {PRIORS: str(folder) if one.priors else ""}):
        found, reason, decoded = outcome(one.data)
    if found != one.expect:
        raise ValueError(f"{one.id}: the reference decoder says {found} ({reason})")
    info = describe(one, decoded, reason)
    wrong = problems(info, case_schema(), one.id)
    if wrong:
        raise ValueError(wrong[0])
    lines = (f' "{key}": {json.dumps(value)}' for key, value in info.items())
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    (folder / "case.json").write_text(text, encoding="ascii")
    if decoded is None:
        return
    for i, item in enumerate(decoded.items):
        if item.border is not None:
            save(folder / f"expected-border-{i}.npy", item.border)
        for c, component in enumerate(item.components):
            save(folder / f"expected-{i}-{c}.npy", component.real)
            save(folder / f"expected-values-{i}-{c}.npy", component.values)
            if not component.valid.all():
                save(folder / f"expected-valid-{i}-{c}.npy", component.valid)


def save(path: Path, array: npt.NDArray[Any]) -> None:
    """Write an array without pickles, in C order."""
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    path.write_bytes(buffer.getvalue())


def sums(root: Path) -> str:
    """Return a line `SHA-256  path` for each file and prior, as sha256sum writes them.

    Expected arrays are left out: their last bits depend on the sines of the machine.
    """
    paths = (path for folder in SUBFOLDERS for path in (root / folder).rglob("*.*"))
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(root).as_posix()}\n"
        for path in sorted(paths)
        if path.suffix in (".inrc", ".inrcprior")
    ]
    return "".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Generate all vectors into an empty or old suite folder."""
    parser = argparse.ArgumentParser(prog="inrc-vectors", description=__doc__)
    parser.add_argument("outdir", type=Path, nargs="?", default=DEFAULT_SUITE)
    options = parser.parse_args(arguments)
    for name in SUBFOLDERS:
        shutil.rmtree(options.outdir / name, ignore_errors=True)
    counts: dict[str, int] = {}
    for one in all_cases():
        write_case(one, options.outdir)
        folder = one.id.split("/")[0]
        counts[folder] = counts.get(folder, 0) + 1
    (options.outdir / SUMS).write_text(sums(options.outdir), encoding="ascii")
    say(", ".join(f"{number} {name}" for name, number in sorted(counts.items())))
    return 0
