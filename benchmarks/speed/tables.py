"""Markdown tables of speeds, with ratios to SPERR in the same alternation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from speed.contenders import REFERENCE
from speed.rows import Row

EXPLANATION = f"""\
Speeds are medians of runs in turns, in millions of samples a second: inrc from file to file with
its verification, peers in memory. "x" is the speed over that of {REFERENCE} in the same turns.
Bytes of a peer are those at the PSNR of our first row, on the line through its settings around it
(the smallest file if even that is better); its speed is that of the setting whose dB are shown. "of
{REFERENCE}" is the ratio of bytes at equal PSNR, for each row of ours at its own PSNR. Memory is
the growth of the resident set in a fresh process that has coded a little file, in bytes a sample to
encode and to decode. In masked fields all samples are counted; peers get the invalid ones filled in
smoothly (zstd as 0) and are charged for the mask, one bit a sample through LZMA. A peer with fewer
threads than the part has no more in its package."""

_HEAD = (
    "| codec | threads | setting | dB | bytes | of SPERR | encode, M/s | x | decode, M/s | x "
    "| memory, B/sample |",
    "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|",
)


def tables(rows: Sequence[Row], level: int = 3) -> list[str]:
    """A table for every field, PSNR and number of threads, under headings of a level."""
    lines: list[str] = []
    for cell in dict.fromkeys(row.cell for row in rows):
        measured = [row for row in rows if row.cell == cell]
        first = measured[0]
        title = (
            f"{first.case} ({first.source}, {first.shape}) at {first.target_db:g} dB, "
            f"{first.part_threads} thread{'s' * (first.part_threads > 1)}"
        )
        lines += [f"{'#' * level} {title}", "", *table(measured), ""]
    return lines


def table(measured: Sequence[Row]) -> list[str]:
    """The table of one alternation."""
    reference = next((row for row in measured if row.codec == REFERENCE), None)
    return [*_HEAD, *(_line(row, reference) for row in measured)]


def _line(row: Row, reference: Row | None) -> str:
    is_ours = not math.isnan(row.encode_memory)
    size = float(row.bytes) if is_ours else row.equal_bytes[row.codec]
    unit = math.nan
    if reference is not None:
        unit = (row if is_ours else reference).equal_bytes[REFERENCE]
    encode = row.encode / reference.encode if reference else math.nan
    decode = row.decode / reference.decode if reference else math.nan
    memory = f"{row.encode_memory:.1f} / {row.decode_memory:.1f}" if is_ours else "-"
    cells = [
        row.codec, str(row.threads), row.setting, f"{row.psnr_db:.2f}",
        f"{size:,.0f}" if math.isfinite(size) else "-", _number(size / unit), f"{row.encode:.3g}",
        _number(encode), f"{row.decode:.3g}", _number(decode), memory,
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _number(ratio: float) -> str:
    return f"{ratio:.3g}" if math.isfinite(ratio) and ratio else "-"
