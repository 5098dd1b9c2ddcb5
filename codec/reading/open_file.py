"""An open file as users see it: nothing is decoded until a field is asked for values."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from codec.coding.verbatim_section import VerbatimValue
from codec.format.provenance import Provenance
from codec.limits import Limits
from codec.options.defaults import AUTO
from codec.reading.contents import FileContents
from codec.reading.field import Field


class InrcFile(Mapping[str, Field]):
    """An open file: a mapping from names to fields, in file order.

    A field is a `Field`, and that of a mesh a `ShapeField`. The file is a context manager, and
    its fields can be used until it is closed.

    Args:
        source: path, URL, or the bytes of a file.
        device: "cpu", "cuda" or "auto" (a GPU if torch finds one).
        threads: CPU threads for decoding, 0 for all.
        limits: bounds on what the file may ask for; the defaults of `Limits` if None.
        allow_truncated: open what is left of a file that was cut short; coefficients that are
            missing count as 0, and there is no digest to check.

    Raises:
        InvalidInputError: the path cannot be read.
        FormatError: the headers are damaged, unknown or over the limits.
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        *,
        device: str = AUTO,
        threads: int = 0,
        limits: Limits | None = None,
        allow_truncated: bool = False,
    ) -> None:
        self._contents = FileContents(
            source, device=device, threads=threads, limits=limits, allow_truncated=allow_truncated
        )
        self._name = "in memory" if isinstance(source, bytes) else repr(os.fspath(source))

    def __getitem__(self, name: str) -> Field:
        """The field of that name.

        Raises:
            KeyError: there is none.
        """
        try:
            return self._contents.fields[name]
        except KeyError:
            known = ", ".join(self) or "none"
            raise KeyError(f"no field {name!r}; there are: {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._contents.fields)

    def __len__(self) -> int:
        return len(self._contents.fields)

    def __enter__(self) -> InrcFile:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __repr__(self) -> str:
        fields = "1 field" if len(self) == 1 else f"{len(self)} fields"
        return f"<inrc file {self._name}: {fields}, {self.file_bytes:,} bytes>"

    def close(self) -> None:
        """Release the file."""
        self._contents.close()

    @property
    def file_bytes(self) -> int:
        """Size of the file."""
        return self._contents.file_bytes

    @property
    def format_version(self) -> str:
        """Major and minor version of the format, "1.0" for example."""
        return self._contents.streams.format_version

    @property
    def medium(self) -> str:
        """Kind of the file that the fields came from ("netcdf", "image" ...), "" if unknown."""
        return self._contents.metadata.medium

    @property
    def metadata(self) -> dict[int, Any]:
        """Tree of all that the original said besides its fields.

        `format_spec/metadata.md` says what its keys mean; {} where the file holds none.
        """
        return self._contents.metadata.tree

    @property
    def verbatim(self) -> Mapping[str, VerbatimValue]:
        """Variables that were stored bit for bit: path -> array, or list of texts.

        Raises:
            FormatError: their sections are damaged or over the limits.
        """
        return self._contents.metadata.verbatim

    @property
    def made(self) -> Provenance:
        """Goal, effort and losses with which the file was made, as far as it says so."""
        return self._contents.metadata.made

    def check_digest(self) -> None:
        """Decode every model and compare its integers with the digest of the file.

        A file that was cut short has no digest, and nothing is checked.

        Raises:
            CorruptError: they differ, so the file was written or decoded wrongly.
            FormatError: the file's streams are damaged or over the limits.
        """
        self._contents.check_digest()
