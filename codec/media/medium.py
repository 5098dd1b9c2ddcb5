"""A row of the table of media: what the codec asks of the medium of a file.

Modules behind a row are named by text, "module:attribute", and imported when they are first used:
a table of rows costs no library, and a file made from NetCDF needs none of Zarr.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codec.media.dataset import Dataset, DecodedDataset
from codec.media.metadata_rules import MetadataRules

Writer = Callable[[Path, DecodedDataset, str], None]
NO_CONTENT = re.compile(rb"(?!)")
"""Pattern of a medium that cannot be told by the content of its files."""

_SHAPE = "sdf"


@dataclass(frozen=True)
class Medium:
    """A medium.

    Attributes:
        id: name of the medium in a file (`Dataset.medium`).
        title: name for people.
        suffixes: file name endings, lower case.
        content: pattern that the first `recognise.START_BYTES` bytes of a file match, or the first
            bytes of what it unzips to.
        reader: "module:function" of `function(path, select)`, which gives a `Dataset`; for shapes
            `function(path, select, sdf)`.
        writer: "module:function" of `function(path, dataset, history)` for a `DecodedDataset`.
        rules: "module:object" of the `MetadataRules` of its metadata tree.
        kind: what HEAD calls a file of it: "volume", "image" or "sdf" (a shape).
        decide: id of the medium of a file whose content several media share; None where content
            is enough.
        is_folder: whether a folder is a file of this medium; None where files are no folders.
        several: whether a file has several variables, from which those to fit are chosen.
        verbatim: whether variables may be kept verbatim beside the fields.
        named: whether files are collections of named arrays, which mean the same in all media that
            are.
        grows: whether a file may be put behind another one of the medium, along a dim.
        portable: whether writers of other media use its native metadata too, as TIFF stacks do
            with the colour profile of an image.
    """

    id: str
    title: str
    suffixes: tuple[str, ...]
    content: re.Pattern[bytes]
    reader: str
    writer: str
    rules: str = "codec.media.metadata_rules:DEFAULT"
    kind: str = "volume"
    decide: Callable[[Path], str] | None = None
    is_folder: Callable[[Path], bool] | None = None
    several: bool = False
    verbatim: bool = True
    named: bool = False
    grows: bool = False
    portable: bool = False

    @property
    def is_shape(self) -> bool:
        """Whether its files hold a shape, not arrays."""
        return self.kind == _SHAPE

    @property
    def metadata(self) -> MetadataRules:
        """Rules of its metadata tree."""
        rules: MetadataRules = _loaded(self.rules)
        return rules

    def read(self, path: Path, select: tuple[str, ...] | None, sdf: str) -> Dataset:
        """A file, opened.

        Args:
            path: the file.
            select: names of the variables to fit, or None for the reader's own choice.
            sdf: which distances are wanted of a shape (`EncodeOptions.sdf`).

        Raises:
            InvalidInputError: the file cannot be read.
            MissingDependencyError: the medium needs a package that is not installed.
        """
        distances = (sdf,) if self.is_shape else ()
        dataset: Dataset = _loaded(self.reader)(path, select, *distances)
        return dataset

    def load_writer(self) -> Writer:
        """The writer of its files: `writer(path, dataset, history)`."""
        writer: Writer = _loaded(self.writer)
        return writer


def _loaded(reference: str) -> Any:
    """The object that "module:attribute" refers to."""
    module, _, attribute = reference.partition(":")
    return getattr(importlib.import_module(module), attribute)
