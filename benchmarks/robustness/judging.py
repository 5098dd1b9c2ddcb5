"""Verdict of the independent reference decoder on the same bytes, and whether ours agrees."""

from __future__ import annotations

from typing import Any

import numpy as np

from inrc_conformance.decoder import DecodeError, Limits, decode_bytes
from robustness.reading import Outcome

# About those of `reading.SMALL`, with room where the two count differently.
LIMITS = Limits(
    samples=2**16,
    tensor_entries=2**18,
    multiply_adds=2**26,
    sections=2**10,
    mask_samples=2**18,
    mixed=2**13,
    payload_bytes=2**22,
    header_bytes=2**20,
    total_payload_bytes=2**24,
)
AGREE, OTHER_REFUSAL, LIMITED, UNKNOWN_DIGEST, DISAGREE, OTHER_VALUES = (
    "the same outcome",
    "both refuse, for another reason",
    "a limit of one of them",
    "refused, so that the digest is not known",
    "accepted by one alone",
    "accepted with other values",
)
_CLASSES = {
    "Malformed": {"CorruptError", "TruncatedError"},
    "Unsupported": {"UnsupportedError"},
    "Limit": {"LimitError"},
}
# Class F, of the declared range, with room for the rounding of narrow dtypes.
_PEAK = 2.0**-15


def judge(data: bytes, ours: Outcome, *, digests_known: bool) -> tuple[str, str]:
    """Verdict, one of those above, and an explanation."""
    try:
        theirs: Any = decode_bytes(data, LIMITS)
    except DecodeError as error:
        name = type(error).__name__
        if name == "Limit" or ours.error == "LimitError":
            return LIMITED, ""
        if ours.accepted:
            return DISAGREE, f"reference: {name}: {error}"
        same = ours.error in _CLASSES.get(name, set())
        return (AGREE if same else OTHER_REFUSAL), f"{ours.error} {ours.message} / {name} {error}"
    if ours.error == "LimitError":
        return LIMITED, ""
    if not ours.accepted:
        if not digests_known:
            return UNKNOWN_DIGEST, ""
        return DISAGREE, f"reference accepts, ours {ours.error}: {ours.message}"
    return _compared(theirs, ours)


def _compared(theirs: Any, ours: Outcome) -> tuple[str, str]:
    if theirs.digest.hex() != ours.integers:
        return DISAGREE, "the integers differ"
    for number, item in enumerate(theirs.items):
        for index, component in enumerate(item.components):
            values = (ours.values or {}).get((number, index))
            if values is None:
                continue
            expected = np.asarray(component.values)
            if values.shape != expected.shape or values.dtype != expected.dtype:
                return DISAGREE, f"item {number}: another shape or dtype"
            worst = _difference(values, expected, component.scale)
            if worst > 1:
                return OTHER_VALUES, f"item {number}: {worst:.3g} times what is allowed"
    return AGREE, ""


def _difference(values: Any, expected: Any, scale: float) -> float:
    """Greatest difference, in units of what is allowed."""
    wide, other = values.astype(np.float64), expected.astype(np.float64)
    same = (wide == other) | (np.isnan(wide) & np.isnan(other))
    if same.all():
        return 0.0
    step = np.spacing(np.abs(expected)) if expected.dtype.kind == "f" else np.ones(expected.shape)
    with np.errstate(all="ignore"):
        ratio = np.abs(wide - other)[~same] / (2 * scale * _PEAK + step.astype(np.float64)[~same])
    return float(np.nan_to_num(ratio, nan=np.inf).max())
