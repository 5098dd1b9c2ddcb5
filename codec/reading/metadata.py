"""Metadata of an open file: all that it says besides the values of its fields."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from codec.coding.verbatim_section import VerbatimValue, decode_verbatim, within_limits
from codec.errors import CorruptError
from codec.format.provenance import Provenance
from codec.format.sections import SectionReader
from codec.limits import Limits, within_memory
from codec.media.metadata_rules import Forms
from codec.media.metadata_section import check_tree, decode_metadata

_log = logging.getLogger("inrc")


class FileMetadata:
    """The medium of a file, its metadata, its verbatim variables, and how it was made.

    Args:
        forms: shape and dtype of each field, with which the metadata must agree.

    Raises:
        FormatError: the section of the metadata is damaged, or over the limits.
    """

    def __init__(self, sections: SectionReader, limits: Limits, forms: Forms) -> None:
        self._sections = sections
        self._limits = limits
        self._forms = forms
        metadata = sections.of_type("mETa")
        self._payload = sections.read(metadata[0]) if metadata else None

    def check(self) -> tuple[str, dict[int, Any]]:
        """Medium and tree, if they keep the rules of the format; nothing where there are none.

        Raises:
            CorruptError: they do not.
        """
        if self._payload is None:
            return "", {}
        medium, tree = decode_metadata(self._payload)
        check_tree(medium, tree, self._forms)
        return medium, tree

    @cached_property
    def _usable(self) -> tuple[str, dict[int, Any]]:
        try:
            return self.check()
        except CorruptError as error:
            # The section is ancillary: the fields do not depend on it.
            _log.warning("ignoring the metadata: %s", error)
            return "", {}

    @property
    def medium(self) -> str:
        """Kind of the file that the fields came from; "" if that is not known."""
        return self._usable[0]

    @property
    def tree(self) -> dict[int, Any]:
        """Tree of all that the original said besides its fields, as its medium defines it."""
        return self._usable[1]

    @cached_property
    def made(self) -> Provenance:
        """Goal, effort and losses with which the file was made, as far as it says so."""
        for section in self._sections.of_type("pROv"):
            try:
                return Provenance.from_bytes(self._sections.read(section))
            except CorruptError as error:
                # The section is ancillary: the fields do not depend on it.
                _log.warning("ignoring %s", error)
                break
        return Provenance()

    @cached_property
    @within_memory()
    def verbatim(self) -> Mapping[str, VerbatimValue]:
        """Variables that are stored bit for bit: path -> array, or list of texts.

        Raises:
            FormatError: their sections are damaged or over the limits.
        """
        payloads = map(self._sections.read, self._sections.of_type("VERB"))
        return decode_verbatim(within_limits(payloads, self._limits))
