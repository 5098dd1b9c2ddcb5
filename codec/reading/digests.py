"""Digests of the sections that were decoded, compared with the index of the file."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cached_property

from codec.errors import CorruptError
from codec.format.section_index import file_digest
from codec.format.sections import Section, SectionReader


class SectionDigests:
    """Digests of MASK, TENS and RESD sections by where these start; safe to use from threads."""

    def __init__(self, sections: SectionReader) -> None:
        self._sections = sections
        self._decoded: dict[int, bytes] = {}
        self._lock = threading.Lock()

    def add(self, section: Section, digest: bytes) -> None:
        """Remember the digest of a section that was decoded.

        Raises:
            CorruptError: the index has another digest for it.
        """
        if digest != self.indexed.get(section.start, digest):
            raise CorruptError(
                "the decoded integers do not match the index",
                section=section.type,
                offset=section.start,
            )
        with self._lock:
            self._decoded[section.start] = digest

    def __contains__(self, section: Section) -> bool:
        return section.start in self._decoded

    def decoded(self) -> dict[int, bytes]:
        """Digests of what was decoded so far, by `Section.start`."""
        with self._lock:
            return dict(self._decoded)

    @cached_property
    def indexed(self) -> dict[int, bytes]:
        """Digests that the index of the file lists, by `Section.start`; empty without an index."""
        entries = zip(self._sections.sections, self._sections.index, strict=False)
        return {section.start: entry.digest for section, entry in entries if entry.digest}

    def joined(self, sections: Iterable[Section]) -> bytes:
        """SHA-256 of the digests of sections, all of which were decoded, in this order (END-2)."""
        return file_digest(self._decoded[section.start] for section in sections)
