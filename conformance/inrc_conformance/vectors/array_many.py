"""Vectors of very many streams of coder 7 (STR-10): as many as an item may have, and one more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, zip_longest
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec
from ..builders.fvsrn import Fvsrn
from ..builders.mixing import array_stream
from ..builders.streams import raw_stream
from ..decoder.integer_sections import MOST_ARRAYS
from .case import Case, case
from .mask import ball
from .residual import residual_item

_Part = tuple[list[bytes], list[int]]
"""The streams of a section, and the integers they hold."""
_MORE = MOST_ARRAYS + 1
_DIMS = (33, 32)
"""Dims of an item with more samples than an item may have arrays."""
_SAMPLES = _DIMS[0] * _DIMS[1]
_ALONE = {n: array_stream((1,), [n]) for n in (-1, 0, 1)}


def many_array_cases() -> Iterator[Case]:
    """Items with 1024 arrays in TENS, in RESD, or in both."""
    some = {
        "tens": _tensors([MOST_ARRAYS]),
        "tens-of-sections": _tensors([1, 700, 0, MOST_ARRAYS - 701]),
        "tens-of-two-items": _tensors([MOST_ARRAYS], [MOST_ARRAYS]),
        "tens-of-two-items-in-turns": _tensors([600, MOST_ARRAYS - 600], [1, MOST_ARRAYS - 1]),
        "resd": _residuals([MOST_ARRAYS]),
        "resd-of-sections": _residuals([MOST_ARRAYS - 1, 1]),
        "resd-of-two-items": _residuals([MOST_ARRAYS], [500, MOST_ARRAYS - 500]),
        "tens-and-resd": _both(MOST_ARRAYS, MOST_ARRAYS),
    }
    for name, file in some.items():
        yield case("array", f"many-{name}", file, "STR-10")
    mask = _masked(MOST_ARRAYS).build()
    yield case("array", "many-tens-and-patterns", mask, "STR-10 MASK-4", tags="mask")


def many_array_faults() -> Iterator[Case]:
    """Items with more than 1024 arrays in TENS or in RESD."""
    some = {
        "tens": _tensors([_MORE]),
        "tens-and-nothing-else": _tensors([_ENTRIES]),
        "tens-of-sections": _tensors([MOST_ARRAYS, 0, 1]),
        "tens-of-many-sections": _tensors([256, 256, 256, 256, 1]),
        "tens-of-the-second-item": _tensors([3], [1000, _MORE - 1000]),
        "tens-of-the-first-item-in-turns": _tensors([600, _MORE - 600], [1, MOST_ARRAYS - 1]),
        "resd": _residuals([_MORE]),
        "resd-and-nothing-else": _residuals([_SAMPLES]),
        "resd-of-sections": _residuals([1, MOST_ARRAYS]),
        "resd-of-the-second-item": _residuals([MOST_ARRAYS], [_MORE]),
        "tens-beside-resd": _both(_MORE, 1),
        "resd-beside-tens": _both(1, _MORE),
    }
    for name, file in some.items():
        yield case("array", f"more-than-1024-{name}", file, "STR-10", "malformed")


def _model(number: int, dims: Sequence[int] = (3, 2), **options: Any) -> Fvsrn:
    """Return a network with more coded entries than an item may have arrays."""
    components = options.pop("components", ((f"c{number}", 7, 0.5, 2.0),))
    return Fvsrn(dims, (17, 15), 4, components=components, seed=620 + number, **options)


def _parts(item: int, size: int, arrays: Sequence[int]) -> list[_Part]:
    """Return sections with some numbers of arrays; the last one has all other integers, too."""
    values = [(n // 7 + item) % 3 - 1 for n in range(size)]
    starts = [sum(arrays[:n]) for n in range(len(arrays))] + [size]
    out: list[_Part] = []
    for (start, stop), number in zip(pairwise(starts), arrays, strict=True):
        some = values[start:stop]
        streams = [_ALONE[value] for value in some[:number]]
        others = [raw_stream(some[number:])] if number < len(some) else []
        out.append(([*streams, *others], some))
    return out


def _in_turns(add: Callable[..., File], parts: Sequence[Sequence[_Part]]) -> None:
    """Add a section of each item, then another of each, as long as there are any."""
    for some in zip_longest(*parts):
        for item, part in enumerate(some):
            if part is not None:
                add(*part, item, 1)


def _tensors(*arrays: Sequence[int]) -> File:
    """Return an item for each list, which has the numbers of arrays of its TENS sections."""
    file = File()
    for number in range(len(arrays)):
        file.item(_model(number).header())
    _in_turns(file.tens, [_parts(n, _ENTRIES, some) for n, some in enumerate(arrays)])
    return file


def _residuals(*arrays: Sequence[int]) -> File:
    """Return an item for each list, which has the numbers of arrays of its RESD sections."""
    file = File()
    for number in range(len(arrays)):
        file.item(residual_item(_DIMS, ((f"c{number}", 7, 1.5, 0.0),)))
    _in_turns(file.resd, [_parts(n, _SAMPLES, some) for n, some in enumerate(arrays)])
    return file


def _both(tensors: int, residuals: int) -> File:
    """Return an item with so many arrays in TENS, and so many in RESD."""
    file = File().item(_model(0, _DIMS).header(k7=[0.25]))
    _in_turns(file.tens, [_parts(0, _ENTRIES, [tensors])])
    _in_turns(file.resd, [_parts(0, _SAMPLES, [residuals])])
    return file


def _masked(tensors: int) -> File:
    """Return an item with so many arrays in TENS; fill patterns are one more."""
    bits = ball((7, 8))
    count = bits.size - int(np.count_nonzero(bits))
    indices = [n % 2 for n in range(count)]
    mask = MaskSpec(bits, patterns=(1, 2), indices=indices, stream=array_stream((count,), indices))
    model = _model(0, (7, 8), components=(("a", 7, 0.5, 2.0, 0),))
    file = File().item(model.header()).mask(mask)
    _in_turns(file.tens, [_parts(0, _ENTRIES, [tensors])])
    return file


_ENTRIES = sum(_model(0).counts())
