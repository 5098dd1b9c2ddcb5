"""The figures as sections of docs/reliability.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robustness.bombing import Refusal
from robustness.tally import Tally

HEADINGS = {"prefixes": "Cut files", "flips": "Flipped bits"}
MUTANTS = "Mutants with right checksums"
BOMBS = "Files that ask for much"
WRITTEN = "Mutated metadata, written"
REPAIRS = "Repair of damaged files, counted"


def of_damage(part: str, tally: Tally, vectors: int, of: int, expected: int) -> str:
    """Text and table of part 1."""
    what = "prefix" if part == "prefixes" else "file with one bit flipped"
    text = f"Every {what} of {vectors:,} of the {of:,} valid conformance vectors."
    if tally.inputs < expected:
        text += f" Time sufficed for {tally.inputs:,} of {expected:,} inputs."
    wrong = "read to the end" if part == "prefixes" else "read to other values without an error"
    return f"{text}\n\n{_table(tally, wrong)}"


def of_mutants(tally: Tally, vectors: int, asked: int, every: int) -> str:
    """Text and table of part 2."""
    text = (
        f"Mutants of the {vectors:,} valid vectors have one to three changes each: in the values, "
        "types, keys, lengths and nesting of CBOR (headers, items, the config of every "
        "architecture, metadata), in tables, counts, coders and coded words, in masks, residuals, "
        "sections and the index. CRCs, lengths and digests are corrected afterwards, so that the "
        "reader has to notice the change itself. A mutant that the format allows is read."
    )
    if tally.inputs < asked:
        text += f" Time sufficed for {tally.inputs:,} of {asked:,} mutants."
    text += f"\n\n{_table(tally, 'refused by the reference decoder')}"
    if tally.judged:
        text += (
            f"\nAll mutants that were read, and every {every}th of the others, were given to the "
            "reference decoder of the conformance suite:\n\n"
        )
        text += _rows([(name, f"{count:,}") for name, count in tally.judged.most_common()])
        text += (
            "\n*Other values* come from a mutated model with parameters so large that float32 "
            "and the float64 of the reference differ; integers and outcome are the same. Files "
            "that inrc writes are far from that (`docs/accuracy.md`).\n"
        )
    return text


def of_bombs(refusals: Sequence[Refusal]) -> str:
    """Text and table of part 3."""
    lines = [
        "Each of these files has to be refused within 50 ms and 16 MiB of additional memory. "
        "Memory is the resident memory of a fresh child process, or what Python and NumPy "
        "allocate (tracemalloc), whichever is more.",
        "",
        "| file | bytes | refused by | ms | MiB | |",
        "|---|---:|---|---:|---:|---|",
    ]
    for refusal in refusals:
        most = max(refusal.traced, refusal.resident) / (1 << 20)
        how = refusal.outcome.error or ("escaped" if refusal.outcome.escaped else "not at all")
        milliseconds = 1000 * refusal.outcome.seconds
        lines.append(
            f"| {refusal.bomb.name} | {refusal.file_bytes:,} | {how} | {milliseconds:.1f} "
            f"| {most:.1f} | {'' if refusal.right else '**wrong**'} |"
        )
    return "\n".join(lines) + "\n"


def of_written(tally: Tally, sources: int) -> str:
    """Text and table of part 5."""
    text = (
        f"Metadata of {sources} files of every medium are mutated in one to three places: parts "
        "that belong to the medium alone, names (paths that lead elsewhere, control characters, "
        "10,000 letters), sizes, headers, JSON documents, verbatim variables. CRCs are right. Each "
        "file is decoded to its own medium and to another one, in a process whose crash would "
        "count. Where only a part of the medium alone prevents writing, the file is written "
        "without that part.\n\n"
    )
    rows = [("decodings", f"{tally.inputs:,}"), ("written", f"{tally.accepted:,}")]
    rows += [(f"refused: {name}", f"{count:,}") for name, count in tally.rejected.most_common()]
    for told, words in (
        ("partial output left", "partial output"),
        ("files written outside of the target", "written outside"),
        ("more than 5 s, 256 MiB or 10,000 files", ""),
    ):
        complaints = [
            complaint
            for complaint in tally.wrong
            if words in complaint and (words or not _is_named(complaint))
        ]
        rows.append((f"**{told}**", f"**{len(complaints):,}**"))
    rows += [
        ("**anything else than an `InrcError`, crashes included**", f"**{len(tally.escaped):,}**"),
        ("most processor time", f"{tally.seconds[0]:.2f} s ({tally.seconds[1]})"),
        ("most memory", f"{tally.bytes[0] / (1 << 20):.1f} MiB ({tally.bytes[1]})"),
    ]
    listed = "".join(f"- {example}\n" for example in [*tally.wrong[:10], *tally.escaped[:10]])
    by_suffix = ", ".join(f"{name} {count:,}" for name, count in tally.written.most_common())
    return text + _rows(rows) + f"\nWritten: {by_suffix}.\n" + (f"\n{listed}" if listed else "")


def _is_named(complaint: str) -> bool:
    return "partial output" in complaint or "written outside" in complaint


def of_repairs(tallies: Mapping[str, Tally], vectors: int, of: int) -> str:
    """Text and table of part 6, a column for each kind of damage."""
    text = (
        f"Inputs are made from {vectors:,} of the {of:,} valid conformance vectors, chosen by "
        "number and seed.\n\n"
        "- *Damaged*: a byte or a run of bytes is overwritten, a range or a section removed, bytes "
        "put in, the end cut off, or two sections exchanged; then `codec.repair` runs. What it "
        "writes has to pass `codec.verify`, its valid samples have to be those from before bit for "
        "bit, and what differs has to be listed.\n"
        "- *Mutants* with right checksums, as above, are given to `codec.repair`. What it writes "
        "has to pass `codec.verify`.\n"
        "- *Cut*: prefixes are opened with `allow_truncated`. Values have to be finite where they "
        "were.\n\n"
        "Times include all these checks.\n\n"
    )
    names = sorted({name for tally in tallies.values() for name in tally.rejected})
    rows = [("inputs", [f"{tally.inputs:,}" for tally in tallies.values()])]
    outcomes = sorted({name for tally in tallies.values() for name in tally.judged})
    rows += [(name, [f"{tally.judged[name]:,}" for tally in tallies.values()]) for name in outcomes]
    rows += [
        (f"refused: {name}", [f"{tally.rejected[name]:,}" for tally in tallies.values()])
        for name in names
    ]
    rows += [
        ("**wrong**", [f"**{len(tally.wrong):,}**" for tally in tallies.values()]),
        (
            "**anything else than an `InrcError` raised**",
            [f"**{len(tally.escaped):,}**" for tally in tallies.values()],
        ),
        ("most processor time", [f"{tally.seconds[0]:.2f} s" for tally in tallies.values()]),
        ("most memory", [f"{tally.bytes[0] / (1 << 20):.1f} MiB" for tally in tallies.values()]),
    ]
    text += f"| | {' | '.join(tallies)} |\n|---|{'---:|' * len(tallies)}\n"
    text += "".join(f"| {name} | {' | '.join(values)} |\n" for name, values in rows)
    examples = [
        example for tally in tallies.values() for example in [*tally.wrong, *tally.escaped][:10]
    ]
    return text + ("\n" if examples else "") + "".join(f"- {example}\n" for example in examples)


def footer(command: str, seconds: float, machine: Mapping[str, str]) -> str:
    """Facts that a reader needs to repeat the run."""
    return (
        f"\n`{command}`: {seconds:.0f} s, {machine['CPU']}, {machine['cores']} cores, "
        f"Python {machine['Python']}, inrc {machine['inrc']}, {machine['date']}.\n"
    )


def _table(tally: Tally, wrong: str) -> str:
    rows = [("inputs", f"{tally.inputs:,}")]
    rows += [(f"refused: {name}", f"{count:,}") for name, count in tally.rejected.most_common()]
    rows += [
        ("read without an error", f"{tally.accepted:,}"),
        (f"**accepted wrongly** ({wrong})", f"**{len(tally.wrong):,}**"),
        ("**anything else than an `InrcError` raised**", f"**{len(tally.escaped):,}**"),
        ("most processor time", f"{tally.seconds[0]:.2f} s ({tally.seconds[1]})"),
        ("most memory", f"{tally.bytes[0] / (1 << 20):.1f} MiB ({tally.bytes[1]})"),
    ]
    examples = [*tally.wrong[:10], *tally.escaped[:10]]
    listed = "".join(f"- {example}\n" for example in examples)
    return _rows(rows) + (f"\n{listed}" if listed else "")


def _rows(rows: Sequence[tuple[str, str]]) -> str:
    return "| | |\n|---|---:|\n" + "".join(f"| {name} | {value} |\n" for name, value in rows)
