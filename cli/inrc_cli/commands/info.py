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
            summary = codec.info(sys.stdin.buffer.read())
    else:
        with failures.about(source):
            summary = codec.info(source)
    if as_json:
        tables.show_json(dataclasses.asdict(summary) | {"ratio": _ratio(summary)})
    else:
        _show(summary)


def _ratio(summary: FileInfo) -> float:
    return summary.field_bytes / summary.file_bytes


def _show(summary: FileInfo) -> None:
    tables.show_line(
        f"{summary.path}: {tables.format_bytes(summary.file_bytes)}, ratio {_ratio(summary):,.1f}, "
        f"format {summary.format_version}, level {summary.level}, from {summary.medium}"
    )
    if summary.fields:
        tables.show_line("")
        tables.show_table(_FIELD_HEADINGS, map(_field_row, summary.fields))
    tables.show_line("")
    tables.show_table(
        ("section", ">bytes", ">share", "content"),
        (
            (name, f"{size:,}", f"{size / summary.file_bytes:.1%}", content)
            for name, size, content in _section_rows(summary.sections)
        ),
    )
    if summary.verbatim:
        tables.show_line("")
        tables.show_table(
            ("verbatim", "type", "shape"),
            ((path, kind, _shape(shape)) for path, kind, shape in summary.verbatim),
        )


def _section_rows(sections: Sequence[SectionInfo]) -> Iterator[tuple[str, int, str]]:
    """Type, bytes and content of each section; runs of one type share a row if there are many."""
    if len(sections) <= _MOST_ROWS:
        yield from ((section.type, section.file_bytes, section.content) for section in sections)
        return
    for name, run in itertools.groupby(sections, lambda section: section.type):
        alike = list(run)
        content = alike[0].content if len(alike) == 1 else f"{len(alike):,} sections"
        yield name, sum(section.file_bytes for section in alike), content


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
