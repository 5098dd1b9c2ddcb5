"""Checks JSON values against the part of JSON Schema that `case.schema.json` uses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

CASE_SCHEMA = Path(__file__).resolve().parents[2] / "case.schema.json"
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_NOTES = {"$schema", "title"}


def case_schema() -> dict[str, Any]:
    """Return the schema of `case.json`; an installed package lacks it, and so checks nothing."""
    if not CASE_SCHEMA.exists():
        return {}
    schema: dict[str, Any] = json.loads(CASE_SCHEMA.read_text(encoding="utf-8"))
    return schema


def problems(value: object, schema: Mapping[str, Any], place: str = "case.json") -> list[str]:
    """Return what is wrong with a value; a keyword that is not known here is a ValueError."""
    return list(_problems(value, schema, place))


def _problems(value: object, schema: Mapping[str, Any], place: str) -> Iterator[str]:
    for keyword, wanted in schema.items():
        if keyword in _NOTES or keyword in ("properties", "additionalProperties"):
            continue
        if keyword == "oneOf":
            if sum(not problems(value, alternative, place) for alternative in wanted) != 1:
                yield f"{place}: not exactly one of the alternatives of the schema"
        elif keyword == "items":
            for index, entry in enumerate(value if isinstance(value, list) else ()):
                yield from _problems(entry, wanted, f"{place}[{index}]")
        elif not _holds(keyword, wanted, value):
            yield f"{place}: {keyword} {wanted!r} does not hold for {str(value)[:60]!r}"
    if isinstance(value, dict):
        yield from _members(value, schema, place)


def _members(value: Mapping[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name, entry in value.items():
        if name in known:
            yield from _problems(entry, known[name], f"{place}.{name}")
        elif others is False:
            yield f"{place}: unknown key {name!r}"
        elif others is not True:
            yield from _problems(entry, others, f"{place}.{name}")


def _holds(keyword: str, wanted: Any, value: Any) -> bool:
    """Say whether one keyword holds; those of another type of value always do."""
    if keyword == "type":
        return isinstance(value, _TYPES[wanted]) and (
            wanted == "boolean" or not isinstance(value, bool)
        )
    if keyword == "enum":
        return any(value == choice and type(value) is type(choice) for choice in wanted)
    if keyword == "required":
        return not isinstance(value, dict) or set(wanted) <= value.keys()
    if keyword == "pattern":
        return not isinstance(value, str) or re.search(wanted, value) is not None
    if keyword == "minLength":
        return not isinstance(value, str) or len(value) >= wanted
    if keyword == "minItems":
        return not isinstance(value, list) or len(value) >= wanted
    if keyword == "minimum":
        return not isinstance(value, int | float) or value >= wanted
    raise ValueError(f"the schema has a keyword that is not known here: {keyword}")
