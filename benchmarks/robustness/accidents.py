"""Accidents of files: bytes overwritten, lost or put in, and sections exchanged."""

from __future__ import annotations

from itertools import pairwise
from random import Random

from codec.files.byte_sources import open_source
from codec.format.sections import HEADER_BYTES, SectionReader

_RUNS = (2, 4, 20, 100, 512, 4096)


def accident(random: Random, data: bytes) -> tuple[str, bytes]:
    """Description of an accident, and what it leaves of a valid file."""
    at = random.randrange(len(data))
    end = min(len(data), at + random.choice(_RUNS))
    kind = random.choice(["byte", "run", "removed", "inserted", "cut", "section", "exchanged"])
    if kind == "byte":
        other = bytes([data[at] ^ random.randrange(1, 256)])
        return f"byte {at} overwritten", data[:at] + other + data[at + 1 :]
    if kind == "run":
        run = random.choice([bytes(end - at), random.randbytes(end - at)])
        return f"bytes {at} to {end} overwritten", data[:at] + run + data[end:]
    if kind == "removed":
        return f"bytes {at} to {end} removed", data[:at] + data[end:]
    if kind == "inserted":
        run = random.choice([random.randbytes(end - at), data[at:end]])
        return f"{len(run)} bytes put in at {at}", data[:at] + run + data[at:]
    if kind == "cut":
        return f"cut at {at}", data[:at]
    return _of_sections(random, data, exchanged=kind == "exchanged")


def _of_sections(random: Random, data: bytes, *, exchanged: bool) -> tuple[str, bytes]:
    reader = SectionReader(open_source(data))
    borders = [HEADER_BYTES, *(section.end for section in reader.sections)]
    parts = [data[start:end] for start, end in pairwise(borders)]
    first = random.randrange(len(parts))
    if not exchanged:
        del parts[first]
        return f"section {first} removed", data[:HEADER_BYTES] + b"".join(parts)
    # Sections of the same type are mistaken for each other the most easily.
    types = [section.type for section in reader.sections]
    alike = [
        number
        for number, section_type in enumerate(types)
        if section_type == types[first] and number != first
    ]
    second = random.choice(alike or range(len(parts)))
    parts[first], parts[second] = parts[second], parts[first]
    return f"sections {first} and {second} exchanged", data[:HEADER_BYTES] + b"".join(parts)
