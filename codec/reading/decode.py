"""Decoding: an `.inrc` file becomes a file of some medium again, block by block."""

from __future__ import annotations

import errno
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from codec._version import __version__
from codec.arrays import Array
from codec.errors import CorruptError, InvalidInputError, InvalidOptionError
from codec.files.atomic import atomic_folder, atomic_path, check_writable
from codec.limits import Limits, within_memory
from codec.media import formats
from codec.media.dataset import DecodedDataset, DecodedField
from codec.media.table import medium_of
from codec.options.encode import Progress, ProgressCallback, ignore_progress
from codec.reading.field import FieldView, Selection, sample_indices
from codec.reading.isosurface import DEFAULT_RESOLUTION
from codec.reading.open_file import InrcFile

_log = logging.getLogger("inrc")
# Why a second try would fail as the first did.
_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES)
# Samples decoded and written at once: with its intermediates about 100 MiB.
_WRITE_SAMPLES = 1 << 23


def decode_file(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    select: tuple[str, ...] | None,
    region: Mapping[str, slice | int],
    device: str,
    threads: int,
    overwrite: bool,
    limits: Limits,
    level: int = 0,
    resolution: int | None = None,
    closed: bool = False,
    allow_truncated: bool = False,
    on_progress: ProgressCallback = ignore_progress,
) -> None:
    """See `codec.decode`."""
    write = formats.writer_for(Path(target))
    folder = formats.writes_folder(Path(target))
    if (resolution is not None or closed) and not formats.is_mesh(Path(target)):
        named = "closed" if resolution is None else "resolution"
        raise InvalidOptionError(f"{named}: is for a mesh; write .ply, .obj, .stl, .off or .glb")
    check_writable(target, overwrite=overwrite, folder=folder)
    if folder and Path(target).is_dir() and not formats.may_replace(Path(target)):
        raise InvalidInputError(f"{target}: is a folder, but no such store; name another")
    with InrcFile(
        source, device=device, threads=threads, limits=limits, allow_truncated=allow_truncated
    ) as file:
        # A level is read without the finer ones, which the digest would need; a part of an indexed
        # file without the others, and each section is checked by its own digest.
        part = region or select is not None
        whole = level == 0 and not (part and file.sections.index)
        if whole:
            file.sections.check_all()
        views = _at_level(_chosen(file, select), level)
        selections = {view.name: _selection(view, region) for view in views}
        _check_region(views, region)
        if formats.is_mesh(Path(target)):
            dataset = _meshed(file, views, resolution, on_progress, closed=closed)
        else:
            dataset = _decoded(file, views, selections, on_progress)
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        history = f"{stamp} inrc {__version__}: decoded {Path(source).name}"
        atomic = atomic_folder if folder else atomic_path

        def put(described: DecodedDataset) -> None:
            with atomic(target, overwrite=overwrite) as temporary, within_memory():
                write(temporary, described, history)
                if whole:
                    file.check_digest()

        if formats.uses_native_metadata(Path(target), dataset.medium):
            _put_or_plain(target, put, dataset)
        else:
            put(dataset)


def _put_or_plain(
    target: str | os.PathLike[str], put: Callable[[DecodedDataset], None], dataset: DecodedDataset
) -> None:
    """Write a dataset; where what its medium kept for itself prevents that, without it.

    Raises:
        InrcError: that was not the only reason.
    """
    try:
        put(dataset)
    except (InvalidInputError, CorruptError) as error:
        of_metadata = isinstance(error, InvalidInputError) or error.section == "mETa"
        if not of_metadata or _is_of_the_disk(error):
            raise
        put(replace(dataset, plain=True))
        told = str(error).replace(f"{target}: ", "", 1)
        _log.warning("%s: written without what only its own medium understands: %s", target, told)


def _is_of_the_disk(error: BaseException) -> bool:
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in _OF_THE_DISK


def _meshed(
    file: InrcFile,
    views: list[FieldView],
    resolution: int | None,
    on_progress: ProgressCallback,
    *,
    closed: bool,
) -> DecodedDataset:
    """The surface of the file's shape.

    Raises:
        InvalidOptionError: the file holds none.
    """
    if file.head.kind != "sdf" or len(views) != 1:
        raise InvalidOptionError(
            "the file holds no shape, so no mesh can be made; write .nc or .npy"
        )
    mesh = (
        views[0]
        .shape_view()
        .mesh(
            resolution or DEFAULT_RESOLUTION,
            lambda done: on_progress(Progress(views[0].name, "decode", done)),
            closed=closed,
        )
    )
    on_progress(Progress(views[0].name, "decode", 1.0))
    return DecodedDataset(file.medium, (), file.metadata, {}, mesh)


