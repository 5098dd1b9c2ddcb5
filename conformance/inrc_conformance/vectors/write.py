"""Folders of vectors: the file, the answer of a decoder, and `SHA256SUMS`."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from ..decoder import Decoded, DecodedComponent, DecodeError, decode_bytes
from ..decoder.headers import Item
from ..runner.architectures import named_architectures
from ..runner.check import rounded, ulp
from ..runner.processes import PRIORS
from ..runner.schema import case_schema, problems
from .case import Case

PEAK, RMS = 2.0**-16, 2.0**-19
"""Errors that VAL-5 allows in class F, in units of R."""
EXACT = 2.0**-40
"""Error that PYR-6 allows in the place of both."""
_PYRAMID = 2
SUMS = "SHA256SUMS"
"""Name of the list of all files that decoders read."""
SUBFOLDERS = ("valid", "malformed", "invalid", "unsupported", "limit")


def outcome(data: bytes) -> tuple[str, str, Decoded | None]:
    """Decode with the reference decoder; return the outcome, its reason and the result."""
    try:
        return "ok", "", decode_bytes(data)
    except DecodeError as error:
        return error.outcome, str(error), None


def describe(case: Case, decoded: Decoded | None, reason: str) -> dict[str, Any]:
    """Return the content of `case.json`."""
    info: dict[str, Any] = {
        "id": case.id,
        "spec": list(case.spec),
        "expect": case.expect,
        "level": case.level,
        "tags": list(case.tags),
        "since": "1.0",
        "architectures": named_architectures(case.data),
    }
    if case.priors:
        info["priors"] = [name for name, _ in case.priors]
    if case.accept:
        info["accept"] = list(case.accept)
    if decoded is None:
        return info | {"reason": reason}
    limits, impossible = _limits(decoded)
    if impossible and not case.invalid:
        raise ValueError(f"{case.id}: no decoder of class F can keep the bounds (VAL-8)")
    return info | {
        "integers_sha256": decoded.digest.hex(),
        "limits": limits,
        "verbatim": {path: variable.sha256() for path, variable in decoded.verbatim.items()},
        **({} if decoded.provenance is None else {"provenance": decoded.provenance}),
        **({} if decoded.state is None else {"metadata": decoded.state}),
    }


def _limits(decoded: Decoded) -> tuple[list[dict[str, Any]], bool]:
    """Return the limits of class F for each component, and whether they exclude some bounds."""
    limits: list[dict[str, Any]] = []
    impossible = False
    for i, item in enumerate(decoded.items):
        peak, rms = (EXACT, EXACT) if precise(item.header) else (PEAK, RMS)
        bounds = item.header.bounds
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
            impossible |= bounds is not None and _is_impossible(component, bounds[c], limits[-1])
    return limits, impossible


def _is_impossible(component: DecodedComponent, bound: float, limits: Mapping[str, Any]) -> bool:
    """Say whether class F leaves more open than a bound allows (VAL-8)."""
    if not component.valid.any():
        return False
    allowed = limits["peak"] + ulp(component.real, limits["peak"])
    low = rounded(component.real - allowed, component.values.dtype)
    high = rounded(component.real + allowed, component.values.dtype)
    return bool(((high - low)[component.valid] > 2 * bound).any())


def precise(item: Item) -> bool:
    """Say whether an item is a pyramid that asks for evaluation in float64 (PYR-6)."""
    return item.architecture == _PYRAMID and 6 in item.config


def write_case(case: Case, root: Path) -> None:
    """Write the folder of one case; the reference decoder must agree with it."""
    folder = root / case.id
    folder.mkdir(parents=True)
    (folder / "input.inrc").write_bytes(case.data)
    for name, prior in case.priors:
        (folder / name).write_bytes(prior)
    with patch.dict(os.environ, {PRIORS: str(folder) if case.priors else ""}):
        answer, reason, decoded = outcome(case.data)
    if answer != case.expect:
        raise ValueError(f"{case.id}: the reference decoder says {answer} ({reason})")
    info = describe(case, decoded, reason)
    wrong = problems(info, case_schema(), case.id)
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
