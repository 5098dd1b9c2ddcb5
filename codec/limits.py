"""Limits on what a file may ask of a reader, checked before anything is allocated or computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from codec.errors import LimitError, MemoryLimitError


@dataclass(frozen=True)
class Limits:
    """Ceilings on what a file may declare; a file above any of them raises `LimitError`.

    The defaults admit fields of a few billion samples and refuse what only a hostile file would
    ask for. `Limits.level(1)` and `Limits.level(2)` are the levels of the format.

    Attributes:
        max_samples: output samples, summed over the components of all items.
        max_parameters: integers in all tensor streams together.
        max_multiply_adds: multiply-adds to evaluate every sample of the file once.
        max_sections: sections in the file.
        max_metadata_bytes: decoded bytes of one HEAD, ITEM or metadata section.
        max_verbatim_bytes: decoded bytes of all verbatim sections together.
        max_mask_samples: samples of all masks together.
    """

    max_samples: int = 2**33
    max_parameters: int = 2**28
    max_multiply_adds: int = 2**46
    max_sections: int = 2**16
    max_metadata_bytes: int = 2**24
    max_verbatim_bytes: int = 2**34
    max_mask_samples: int = 2**33

    @classmethod
    def level(cls, level: int) -> Limits:
        """The limits that define conformance level 1 or 2 (format_spec/inrc-1.md, section 9)."""
        if level == 1:
            return cls(2**28, 2**24, 2**38, 2**12, 2**24, 2**28, 2**28)
        if level == 2:
            return cls(2**40, 2**28, 2**50, 2**20, 2**28, 2**40, 2**40)
        raise ValueError(f"there is no level {level}")

    def check(
        self, field: str, declared: int, *, section: str | None = None, offset: int | None = None
    ) -> None:
        """Raise `LimitError` if `declared` exceeds the limit called `max_<field>`."""
        allowed = getattr(self, f"max_{field}")
        if declared > allowed:
            what = field.replace("_", " ")
            raise LimitError(
                f"the file declares {declared} {what}, this reader allows {allowed}",
                section=section,
                offset=offset,
            )


@contextmanager
def within_memory() -> Iterator[None]:
    """Block or decorator for work on a file, in which a lack of memory counts as a limit.

    Raises:
        MemoryLimitError: there was too little memory.
    """
    try:
        yield
    except MemoryLimitError:
        raise
    except MemoryError as error:
        raise MemoryLimitError(
            f"there is not enough memory ({str(error).rstrip('.') or 'none is left'}); "
            "read a part of the field, or lower Limits to be told before"
        ) from error
