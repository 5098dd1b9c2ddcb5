"""Provenance of a file: the payload of its pROv section, which says how it was made.

Normative text: format_spec/metadata.md, "How a file was made".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from codec.errors import CorruptError
from codec.format import cbor

# Kinds of goals, by their number in a file.
GOALS = ("psnr", "ratio", "bytes", "max_error", "rel_error")
_GOAL, _EFFORT, _ARCHITECTURE, _ENCODER, _LOSSES = range(5)
# Kinds of losses, by their number in a file.
SAMPLES, BOUND, VARIABLE, METADATA = "samples", "bound", "variable", "metadata"
LOSSES = (SAMPLES, BOUND, VARIABLE, METADATA)


@dataclass(frozen=True)
class Loss:
    """Loss of a damaged file that this file was made of.

    Attributes:
        kind: "samples", which are invalid now; "bound", which is not promised any more;
            "variable", which is left out; or "metadata", all of it.
        name: name of the field or variable, "" where it is unknown.
        ranges: (first sample, sample after the last) per axis; () for all, or where none are known.
    """

    kind: str
    name: str
    ranges: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Request that an encoder was given; None where a file does not say.

    Attributes:
        goal: (one of `GOALS`, the number asked for) of the last command that changed the file.
        effort: effort of the encoder.
        architecture: number of the architecture asked for.
        encoder: name and version of the encoder, "" if unknown.
        losses: losses that no repair could save.
    """

    goal: tuple[str, float] | None = None
    effort: int | None = None
    architecture: int | None = None
    encoder: str = ""
    losses: tuple[Loss, ...] = ()

    def to_bytes(self) -> bytes:
        """The payload; the same for the same answers, whatever machine it is."""
        goal = None
        if self.goal is not None:
            kind, amount = self.goal
            goal = [GOALS.index(kind), int(amount) if float(amount).is_integer() else amount]
        values = {
            _GOAL: goal,
            _EFFORT: self.effort,
            _ARCHITECTURE: self.architecture,
            _ENCODER: self.encoder or None,
            _LOSSES: [_entry(loss) for loss in self.losses] or None,
        }
        return cbor.encode({key: value for key, value in values.items() if value is not None})

    @classmethod
    def from_bytes(cls, payload: bytes) -> Provenance:
        """The inverse of `to_bytes`.

        Raises:
            CorruptError: the payload breaks a rule of the format.
        """
        values = cbor.decode(payload)
        if not isinstance(values, dict) or not values.keys() <= set(range(5)):
            raise _wrong("it is not a map, or has an unknown key")
        effort, architecture = values.get(_EFFORT), values.get(_ARCHITECTURE)
        if not all(number is None or _is_count(number) for number in (effort, architecture)):
            raise _wrong("effort or architecture is not a number")
        encoder = values.get(_ENCODER, "")
        if not isinstance(encoder, str):
            raise _wrong("the encoder is not text")
        losses = values.get(_LOSSES, [])
        if not isinstance(losses, list) or (_LOSSES in values and not losses):
            raise _wrong("the losses are not a list")
        return cls(
            _goal(values.get(_GOAL)), effort, architecture, encoder, tuple(map(_loss, losses))
        )


def _entry(loss: Loss) -> list[Any]:
    return [LOSSES.index(loss.kind), loss.name, *(edge for span in loss.ranges for edge in span)]


def _loss(value: Any) -> Loss:
    if not isinstance(value, list) or len(value) < 2 or len(value) % 2:
        raise _wrong("a loss is not a kind, a name and ranges")
    kind, name, *edges = value
    if not all(map(_is_count, [kind, *edges])) or kind >= len(LOSSES) or not isinstance(name, str):
        raise _wrong("a loss is unknown")
    ranges = tuple(zip(edges[::2], edges[1::2], strict=True))
    if any(start >= stop for start, stop in ranges):
        raise _wrong("a loss has an empty range")
    return Loss(LOSSES[kind], name, ranges)


def _goal(value: Any) -> tuple[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 2 or not _is_count(value[0]):
        raise _wrong("the goal is not a kind and a number")
    kind, amount = value
    if kind >= len(GOALS) or type(amount) not in (int, float) or not math.isfinite(amount):
        raise _wrong("the goal is unknown")
    name = GOALS[kind]
    if amount < 0 or (amount == 0 and name not in ("max_error", "rel_error")):
        raise _wrong("the goal is not a positive number")
    if (name == "rel_error" and amount >= 1) or (name == "bytes" and type(amount) is not int):
        raise _wrong("the goal is no share, or no number of bytes")
    return name, amount


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _wrong(complaint: str) -> CorruptError:
    return CorruptError(f"how the file was made: {complaint}", section="pROv")
