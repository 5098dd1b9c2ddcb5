"""Architectures that a file names, as far as a file that may be bad can be read."""

from __future__ import annotations

from ..decoder import DecodeError, Limits, cbor, numbers
from ..decoder.sections import Budget, Section

ARCHITECTURES = (
    "constant",
    "fvsrn",
    "pyramid",
    "shell",
    "neurcomp",
    "amgsrn",
    "miner",
    "siren",
    "hashgrid",
)
"""Names in `registry.md`, by id."""
_FIRST_SECTION = 12


def named_architectures(data: bytes) -> list[str]:
    """Return the architecture of each ITEM section, in file order.

    An id without a name is its number in decimal; a section that does not say one is left out.
    """
    out: list[str] = []
    budget = Budget(Limits())
    reader = numbers.Reader(data, _FIRST_SECTION)
    try:
        while reader.left:
            kind, attribute = reader.take(4), reader.u8()
            stored = reader.take(reader.uleb())
            reader.take(4)
            if kind == b"ITEM":
                out += _architecture(Section("ITEM", attribute, stored, 0, b""), budget)
    except DecodeError:
        return out
    return out


def _architecture(section: Section, budget: Budget) -> list[str]:
    try:
        item = cbor.parse(budget.payload(section), budget.limits.cbor_items)
        number = cbor.as_uint(cbor.as_list(cbor.as_map(item, "")[2], "")[0], "")
    except (DecodeError, LookupError):
        return []
    return [ARCHITECTURES[number] if number < len(ARCHITECTURES) else str(number)]
