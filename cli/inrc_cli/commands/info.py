"""`inrc info`."""

from __future__ import annotations

import dataclasses
import itertools
import math
import sys
from collections.abc import Iterator, Sequence

import click

import codec
from codec.reports import FieldInfo, FileInfo, SectionInfo
from inrc_cli import failures, shared_options, tables
from inrc_cli.paths import STDIN

# More sections than this are summed up by type; --json lists them all.
_MOST_ROWS = 64
_FIELD_HEADINGS = (
    "field",
    "shape",
    "dtype",
    "units",
    "architecture",
    ">parameters",
    ">bytes",
    ">bits/sample",
)


@click.command()
@shared_options.input_argument
@shared_options.json_option
def info(source: str, as_json: bool) -> None:
    """Show what INPUT holds and what takes its bytes.

    Every checksum is checked, nothing is decoded. `-` is standard input. INPUT may be a URL, of
    which only the heads are fetched and checked.
    """
    if source == STDIN:
        with failures.about(failures.STANDARD_INPUT):
            found = codec.info(sys.stdin.buffer.read())
    else:
        with failures.about(source):
            found = codec.info(source)
    if as_json:
        tables.show_json(dataclasses.asdict(found) | {"ratio": _ratio(found)})
    else:
        _show(found)


def _ratio(found: FileInfo) -> float:
    return found.field_bytes / found.file_bytes


def _show(found: FileInfo) -> None:
    tables.show_line(
        f"{found.path}: {tables.format_bytes(found.file_bytes)}, ratio {_ratio(found):,.1f}, "
        f"format {found.format_version}, level {found.level}, from {found.medium}"
    )
    if found.fields:
        tables.show_line("")
        tables.show_table(_FIELD_HEADINGS, map(_field_row, found.fields))
    tables.show_line("")
    tables.show_table(
        ("section", ">bytes", ">share", "content"),
        (
            (name, f"{size:,}", f"{size / found.file_bytes:.1%}", content)
            for name, size, content in _section_rows(found.sections)
        ),
    )
    if found.verbatim:
        tables.show_line("")
        tables.show_table(
            ("verbatim", "type", "shape"),
            ((path, kind, _shape(shape)) for path, kind, shape in found.verbatim),
        )


def _section_rows(sections: Sequence[SectionInfo]) -> Iterator[tuple[str, int, str]]:
    """Type, bytes and content of each section; of many, a row for each run of one type."""
    if len(sections) <= _MOST_ROWS:
        yield from ((one.type, one.file_bytes, one.content) for one in sections)
        return
    for name, run in itertools.groupby(sections, lambda section: section.type):
        found = list(run)
        content = found[0].content if len(found) == 1 else f"{len(found):,} sections"
        yield name, sum(section.file_bytes for section in found), content


def _field_row(field: FieldInfo) -> tuple[str, ...]:
    shared = f", shared by {field.components}" if field.components > 1 else ""
    cut = f", {field.tiles} tiles" if field.tiles > 1 else ""
    bound = "" if field.bound is None else f", within {field.bound:g}"
    return (
        field.name,
        _shape(field.shape, field.dims),
        field.dtype,
        field.units,
        f"{field.architecture}{shared}{cut}{bound}",
        f"{field.parameters:,}",
        f"{field.model_bytes + field.mask_bytes:,}",
        _bits_per_sample(field),
    )


def _bits_per_sample(field: FieldInfo) -> str:
    """Bits of the field's mask and of its share of the model, for one sample."""
    samples = math.prod(field.shape)
    owned = field.model_bytes / field.components + field.mask_bytes
    return f"{8 * owned / samples:.4f}" if samples else "-"


def _shape(shape: tuple[int, ...], dims: tuple[str, ...] = ()) -> str:
    """The sizes with their names, as in "time 10 x lat 20"."""
    if not shape:
        return "scalar"
    names = dims or ("",) * len(shape)
    return " x ".join(f"{name} {size}".strip() for name, size in zip(names, shape, strict=True))
