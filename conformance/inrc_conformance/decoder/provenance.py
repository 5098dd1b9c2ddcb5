"""The section pROv: how a file was made (`metadata.md`, META-36 to META-38, META-40)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from . import cbor
from .errors import Malformed

GOALS = ("psnr", "ratio", "bytes", "max-error", "rel-error")
KINDS = ("samples", "bound", "variable", "metadata")
"""Kinds of losses, by number."""
_GOAL, _EFFORT, _ARCHITECTURE, _ENCODER, _LOSSES = range(5)
Provenance = dict[str, object]


def parse_provenance(payload: bytes, most_items: int) -> Provenance:
    """Return goal, effort, architecture, encoder and losses as far as they are there."""
    value = cbor.as_map(cbor.parse(payload, most_items), "META-38: pROv")
    if any(isinstance(key, str) or not _GOAL <= key <= _LOSSES for key in value):
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
    if _LOSSES in value:
        losses = cbor.as_list(value[_LOSSES], "META-40: the losses")
        if not losses:
            raise Malformed("META-40: no loss")
        out["losses"] = [loss(entry) for entry in losses]
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


def loss(value: cbor.Value) -> list[object]:
    """Return the kind and name of a loss, then start and stop of each axis (META-40)."""
    entries = cbor.as_list(value, "META-40: a loss")
    if len(entries) < 2 or len(entries) % 2:
        raise Malformed("META-40: a loss has a kind, a name and pairs")
    kind = cbor.as_uint(entries[0], "META-40: the kind of a loss")
    if kind >= len(KINDS):
        raise Malformed("META-40: an unknown kind of loss")
    name = cbor.as_text(entries[1], "META-40: the name of a loss")
    if name and KINDS[kind] == "metadata":
        raise Malformed("META-40: lost metadata have a name")
    edges = [cbor.as_uint(entry, "META-40: an edge of a loss") for entry in entries[2:]]
    check_edges(edges)
    return [KINDS[kind], name, *edges]


def check_edges(edges: Sequence[int]) -> None:
    """Check that every stop is greater than its start (META-40)."""
    if any(stop <= start for start, stop in zip(edges[::2], edges[1::2], strict=True)):
        raise Malformed("META-40: a stop is not greater than its start")
