"""Report on the tables: the section "plugins" of RESULTS.md, and the page of curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from reporting.machine import describe_machine
from reporting.prose import wrapped
from reporting.sections import REPOSITORY, RESULTS_PAGE, replace_section

from research_systems import tables
from research_systems.architectures import ARCHITECTURES
from research_systems.systems import SYSTEMS, System

_CURVES_PAGE = REPOSITORY / "docs" / "plugins" / "curves.md"
_ABOUT_STORAGE = (
    "Fits of one length, parameters in 14 bits; then the source's own storage, and "
    "`inrc transcode` at the PSNR that it leaves, 0.05 dB less at most: rounded and coded "
    "alone, or finetuned against what the parameters decode to for half as many steps, "
    "whichever is smaller."
)
_OLDER_ROWS = (
    "Rows of 0 finetune steps are of an earlier version, without coder 7 (arrays), and LFGC "
    "with gates that all features share."
)


def write_section() -> None:
    """Write the section of RESULTS.md from the tables on the disk."""
    lines = ["Made by `make bench-plugins`; do not edit.", ""]
    lines += [f"- {key}: {value}" for key, value in describe_machine().items()]
    lines += ["", "### The same fitted parameters, stored", ""]
    lines += [_ABOUT_STORAGE, "", _OLDER_ROWS, "", *_storage_table(), ""]
    rows = tables.read_rows(tables.STORAGE)
    for system in SYSTEMS:
        lines += _verdict(system, [row for row in rows if row["system"] == system.name])
    lines += ["", "### All architectures at equal bytes", "", *_architecture_table()]
    replace_section(RESULTS_PAGE, "plugins", "\n".join(lines))


def _storage_table() -> list[str]:
    lines = [
        "| system | input | parameters | fitted | source: bytes | dB | inrc, rounded: bytes "
        "| finetune | inrc: bytes | dB | ratio |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for row in tables.read_rows(tables.STORAGE):
        lines.append(
            f"| {row['system']} | {row['data']} | {int(row['parameters']):,} | "
            f"{row['fitted_psnr']} dB | {int(row['source_bytes']):,} | {row['source_psnr']} | "
            f"{int(row['rounded_bytes']):,} | {row['finetune_steps']} | {int(row['bytes']):,} | "
            f"{row['psnr']} | {float(row['ratio']):.3f} |"
        )
    return lines


def _verdict(system: System, rows: Sequence[dict[str, str]]) -> list[str]:
    if not rows:
        return []
    ratios = np.array([float(row["ratio"]) for row in rows])
    mean = float(np.exp(np.log(ratios).mean()))
    verdict = ""
    if system.target is not None:
        verdict = f", target {system.target}: " + ("pass" if mean <= system.target else "**fail**")
    return [f"- {system.name}: geometric mean **{mean:.3f}** over {len(rows)} inputs{verdict}"]


def _architecture_table() -> list[str]:
    lines = [
        "| input | architecture | steps | bytes | PSNR | encode | decode |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in sorted(tables.read_rows(tables.ARCHITECTURES), key=lambda row: row["data"]):
        lines.append(
            f"| {row['data']} | `{row['architecture']}` | {row['steps']} | {int(row['bytes']):,} | "
            f"{row['psnr']} dB | {row['encode_seconds']} s | {row['decode_seconds']} s |"
        )
    return lines


def write_curves() -> None:
    """Write the page of curves: PSNR by bytes, a row for each architecture."""
    rows = tables.read_rows(tables.CURVES)
    if not rows:
        return
    sizes = sorted({int(row["asked"]) for row in rows})
    machine = describe_machine()
    lines = [
        "# Rate and distortion of the architectures",
        "",
        "This page compares the architectures on one volume at equal bytes. It is written by a "
        "command; do not edit it:",
        "",
        "```sh",
        "python benchmarks/bench_plugins.py --part curves",
        "```",
        "",
        "The volume is a magnetic resonance angiogram of 45 x 49 x 76 float32 samples (670,320 "
        f"bytes). Fits have {rows[-1]['steps']} steps (`pyramid`: none), on {machine['cores']} "
        f"cores of {machine['CPU']}, {machine['date']}. The table has the PSNR in dB of files of "
        "at most so many bytes, and the longest encode in seconds.",
        "",
        "| architecture | " + " | ".join(f"{size:,} B" for size in sizes) + " | encode |",
        "|---|" + "---:|" * (len(sizes) + 1),
        *_curve_rows(rows, sizes),
        "",
        "Longer fits help the networks; `benchmarks/RESULTS.md` has more.",
    ]
    _CURVES_PAGE.write_text(wrapped("\n".join(lines) + "\n"), encoding="utf-8")


def _curve_rows(rows: Sequence[dict[str, str]], sizes: Sequence[int]) -> list[str]:
    by_size = {(row["architecture"], int(row["asked"])): row for row in rows}
    lines = []
    for name in ARCHITECTURES:
        points = [by_size[name, size] for size in sizes if (name, size) in by_size]
        if points:
            slowest = max(float(row["encode_seconds"]) for row in points)
            values = " | ".join(row["psnr"] for row in points)
            lines.append(f"| [`{name}`]({name}.md) | {values} | {slowest:.0f} |")
    return lines
