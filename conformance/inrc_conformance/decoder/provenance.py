"""The section pROv: how a file was made (`metadata.md`, META-36 to META-38)."""

from __future__ import annotations

import math

from . import cbor
from .errors import Malformed

GOALS = ("psnr", "ratio", "bytes", "max-error", "rel-error")
_GOAL, _EFFORT, _ARCHITECTURE, _ENCODER = range(4)
Provenance = dict[str, object]


def parse_provenance(payload: bytes, most_items: int) -> Provenance:
    """Return the goal, effort, architecture and encoder that are there; refuse anything else."""
    value = cbor.as_map(cbor.parse(payload, most_items), "META-38: pROv")
    if any(isinstance(key, str) or not _GOAL <= key <= _ENCODER for key in value):
        raise Malformed("META-38: an unknown key in pROv")
    out: Provenance = {}
    if _GOAL in value:
        goal = cbor.as_list(value[_GOAL], "META-36: a goal")
        if len(goal) != 2:
            raise Malformed("META-36: a goal has two entries")
        number = cbor.as_uint(goal[0], "META-36: a goal")
        if number >= len(GOALS):
            raise Malformed("META-36: an unknown goal")
        out["goal"] = [GOALS[number], goal_number(GOALS[number], goal[1])]
    for key, name in ((_EFFORT, "effort"), (_ARCHITECTURE, "architecture")):
        if key in value:
            out[name] = cbor.as_uint(value[key], f"META-36: {name}")
    if _ENCODER in value:
        out["encoder"] = cbor.as_text(value[_ENCODER], "META-36: the encoder")
    return out


def goal_number(goal: str, value: cbor.Value) -> int | float:
    """Check the number of a goal (META-36)."""
    if isinstance(value, float):
        number: int | float = cbor.as_float(value, "META-36: the number of a goal")
        if number == math.floor(number):
            raise Malformed("META-36: a whole number is not an integer")
    else:
        number = cbor.as_uint(value, "META-36: the number of a goal")
    if number < 0 or (number == 0 and goal not in ("max-error", "rel-error")):
        raise Malformed(f"META-36: {goal} of {number}")
    if goal == "rel-error" and number >= 1:
        raise Malformed("META-36: a rel-error that is not below 1")
    if goal == "bytes" and isinstance(number, float):
        raise Malformed("META-36: bytes are whole")
    return number
