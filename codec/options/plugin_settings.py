"""Settings of plugins: frozen dataclasses whose fields say what they mean and what they may be.

A plugin declares its settings with `setting`; `configured` fills them from texts such as
`arch.width=64`; `space` lists them for who wants to show or to search them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from codec.errors import InvalidOptionError

ARCHITECTURE, PRUNER, QUANTISER, FIT, TILE = "arch", "prune", "quantise", "fit", "tile"
GROUPS = (ARCHITECTURE, PRUNER, QUANTISER, FIT, TILE)

Texts = tuple[tuple[str, str], ...]
_SettingsT = TypeVar("_SettingsT")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True)
class NoSettings:
    """The settings of a plugin that has none."""


@dataclass(frozen=True)
class Setting:
    """One field of a plugin's settings.

    Attributes:
        name: name of the field.
        default: its value if it is not set; its type is that of the setting: int, float, bool,
            str, or a tuple of whole numbers.
        about: description of its effect, with its unit.
        low, high: least and greatest value, both allowed, or None.
        choices: the values of a text, or empty if any will do.
        logarithmic: whether a search should step through it by factors.
    """

    name: str
    default: Any
    about: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    logarithmic: bool = False


def setting(
    default: Any,
    about: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    logarithmic: bool = False,
) -> Any:
    """A field of a settings dataclass; see `Setting`."""
    declared = {
        "about": about,
        "low": low,
        "high": high,
        "choices": choices,
        "logarithmic": logarithmic,
    }
    return dataclasses.field(default=default, metadata=declared)


def space(kind: type) -> tuple[Setting, ...]:
    """The settings that a dataclass declares."""
    declared = dataclasses.fields(kind)
    return tuple(Setting(entry.name, entry.default, **entry.metadata) for entry in declared)


def texts_of(settings: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> Texts:
    """Settings by full name ("arch.width") as texts, sorted, each given once.

    Raises:
        InvalidOptionError: a name without a known group, or one that is given twice.
    """
    pairs = list(settings.items() if isinstance(settings, Mapping) else settings)
    texts: dict[str, str] = {}
    for full_name, value in pairs:
        group, dot, name = full_name.partition(".")
        if group not in GROUPS or not dot or not name:
            known = ", ".join(f"{known_group}.NAME" for known_group in GROUPS)
            raise InvalidOptionError(f"setting {full_name!r}: write one of {known}")
        if full_name in texts:
            raise InvalidOptionError(f"setting {full_name!r} is given twice")
        texts[full_name] = _text(value)
    return tuple(sorted(texts.items()))


def configured(kind: type[_SettingsT], group: str, owner: str, texts: Texts) -> _SettingsT:
    """The settings of one plugin.

    Args:
        kind: its settings dataclass.
        group: one of `GROUPS`; texts of other groups are somebody else's.
        owner: name of the plugin, for messages.

    Raises:
        InvalidOptionError: a setting it does not have, or a value that it cannot have.
    """
    known = {declared.name: declared for declared in space(kind)}
    values: dict[str, Any] = {}
    for full_name, text in texts:
        of_group, _, name = full_name.partition(".")
        if of_group != group:
            continue
        if name not in known:
            there = ", ".join(f"{group}.{known_name}" for known_name in known) or "none"
            raise InvalidOptionError(f"{owner} has no setting {full_name!r}; there are: {there}")
        values[name] = _parsed(full_name, text, known[name])
    return kind(**values)


def _text(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return "x".join(map(str, value))
    return str(value)


def _parsed(name: str, text: str, declared: Setting) -> Any:
    value = _of_type(name, text, declared.default)
    if declared.choices and value not in declared.choices:
        raise InvalidOptionError(f"{name}={text}: choose {', '.join(declared.choices)}")
    for number in value if isinstance(value, tuple) else (value,):
        low, high = declared.low, declared.high
        if (low is not None and number < low) or (high is not None and number > high):
            raise InvalidOptionError(f"{name}={text}: choose {_range(low, high)}")
    return value


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high:g}"
    return f"at least {low:g}" if high is None else f"{low:g} to {high:g}"


def _of_type(name: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
        raise InvalidOptionError(f"{name}={text}: choose true or false")
    if isinstance(default, str):
        return text
    try:
        if isinstance(default, tuple):
            return tuple(int(part) for part in text.split("x"))
        if isinstance(default, int):
            return int(text)
        number = float(text)
    except ValueError:
        wanted = "sizes like 16x16x16" if isinstance(default, tuple) else "a number"
        whole = "a whole number" if isinstance(default, int) else wanted
        raise InvalidOptionError(f"{name}={text}: give {whole}") from None
    if not math.isfinite(number):
        raise InvalidOptionError(f"{name}={text}: give a finite number")
    return number
