"""The file of an encode: written, read again, and measured before it appears under its name."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np

from codec.coding.normalise import FieldRange
from codec.coding.write_file import FileParts
from codec.encoding.encode_tile import EncodedTile
from codec.encoding.tile_plan import TilePlan
from codec.files.atomic import atomic_path
from codec.format.tile_grid import Box
from codec.measuring.quality import (
    Deviation,
    deviation,
    error_unit,
    quality_of,
    with_shared_psnr,
)
from codec.media.dataset import Field
from codec.reading.contents import FileContents, reopened
from codec.reports import FieldQuality


@contextmanager
def written_file(
    target: str | os.PathLike[str], parts: FileParts, *, overwrite: bool, threads: int = 0
) -> Iterator[FileContents]:
    """The file, open and with every checksum checked; `target` is there after the block.

    If the block fails, nothing is written.
    """
    with atomic_path(target, overwrite=overwrite) as temporary:
        with temporary.open("wb") as stream:
            parts.write(stream)
        with reopened(temporary, threads) as file:
            file.streams.sections.check_all()
            yield file


def qualities_in(
    file: FileContents,
    plan: TilePlan,
    tiles: Mapping[int, EncodedTile],
    ranges: Mapping[str, FieldRange],
    starts: Sequence[Sequence[int]] = (),
) -> tuple[FieldQuality, ...]:
    """The quality of every field, combined from what was measured of its tiles.

    Where tiles share samples no tile alone can tell, and where none was measured neither: there the
    field is decoded from the file, core by core.

    Args:
        tiles: by the number of their item.
        ranges: of the fields, by name; a field that has none is measured in its own.
        starts: for each group, where its samples begin in the fields of the file; empty for 0.
    """
    by_name = plan.by_name
    qualities = {}
    for position, group in enumerate(plan.groups):
        grid = group.grid
        start = starts[position] if starts else (0,) * len(grid.cuts)
        for index, name in enumerate(group.names):
            if tiles and not grid.margins:
                parts = [tiles[number].deviations[index] for number in grid.numbers]
            else:
                span = ranges.get(name)
                parts = [_deviation(file, by_name[name], box, span, start) for box in grid.boxes()]
            qualities[name] = quality_of(by_name[name], parts)
    return with_shared_psnr([qualities[field.name] for field in plan.fields], plan.fields)


def _deviation(
    file: FileContents, field: Field, box: Box, span: FieldRange | None, start: Sequence[int]
) -> Deviation:
    """Deviation of a decoded box of a field from the original."""
    part = field.part(box)
    placed = tuple(
        slice(axis.start + shift, axis.stop + shift) for axis, shift in zip(box, start, strict=True)
    )
    original = np.ascontiguousarray(part.values[...])
    unit = None if span is None else error_unit(part, span.low, span.high)
    return deviation(part, original, file.fields[field.name][placed], unit)
