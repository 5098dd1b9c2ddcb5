"""Numbers, tables and JSON documents on stdout."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from os import PathLike

import click

from codec.reports import FieldQuality
from inrc_cli.wording import printable

QUALITY_HEADINGS = ("field", ">samples", ">PSNR", ">max error", ">RMSE", ">range", "mask")


def format_bytes(count: int) -> str:
    """Exact number of bytes, and a rounded one where it is easier to grasp."""
    if count < 1000:
        return f"{count} bytes"
    power = min((len(str(count)) - 1) // 3, 4)
    return f"{count:,} bytes ({count / 1000**power:.3g} {' kMGT'[power]}B)"


def format_psnr(psnr: float) -> str:
    """PSNR in dB, "exact" where nothing differs, "-" where there is nothing to compare."""
    if math.isnan(psnr):
        return "-"
    return "exact" if psnr == math.inf else f"{psnr:.2f} dB"


def format_amount(amount: float, units: str) -> str:
    """Amount with four digits and its unit."""
    return f"{amount:.4g} {units}".strip()


def quality_row(quality: FieldQuality) -> tuple[str, ...]:
    """The cells under `QUALITY_HEADINGS`."""
    return (
        quality.name,
        f"{quality.valid:,}",
        format_psnr(quality.psnr),
        format_amount(quality.max_error, quality.units),
        format_amount(quality.rmse, quality.units),
        format_amount(quality.value_range, quality.units),
        "intact" if quality.mask_intact else "differs",
    )


def show_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on stdout; a heading that starts with ">" has its column to the right."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(
            heading.removeprefix(">"),
            justify="right" if heading.startswith(">") else "left",
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    # A pipe has no edge to wrap at.
    console = Console() if sys.stdout.isatty() else Console(width=10_000)
    with console.capture() as drawn:
        console.print(table)
    lines = drawn.get().rstrip().split("\n")
    click.echo("\n".join(line.rstrip() for line in lines), color=True)


def show_line(text: str) -> None:
    """Print one line on stdout."""
    click.echo(printable(text))


def show_json(document: object) -> None:
    """Print one JSON document on stdout."""
    click.echo(json.dumps(_plain(document), indent=2, allow_nan=False))


def _plain(value: object) -> object:
    """`value` as JSON has it: paths as strings, and null for numbers that are not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, PathLike):
        return str(value)
    return value
