"""All that is in an open file: what the package itself reads files with.

`codec.open` shows a part of it, as an `InrcFile`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from codec.errors import CorruptError
from codec.files.byte_sources import open_source
from codec.format.tile_grid import TileGrid
from codec.limits import Limits, within_memory
from codec.options.defaults import AUTO
from codec.reading.component_decoder import ComponentDecoder
from codec.reading.field import Field
from codec.reading.field_decoder import FieldDecoder
from codec.reading.item import DecodableItem
from codec.reading.metadata import FileMetadata
from codec.reading.shape_field import ShapeField
from codec.reading.streams import FileStreams
from codec.reading.tiled_decoder import TiledDecoder


class FileContents:
    """Sections, items and fields of one file; a context manager that closes it.

    Args:
        source: path, URL, or the bytes of a file.
        device: "cpu", "cuda" or "auto" (a GPU if torch finds one).
        threads: CPU threads for decoding, 0 for all.
        limits: bounds on what the file may ask for; the defaults of `Limits` if None.
        allow_truncated: open what is left of a file that was cut short.

    Attributes:
        streams: the sections, and what the items share.
        items: the models, in file order.
        decoders: decoders of the fields by name, in file order.
        fields: the same fields as users see them.
        metadata: description that the file holds besides its fields.

    Raises:
        InvalidInputError: the path cannot be read.
        FormatError: the headers are damaged, unknown or over the limits.
    """

    @within_memory()
    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        *,
        device: str = AUTO,
        threads: int = 0,
        limits: Limits | None = None,
        allow_truncated: bool = False,
    ) -> None:
        limits = limits or Limits()
        self._source = open_source(source)
        try:
            self.streams = FileStreams(
                self._source,
                device=device,
                threads=threads,
                limits=limits,
                allow_truncated=allow_truncated,
            )
            self.items = [
                DecodableItem(self.streams, number)
                for number in range(len(self.streams.descriptions))
            ]
            decoders = [
                decoder for grid in self.streams.grids for decoder in self._decoders_of(grid)
            ]
            self.decoders = {decoder.name: decoder for decoder in decoders}
            forms = {
                name: (decoder.shape, decoder.dtype) for name, decoder in self.decoders.items()
            }
            self.metadata = FileMetadata(self.streams.sections, limits, forms)
        except BaseException:
            self._source.close()
            raise
        self.fields = {name: self._field(decoder) for name, decoder in self.decoders.items()}

    def _decoders_of(self, grid: TileGrid) -> Iterator[FieldDecoder]:
        """Decoders of the fields that one item, or a grid of tiles, holds."""
        items = [self.items[number] for number in grid.numbers]
        for index in range(len(items[0].header.components)):
            if len(items) == 1:
                yield ComponentDecoder(items[0], index)
            else:
                yield TiledDecoder(grid, items, index)

    def _field(self, decoder: FieldDecoder) -> Field:
        shaped = self.streams.head.kind == "sdf" and decoder.ndim == 3
        if shaped and isinstance(decoder, ComponentDecoder):
            return ShapeField(decoder, self.metadata)
        return Field(decoder, self.metadata)

    @property
    def file_bytes(self) -> int:
        """Size of the file."""
        return self._source.size

    def __enter__(self) -> FileContents:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._source.close()

    def section_digests(self) -> dict[int, bytes]:
        """Digests of the sections of integers by `Section.start`: from the index, or computed."""
        if self.streams.sections.index:
            return dict(self.streams.digests.indexed)
        self.check_digest()
        return self.streams.digests.decoded()

    @within_memory()
    def integer_digest(self) -> bytes:
        """SHA-256 of the digests of all sections of integers, in file order (END-2).

        Sections that were not decoded yet are decoded now; tiles are held one at a time.
        """
        digests, sections = self.streams.digests, self.streams.sections
        for number, section in enumerate(sections.of_type("MASK")):
            if section not in digests:
                self.streams.masks.decoded(number)
        self._decode_integers()
        return digests.joined(part for part in sections.sections if part.row.digested)

    def _decode_integers(self) -> None:
        """Decode the TENS and RESD sections that were not decoded yet."""
        digests, parameters = self.streams.digests, 0
        for (section_type, number), sections in self.streams.sections_by_item.items():
            if all(section in digests for section in sections):
                continue
            item = self.items[number]
            if section_type == "RESD":
                _ = item.residuals
                continue
            item.integers.all()
            parameters += 0 if item.has_lattice else item.integers.count
            self.streams.limits.check("parameters", parameters, section="TENS")
            if item.is_tile:
                item.integers.release()

    def check_digest(self) -> None:
        """Decode all integers and compare them with the file's digest (a cut file has none).

        Raises:
            CorruptError: they differ, so the file was written or decoded wrongly.
        """
        sections = self.streams.sections
        if sections.truncated:
            return
        expected = sections.digest
        if self.integer_digest()[: len(expected)] != expected:
            raise CorruptError("the decoded integers do not match the digest", section="ENDS")


def reopened(source: str | os.PathLike[str] | bytes, threads: int = 0) -> FileContents:
    """A file of any size that the format allows, on the CPU: to check, measure or rewrite it.

    What is read so was written here a moment ago, or is handed over by the user to be changed.

    Args:
        source: path, or the bytes of a file.
        threads: CPU threads for decoding, 0 for all.
    """
    return FileContents(source, device="cpu", threads=threads, limits=Limits.level(2))
