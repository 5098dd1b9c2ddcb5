"""Vectors of the index of sections: valid ones, and indexes that lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..builders.file import File, Index, MaskSpec, Section, cbor, constant_item, meta, verbatim
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.streams import compress, raw_stream, uleb
from .case import Case, case
from .mask import ball

Change = Callable[[list[bytes]], list[bytes]]
HEAD, ITEM, MASK, TENS, RESD, VERB, UNKNOWN = range(7)
"""The sections of `_mixed` in file order."""
_RESIDUALS = [n % 5 - 2 for n in range(20)]


def _mixed(attribute: int = 0) -> File:
    """Return a file with a section of each kind."""
    model = Fvsrn(components=(("a", 7, 0.0, 1.0, 0),))
    file = File().item(model.header(k7=[0.25]), attribute).mask(MaskSpec(ball((5, 4))), attribute)
    file.tens([raw_stream(model.integers())], model.integers(), 0, attribute)
    file.resd([raw_stream(_RESIDUALS)], _RESIDUALS, 0, attribute)
    file.add("VERB", verbatim([["a", 2, [2], 2, b"\1\2\3\4"]]), attribute)
    return file.add("abCd", b"", attribute)


def index_cases() -> Iterator[Case]:
    """Indexes of files of all kinds."""
    many = File()
    for number in range(130):
        change = {7: [0.5]} if number == 129 else {}
        many.item(constant_item([2], [[f"{number}", 7, 1.0, 0.0]]) | change)
    many.resd([raw_stream([3, -3])], [3, -3], 129)
    items = simple_file(Fvsrn()).item(constant_item([2])).tens([], [], 1).tens([], [], 0)
    files: dict[str, tuple[File, dict[str, Any]]] = {
        "stored": (_mixed(), {}),
        "zstd": (_mixed(), {"attribute": 1}),
        "brotli": (_mixed(), {"attribute": 2}),
        "of-zstd-sections": (_mixed(1), {}),
        "of-brotli-sections": (_mixed(2), {"attribute": 1}),
        "nothing-but-head": (File(), {}),
        "long-section": (_mixed().add("VERB", verbatim([["b", 0, [300], 0, bytes(300)]])), {}),
        "item-of-two-bytes": (many, {"attribute": 2}),
        "sections-without-streams": (items, {}),
        "meta": (_mixed().add("mETa", meta("npy", {})), {}),
    }
    for name, (file, given) in files.items():
        yield case("index", name, file.build(index=Index(**given)), "IDX-1 IDX-2 END-4")
    data = _mixed().build(digest_size=8, ends_attribute=1, index=Index())
    yield case("index", "ends-zstd", data, "IDX-2 END-4 SEC-5")
    yield case("index", "none", _mixed(), "END-2 END-4")


def index_faults() -> list[Case]:
    """Indexes in the wrong place, and indexes that differ from the sections."""
    return [*_lies(), *_places(), *_offsets(), *_payloads()]


def _entry(section: int, change: Callable[[bytes], bytes]) -> Change:
    """Return a change of the entry of one section."""

    def changed(entries: list[bytes]) -> list[bytes]:
        out = list(entries)
        out[section] = change(out[section])
        return out

    return changed


def _byte(place: int, added: int = 1) -> Callable[[bytes], bytes]:
    """Return a change that adds to one byte of an entry."""

    def changed(entry: bytes) -> bytes:
        out = bytearray(entry)
        out[place] = (out[place] + added) % 256
        return bytes(out)

    return changed


def _without(section: int) -> Change:
    return lambda entries: entries[:section] + entries[section + 1 :]


_ITSELF = Section("tIDX", b"").front()


_LIES: dict[str, Change] = {
    "type-of-head": _entry(HEAD, _byte(0)),
    "type-of-verb": _entry(VERB, _byte(3)),
    "type-of-unknown": _entry(UNKNOWN, _byte(1)),
    "attribute": _entry(ITEM, _byte(4)),
    "attribute-of-unknown": _entry(UNKNOWN, _byte(4, 2)),
    "length-plus-1": _entry(ITEM, _byte(5)),
    "length-minus-1": _entry(TENS, _byte(5, -1)),
    "length-of-unknown": _entry(UNKNOWN, _byte(5)),
    "length-not-shortest": _entry(UNKNOWN, lambda e: e[:-1] + b"\x80\0"),
    "digest-of-mask": _entry(MASK, _byte(6)),
    "digest-of-tens": _entry(TENS, _byte(-2)),
    "digest-of-resd": _entry(RESD, _byte(9)),
    "digest-missing": _entry(MASK, lambda e: e[:-8]),
    "digest-of-7-bytes": _entry(MASK, lambda e: e[:-1]),
    "digest-of-16-bytes": _entry(MASK, lambda e: e + bytes(8)),
    "digest-of-verb": _entry(VERB, lambda e: e + bytes(8)),
    "item-of-tens": _entry(TENS, _byte(-1)),
    "item-of-resd": _entry(RESD, _byte(-1)),
    "item-missing": _entry(RESD, lambda e: e[:-1]),
    "item-of-mask": _entry(MASK, lambda e: e + b"\0"),
    "item-before-digest": _entry(TENS, lambda e: e[:-9] + b"\0" + e[-9:-1]),
    "item-not-shortest": _entry(TENS, lambda e: e[:-1] + b"\x80\0"),
    "head-missing": _without(HEAD),
    "unknown-missing": _without(UNKNOWN),
    "tens-missing": _without(TENS),
    "section-too-many": lambda entries: [*entries, entries[UNKNOWN]],
    "of-itself": lambda entries: [*entries, _ITSELF],
    "sections-in-another-order": lambda e: [*e[:MASK], e[TENS], e[MASK], *e[RESD:]],
    "byte-after": lambda entries: [*entries, b"\0"],
    "cut": lambda entries: [*entries[:-1], entries[-1][:-1]],
    "payload-empty": lambda entries: [],
}


def _lies() -> Iterator[Case]:
    """Entries that are not those of the sections (IDX-2)."""
    for name, change in _LIES.items():
        spec = "IDX-2 FILE-8" if name in ("cut", "payload-empty") else "IDX-2"
        yield case("index", name, _mixed().build(index=Index(change=change)), spec, "malformed")
    data = _mixed().build(index=Index(1, _entry(RESD, _byte(9))))
    yield case("index", "digest-in-zstd", data, "IDX-2", "malformed")


def _placed(places: list[int], file: File) -> File:
    """Put right indexes in front of some sections of a file, the first places first."""
    head = Section("HEAD", cbor({0: 0, 1: file.items}))
    for place in places:
        file.sections.insert(place, Index().section([head, *file.sections[:place]]))
    return file


def _places() -> Iterator[Case]:
    """Indexes that are not the section before ENDS, and two of them (IDX-1, SEC-6)."""
    last = len(_mixed().sections)
    files = {
        "after-head": (_placed([0], _mixed()), "IDX-1"),
        "before-item": (_placed([0], simple_file(Fvsrn())), "IDX-1"),
        "before-mask": (_placed([1], _mixed()), "IDX-1"),
        "before-unknown": (_placed([last - 1], _mixed()), "IDX-1"),
        "before-meta": (_placed([last], _mixed()).add("mETa", meta("npy", {})), "IDX-1"),
        "twice": (_placed([last, last + 1], _mixed()), "SEC-6 IDX-1"),
        "twice-apart": (_placed([0, last + 1], _mixed()), "SEC-6 IDX-1"),
    }
    for n, (f, spec) in files.items():
        yield case("index", n, f, spec, "malformed")


def _offsets() -> Iterator[Case]:
    """Offsets in ENDS that are not that of the index (END-4)."""
    good = _mixed().build(index=Index())
    right, plain = good.rindex(b"tIDX"), _mixed().build()
    offsets = {
        "offset-plus-1": right + 1,
        "offset-minus-1": right - 1,
        "offset-0": 0,
        "offset-of-ends": good.rindex(b"ENDS"),
        "offset-of-another-section": good.rindex(b"VERB"),
        "offset-of-payload": right + len("tIDX") + 2,
        "offset-past-end": 2**62,
    }
    for name, offset in offsets.items():
        yield case(
            "index", name, _mixed().build(index=Index(), offset=offset), "END-4", "malformed"
        )
    for name, offset in (("ends", plain.rindex(b"ENDS")), ("verb", plain.rindex(b"VERB"))):
        data = _mixed().build(offset=offset)
        yield case("index", f"offset-of-{name}-without-index", data, "END-4", "malformed")


def _payloads() -> Iterator[Case]:
    """Frames and CRCs of the section (SEC-4, SEC-5), which are no warning."""
    file = _mixed()
    head = Section("HEAD", cbor({0: 0, 1: file.items}))
    payload = Index().section([head, *file.sections]).stored
    frame = compress(1, payload)
    stored = {
        "zstd-size-too-large": uleb(len(payload) + 1) + frame,
        "zstd-byte-after-frame": uleb(len(payload)) + frame + b"\0",
        "zstd-cut": uleb(len(payload)) + frame[:-1],
    }
    for name, content in stored.items():
        wrong = _mixed()
        wrong.sections.append(Section("tIDX", content, 1))
        yield case("index", name, wrong, "SEC-5 IDX-2", "malformed")
    for name, section, spec in (
        ("attribute-3", Section("tIDX", payload, 3), "SEC-5"),
        ("crc", Section("tIDX", payload, crc=1), "SEC-4"),
    ):
        wrong = _mixed()
        wrong.sections.append(section)
        yield case("index", f"wrong-{name}", wrong, spec, "malformed")
    huge = _mixed()
    huge.sections.append(Section("tIDX", uleb(2**50) + frame, 1))
    yield case("index", "zstd-2-50", huge, "LIM-1 SEC-5", "limit")
