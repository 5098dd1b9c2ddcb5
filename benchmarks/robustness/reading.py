"""Reading of an untrusted file by every call that a reader has, and its outcome."""

from __future__ import annotations

import hashlib
import logging
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import codec
from codec import Limits
from codec.errors import InrcError
from codec.reading.component_decoder import ComponentDecoder
from codec.reading.contents import FileContents

# Ceilings for mutants: legal files that ask for much are refused, and take no time.
SMALL = Limits(
    max_samples=2**16,
    max_parameters=2**18,
    max_multiply_adds=2**26,
    max_sections=2**10,
    max_metadata_bytes=2**20,
    max_verbatim_bytes=2**22,
    max_mask_samples=2**18,
)


@dataclass(frozen=True)
class Outcome:
    """Outcome of reading an input.

    Attributes:
        error: name of the class of the `InrcError`, "" if there was none.
        message: message of the error.
        escaped: traceback of anything else that was raised, "" if nothing was.
        digest: digest of all that was decoded.
        integers: SHA-256 of the integer layer, hexadecimal.
        values: decoded values by (item, component).
        seconds: processor time, so that other processes do not count.
    """

    error: str = ""
    message: str = ""
    escaped: str = ""
    digest: str = ""
    integers: str = ""
    values: dict[tuple[int, int], Any] | None = None
    seconds: float = 0.0

    @property
    def accepted(self) -> bool:
        return not self.error and not self.escaped


def quietly() -> None:
    """No log, no warnings: hostile files cause many, and the counts say it all."""
    logging.getLogger("inrc").addHandler(logging.NullHandler())
    logging.getLogger("inrc").propagate = False
    warnings.simplefilter("ignore")


def outcome_of(act: Callable[[], Outcome]) -> Outcome:
    """Outcome of a call, or the error that ended it, with its seconds."""
    started = time.process_time()
    try:
        outcome = act()
    except InrcError as error:
        outcome = Outcome(type(error).__name__, str(error))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # noqa: BLE001 (what is looked for; a Rust panic is no Exception)
        outcome = Outcome(escaped=traceback.format_exc())
    return replace(outcome, seconds=time.process_time() - started)


def attempt(data: bytes, limits: Limits, *, whole: bool = True) -> Outcome:
    """Read a file by all calls there are; with `whole` False only open it and check its CRCs."""

    def act() -> Outcome:
        with FileContents(data, device="cpu", threads=1, limits=limits) as file:
            file.streams.sections.check_all()
            outcome = _read(file) if whole else Outcome()
        if whole:
            codec.info(data, limits=limits)
        return outcome

    return outcome_of(act)


def _read(file: FileContents) -> Outcome:
    digest = hashlib.sha256()
    file.check_digest()
    integers = file.integer_digest()
    digest.update(integers)
    values = {}
    for item in file.items:
        # A reader gets blended values alone of tiles that overlap.
        if not item.header.overlap:
            for index in range(len(item.header.components)):
                values[item.number, index] = ComponentDecoder(item, index)[...]
    for name, field in file.fields.items():
        decoded = field[...]
        digest.update(name.encode() + str(decoded.shape).encode() + decoded.tobytes())
        digest.update(repr((field.attrs, field.coords, field.bound, field.dims)).encode())
        field.at(np.zeros((1, field.ndim)))
        field.at([[size - 1 for size in field.shape]])
        field[tuple(slice(size // 2, None) for size in field.shape)]
        if file.decoders[name].items[0].deepest_level:
            field.level(1)[...]
    metadata = file.metadata
    for path, value in metadata.verbatim.items():
        digest.update(path.encode() + repr(value).encode())
    digest.update(repr((metadata.made, metadata.medium, metadata.tree)).encode())
    return Outcome(digest=digest.hexdigest(), integers=integers.hex(), values=values)
