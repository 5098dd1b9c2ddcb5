"""`inrc info`."""

from __future__ import annotations

import dataclasses
import math
import sys

import click

import codec
from codec.reports import FieldInfo, FileInfo
from inrc_cli import arguments, failures, tables
from inrc_cli.paths import STDIN

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
@arguments.input_argument
@arguments.json_option
def info(source: str, as_json: bool) -> None:
    """Show what INPUT holds and what takes its bytes.

    Every checksum is checked, nothing is decoded. `-` is standard input.
    """
    if source == STDIN:
        with failures.about("standard input"):
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
            (
                section.type,
                f"{section.file_bytes:,}",
                f"{section.file_bytes / found.file_bytes:.1%}",
                section.content,
            )
            for section in found.sections
        ),
    )
    if found.verbatim:
        tables.show_line("")
        tables.show_table(
            ("verbatim", "type", "shape"),
            ((path, kind, _shape(shape)) for path, kind, shape in found.verbatim),
        )


def _field_row(field: FieldInfo) -> tuple[str, ...]:
    shared = f", shared by {field.components}" if field.components > 1 else ""
    bound = "" if field.bound is None else f", within {field.bound:g}"
    return (
        field.name,
        _shape(field.shape, field.dims),
        field.dtype,
        field.units,
        f"{field.architecture}{shared}{bound}",
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
