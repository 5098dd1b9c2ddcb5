"""Compares what a decoder under test wrote with what a case expects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .scope import EVERYTHING, Scope
from .suite import SuiteCase

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
BORDER = 2.0**-20
"""Greatest error of e of a border; its values are at most 127."""


def check_status(case: SuiteCase, status: str, scope: Scope = EVERYTHING) -> list[str]:
    """Compare the outcome; a refusal has nothing else to compare."""
    if status == case.expect or status in case.info.get("accept", ()):
        return []
    if status == "unsupported" and scope.allows_unsupported(case):
        return []
    return [f"expected {case.expect}, got {status}"]


def check_outputs(case: SuiteCase, directory: Path, scope: Scope = EVERYTHING) -> list[str]:
    """Return everything that is wrong with the outputs of an ok case."""
    try:
        info = json.loads((directory / "info.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"info.json: {error}"]
    if not isinstance(info, dict):
        return ["info.json is not an object"]
    if case.expect != "ok":
        return []
    problems: list[str] = []
    if info.get("integers_sha256") != case.info["integers_sha256"]:
        problems.append("integers_sha256 differs")
    for name, absent in (("verbatim", {}), ("provenance", None), ("metadata", None)):
        wanted = case.info.get(name, absent)
        if name == "provenance":
            wanted = _reported(wanted, info.get(name))
        if name in info and info[name] != wanted:
            problems.append(f"{name} differs")
    left_out, surplus = _left_out(case, info.get("unevaluated", []), scope)
    problems += surplus
    for limits in case.info["limits"]:
        if limits["item"] not in left_out:
            problems += _check_named(case, directory, limits)
    return problems + _check_borders(case, directory, left_out)


def _reported(expected: Any, reported: Any) -> Any:
    """Leave out the losses of pROv for a decoder that reports the section without them."""
    if isinstance(expected, dict) and isinstance(reported, dict) and "losses" not in reported:
        return {key: entry for key, entry in expected.items() if key != "losses"}
    return expected


def _left_out(case: SuiteCase, listed: Any, scope: Scope) -> tuple[set[int], list[str]]:
    """Return the items without values, and what is wrong with the decoder's list of them."""
    number = len(case.architectures)
    if not isinstance(listed, list) or any(
        type(item) is not int or not 0 <= item < number for item in listed
    ):
        return set(), ["unevaluated is not an array of numbers of items"]
    allowed = scope.may_leave_out(case)
    lacking = {item for item in range(number) if scope.is_lacking(case, item)}
    problems = [f"item {item} is not evaluated" for item in sorted({*listed} - allowed)]
    return lacking | {*listed}, problems


def _check_named(case: SuiteCase, directory: Path, limits: dict[str, Any]) -> list[str]:
    """Check one component; problems begin with its numbers."""
    name = f"{limits['item']}-{limits['component']}"
    try:
        faults = _check_component(case, directory, name, limits)
    except (OSError, ValueError, EOFError) as error:
        faults = [str(error)]
    return [f"component {name}: {problem}" for problem in faults]


def _check_borders(case: SuiteCase, directory: Path, left_out: set[int]) -> list[str]:
    """Check the borders of shells, which a decoder need not write."""
    problems: list[str] = []
    for path in sorted(case.folder.glob("expected-border-*.npy")):
        name = path.name.removeprefix("expected-")
        if int(path.stem.rpartition("-")[2]) in left_out or not (directory / name).exists():
            continue
        e = load(path)
        try:
            faults = check_real(
                load(directory / name), e, np.ones(e.shape, np.bool_), BORDER, BORDER
            )
        except (OSError, ValueError, EOFError) as error:
            faults = [str(error)]
        problems += [f"{name}: {problem}" for problem in faults]
    return problems


def _check_component(
    case: SuiteCase, directory: Path, name: str, limits: dict[str, Any]
) -> list[str]:
    """Check `real` and `values` of one component."""
    x = load(case.folder / f"expected-{name}.npy")
    expected = load(case.folder / f"expected-values-{name}.npy")
    valid: BoolArray = np.ones(x.shape, dtype=np.bool_)
    if limits["masked"]:
        valid = load(case.folder / f"expected-valid-{name}.npy").astype(np.bool_)
    problems: list[str] = []
    real_path = directory / f"real-{name}.npy"
    if real_path.exists():
        problems += check_real(load(real_path), x, valid, limits["peak"], limits["rms"])
    values = load(directory / f"values-{name}.npy")
    return problems + check_values(values, expected, x, valid, limits["peak"])


def load(path: Path) -> npt.NDArray[Any]:
    """Load an array; pickles are refused."""
    return np.asarray(np.load(path, allow_pickle=False))


def check_real(
    real: npt.NDArray[Any], x: Float64Array, valid: BoolArray, peak: float, rms: float
) -> list[str]:
    """Compare the values before rounding with the reference (VAL-5)."""
    if real.shape != x.shape or real.dtype.kind != "f":
        return [f"real is {real.dtype} {real.shape}, expected float {x.shape}"]
    if not valid.any():
        return []
    given, wanted, slack = real.astype(np.float64)[valid], x[valid], ulp(x, peak)[valid]
    with np.errstate(over="ignore", invalid="ignore"):
        difference = np.where(given == wanted, 0.0, np.abs(given - wanted))
        mean = float(np.sqrt(np.mean(difference**2)))
    problems: list[str] = []
    worst = float(difference.max())
    if not (difference <= peak + slack).all():
        problems.append(f"real differs by {worst:.3g}, allowed {peak:.3g} (peak)")
    if not mean <= rms + float(slack.max()):
        problems.append(f"real differs by {mean:.3g}, allowed {rms:.3g} (rms)")
    return problems


def ulp(x: Float64Array, peak: float) -> Float64Array:
    """Return the float64 ulp of x, which VAL-5 allows on top; nothing where scale is 0."""
    if peak == 0:
        return np.zeros_like(x)
    finite = np.minimum(np.abs(x), np.finfo(np.float64).max)
    return np.asarray(2 * np.spacing(finite / 2))


def check_values(
    values: npt.NDArray[Any],
    expected: npt.NDArray[Any],
    x: Float64Array,
    valid: BoolArray,
    peak: float,
) -> list[str]:
    """Compare stored values: bits where invalid, a rounding of an allowed x elsewhere (VAL-5)."""
    if values.shape != expected.shape or values.dtype != expected.dtype:
        wanted = f"{expected.dtype.str} {expected.shape}"
        return [f"values are {values.dtype.str} {values.shape}, expected {wanted}"]
    problems: list[str] = []
    if bits(values)[~valid].tolist() != bits(expected)[~valid].tolist():
        problems.append("an invalid sample does not have its bit pattern")
    allowed = peak + ulp(x, peak)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = rounded(x - allowed, expected.dtype), rounded(x + allowed, expected.dtype)
        given = values.astype(np.float64)
    bad = ~((given >= low) & (given <= high))[valid]
    if bad.any():
        problems.append(f"{int(bad.sum())} of {bad.size} values are wrong")
    return problems


def bits(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the bit patterns of an array."""
    return np.ascontiguousarray(array).view(f"<u{array.dtype.itemsize}")


def rounded(x: Float64Array, dtype: np.dtype[Any]) -> Float64Array:
    """Round as VAL-3 does; whatever lies between the roundings of both ends is one, too."""
    if dtype.kind == "f":
        largest = np.finfo(dtype).max
        return np.asarray(np.clip(x.astype(dtype), -largest, largest), dtype=np.float64)
    info = np.iinfo(dtype)
    return np.asarray(np.clip(np.rint(x), info.min, info.max), dtype=np.float64)