def _chosen(file: InrcFile, select: tuple[str, ...] | None) -> list[FieldView]:
    if select is None:
        return list(file.values())
    unknown = [name for name in select if name not in file]
    if unknown:
        raise InvalidOptionError(f"no field {unknown[0]!r}; there are: {', '.join(file) or 'none'}")
    return [file[name] for name in dict.fromkeys(select)]


def _at_level(views: list[FieldView], level: int) -> list[FieldView]:
    """The fields at a level; their common dims must have the same samples there."""
    coarse = [view.level(level) for view in views]
    factors: dict[str, int] = {}
    for view in coarse:
        for name, factor in zip(view.dims, view.factors, strict=True):
            if name and factors.setdefault(name, factor) != factor:
                raise InvalidOptionError(
                    f"level {level}: the fields have different samples along {name!r}; "
                    "choose one with --var"
                )
    return coarse


def _part_of(view: FieldView, axis: int, region: Mapping[str, slice | int]) -> slice | int:
    name = view.dims[axis]
    return (
        region.get(name, region.get(str(axis), slice(None)))
        if name
        else region.get(str(axis), slice(None))
    )


def _selection(view: FieldView, region: Mapping[str, slice | int]) -> Selection:
    """Sample indices per axis; an integer keeps its axis, with one sample."""
    parts = tuple(_part_of(view, axis, region) for axis in range(view.ndim))
    try:
        selection, _ = sample_indices(parts, view.shape)
    except IndexError as error:
        raise InvalidOptionError(f"{view.name}: region: {error}") from None
    empty = [axis for axis, kept in enumerate(selection) if len(kept) == 0]
    if empty:
        raise InvalidOptionError(f"{view.name}: the region is empty along axis {empty[0]}")
    return selection


def _check_region(views: list[FieldView], region: Mapping[str, slice | int]) -> None:
    known = {name for view in views for name in view.dims if name}
    known |= {str(axis) for view in views for axis in range(view.ndim)}
    for name in region:
        if name not in known:
            raise InvalidOptionError(
                f"region: no dim {name!r}; there are: {', '.join(sorted(known))}"
            )


def _decoded(
    file: InrcFile,
    views: list[FieldView],
    selections: Mapping[str, Selection],
    on_progress: ProgressCallback,
) -> DecodedDataset:
    total = sum(math.prod(map(len, selection)) for selection in selections.values()) or 1
    done = 0

    def advance(view: FieldView, samples: int) -> None:
        nonlocal done
        done += samples
        on_progress(Progress(view.name, "decode", done / total))

    fields = tuple(
        DecodedField(
            name=view.name,
            dims=view.dims,
            shape=tuple(map(len, selections[view.name])),
            dtype=view.dtype,
            blocks=_blocks(view, selections[view.name], advance),
            window=_window(view, selections[view.name]),
        )
        for view in views
    )
    cuts: dict[str, Array] = {}
    for view in views:
        for name, size, kept, factor in zip(
            view.dims, view.shape, selections[view.name], view.factors, strict=True
        ):
            if name and (len(kept) < size or factor > 1):
                cuts[name] = kept * factor
    verbatim = medium_of(file.medium).metadata.cut(file.metadata, file.verbatim, cuts)
    return DecodedDataset(file.medium, fields, file.metadata, verbatim)


def _window(view: FieldView, selection: Selection) -> tuple[tuple[int, int], ...]:
    """(first sample, step) per axis, in samples of the whole field; () for all of it."""
    window = []
    for kept, factor in zip(selection, view.factors, strict=True):
        step = int(kept[1] - kept[0]) if len(kept) > 1 else 1
        window.append((int(kept[0]) * factor, step * factor))
    whole = all(part == (0, 1) for part in window)
    kept_all = all(len(kept) == size for kept, size in zip(selection, view.shape, strict=True))
    return () if whole and kept_all else tuple(window)


def _blocks(
    view: FieldView, selection: Selection, advance: Callable[[FieldView, int], None]
) -> Callable[[], Iterator[tuple[tuple[slice, ...], Array]]]:
    def blocks() -> Iterator[tuple[tuple[slice, ...], Array]]:
        for window, values in view.read_windows(selection, _WRITE_SAMPLES):
            yield window, np.asarray(values)
            advance(view, values.size)

    return blocks
