"""The types of sections, a row each: all that code asks about a type.

A new type that a reader may skip takes one module (what makes, checks and describes its payload)
and one row. `SECTION_TYPES` is the only table of types, and nobody copies it: code asks for a row
when it needs one, so a row that is put into the table counts everywhere from then on.

Normative text: format_spec/inrc-1.md, section 3.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class Copier(Enum):
    """Who writes a new file from another one."""

    APPEND = "append"
    TRANSCODE = "transcode"
    REPAIR = "repair"


# Modules that rows name functions of.
_CONTENTS = "codec.inspecting.section_contents"
_DESCRIBED = "codec.coding.described_sections"

_ALL = frozenset(Copier)
# Descriptions of the input are made anew where a field grows, and copied by everybody else.
_DESCRIPTIONS = frozenset({Copier.TRANSCODE, Copier.REPAIR})
# The rank of every section that readers of models do not need.
_OTHER_RANK = 3


@dataclass(frozen=True, kw_only=True)
class SectionType:
    """Row of a type.

    Attributes:
        name: four ASCII letters.
        known: whether the table has it; a type without a row is known by its letters alone.
        rank: place in a file: writers put no section before one of a lower rank.
        at_most_once: whether a second one makes a file malformed (SEC-6).
        limit: name of the limit on the size of its payload, as `Limits.check` takes it.
        digested: whether the digest of the file covers its integers (END-2).
        owned: whether it belongs to one item, whose number its payload begins with.
        copied_by: who copies such sections as they are stored. Others leave them out, or make new
            ones.
        encode: "module:function" that makes the payloads of all such sections of a file, from the
            `Described` input and the `Provenance` (or None); "" for what is made otherwise.
        check: "module:function" that `codec.verify` calls with the open file and the section,
            and that raises a `FormatError` for a bad payload; "" where opening the file, or its
            digest, checks enough.
        describe: "module:function" that gives the words of `codec.info`, from the open file, the
            section, its number among those of its type, and `whole`: whether the payload may be
            read even if it is large.
    """

    name: str
    known: bool = True
    rank: int = _OTHER_RANK
    at_most_once: bool = False
    limit: str = "verbatim_bytes"
    digested: bool = False
    owned: bool = False
    copied_by: frozenset[Copier] = frozenset()
    encode: str = ""
    check: str = ""
    describe: str = f"{_CONTENTS}:describe_unknown"

    @property
    def critical(self) -> bool:
        """Whether a reader that does not know the type must refuse the file (SEC-2)."""
        return self.name[0].isupper()


SECTION_TYPES: Final[dict[str, SectionType]] = {
    row.name: row
    for row in (
        SectionType(
            name="HEAD",
            rank=0,
            at_most_once=True,
            limit="metadata_bytes",
            describe=f"{_CONTENTS}:describe_head",
        ),
        SectionType(
            name="ITEM",
            rank=1,
            limit="metadata_bytes",
            describe=f"{_CONTENTS}:describe_item",
        ),
        SectionType(
            name="MASK",
            rank=2,
            digested=True,
            describe=f"{_CONTENTS}:describe_mask",
        ),
        SectionType(
            name="VERB",
            copied_by=_DESCRIPTIONS,
            encode=f"{_DESCRIBED}:verbatim_payloads",
            describe=f"{_CONTENTS}:describe_verbatim",
        ),
        SectionType(
            name="mETa",
            at_most_once=True,
            limit="metadata_bytes",
            copied_by=_DESCRIPTIONS,
            encode=f"{_DESCRIBED}:metadata_payloads",
            check=f"{_CONTENTS}:check_metadata",
            describe=f"{_CONTENTS}:describe_metadata",
        ),
        SectionType(
            name="pROv",
            limit="metadata_bytes",
            copied_by=_DESCRIPTIONS,
            encode=f"{_DESCRIBED}:provenance_payloads",
            describe=f"{_CONTENTS}:describe_provenance",
        ),
        SectionType(
            name="TENS",
            rank=4,
            digested=True,
            owned=True,
            describe=f"{_CONTENTS}:describe_integers",
        ),
        SectionType(
            name="RESD",
            rank=4,
            digested=True,
            owned=True,
            describe=f"{_CONTENTS}:describe_integers",
        ),
        SectionType(
            name="tIDX",
            rank=5,
            at_most_once=True,
            describe=f"{_CONTENTS}:describe_index",
        ),
        SectionType(
            name="ENDS",
            rank=6,
            at_most_once=True,
            describe=f"{_CONTENTS}:describe_end",
        ),
    )
}


def section_type(name: str) -> SectionType:
    """The row of a type, or what its letters say of one that the table does not have (SEC-3)."""
    row = SECTION_TYPES.get(name)
    if row is not None:
        return row
    copied_by = _ALL if name[3].islower() else frozenset[Copier]()
    return SectionType(name=name, known=False, copied_by=copied_by)


def owned_types() -> list[str]:
    """Names of the types whose sections belong to one item, in their order in a file."""
    return [row.name for row in SECTION_TYPES.values() if row.owned]


def handler(reference: str) -> Callable[..., Any]:
    """The function that a row names as "module:function"."""
    module, _, function = reference.partition(":")
    resolved: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return resolved
