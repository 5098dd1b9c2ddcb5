"""Decoding: an `.inrc` file becomes a file of some medium again, block by block."""

from __future__ import annotations

import errno
import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from codec._version import __version__
from codec.arrays import Array
from codec.errors import CorruptError, InvalidInputError, InvalidOptionError
from codec.files.atomic import atomic_folder, atomic_path, check_writable
from codec.limits import within_memory
from codec.media import formats
from codec.media.dataset import DecodedDataset, DecodedField
from codec.media.table import medium_of
from codec.options.decode import DEFAULT_RESOLUTION, DecodeOptions
from codec.options.encode import Progress, ProgressCallback
from codec.reading.contents import FileContents
from codec.reading.field_decoder import FieldDecoder
from codec.reading.selection import Selection, sample_indices
from codec.reading.shape_field import ShapeField

_log = logging.getLogger("inrc")
# Errors of the disk, after which a second try would fail as the first did.
_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EACCES)
# Samples decoded and written at once: with its intermediates about 100 MiB.
_WRITE_SAMPLES = 1 << 23


def decode_file(
    source: str | os.PathLike[str], target: str | os.PathLike[str], options: DecodeOptions
) -> None:
    """See `codec.decode`."""
    path = Path(target)
    write = formats.writer_for(path)
    _check_target(target, options)
    with FileContents(
        source,
        device=options.device,
        threads=options.threads,
        limits=options.limits,
        allow_truncated=options.allow_truncated,
    ) as file:
        # A level is read without the finer ones, which the digest would need; a part of an indexed
        # file without the others, and each section is checked by the digest in the index.
        part = bool(options.region) or options.select is not None
        whole = options.level == 0 and not (part and file.streams.sections.index)
        if whole:
            file.streams.sections.check_all()
        dataset = _described(file, path, options)
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        history = f"{stamp} inrc {__version__}: decoded {Path(source).name}"
        atomic = atomic_folder if formats.writes_folder(path) else atomic_path

        def put(described: DecodedDataset) -> None:
            with atomic(target, overwrite=options.overwrite) as temporary, within_memory():
                write(temporary, described, history)
                if whole:
                    file.check_digest()

        if formats.uses_native_metadata(path, dataset.medium):
            _put_or_plain(target, put, dataset)
        else:
            put(dataset)


def _check_target(target: str | os.PathLike[str], options: DecodeOptions) -> None:
    """Refuse a target that cannot be written, or options that are not for its format."""
    path = Path(target)
    mesh = formats.is_mesh(path)
    if not mesh and (options.resolution is not None or options.closed):
        named = "closed" if options.resolution is None else "resolution"
        raise InvalidOptionError(f"{named}: is for a mesh; write .ply, .obj, .stl, .off or .glb")
    if mesh and options.level:
        raise InvalidOptionError("level: is for arrays; a mesh gets coarser by its resolution")
    folder = formats.writes_folder(path)
    check_writable(target, overwrite=options.overwrite, folder=folder)
    if folder and path.is_dir() and not formats.may_replace(path):
        raise InvalidInputError(f"{target}: is a folder, but no such store; name another")


def _put_or_plain(
    target: str | os.PathLike[str], put: Callable[[DecodedDataset], None], dataset: DecodedDataset
) -> None:
    """Write a dataset; where the own parts of its medium prevent that, write it without them.

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
    return isinstance(cause, OSError) and cause.errno in _DISK_ERRORS


def _described(file: FileContents, target: Path, options: DecodeOptions) -> DecodedDataset:
    """The part of a file that the options choose, as it is written to a target."""
    decoders = _at_level(_chosen(file, options.select), options.level)
    selections = {decoder.name: _selection(decoder, options.region) for decoder in decoders}
    _check_region(decoders, options.region)
    if formats.is_mesh(target):
        return _meshed(file, [decoder.name for decoder in decoders], options)
    return _decoded(file, decoders, selections, options.on_progress)


def _meshed(file: FileContents, names: Sequence[str], options: DecodeOptions) -> DecodedDataset:
    """The surface of the file's shape.

    Raises:
        InvalidOptionError: the file holds none.
    """
    shape = file.fields[names[0]] if len(names) == 1 else None
    if not isinstance(shape, ShapeField):
        raise InvalidOptionError(
            "the file holds no shape, so no mesh can be made; write .nc or .npy"
        )
    mesh = shape.mesh(
        options.resolution or DEFAULT_RESOLUTION,
        closed=options.closed,
        advance=lambda share: options.on_progress(Progress(names[0], "decode", share)),
    )
    options.on_progress(Progress(names[0], "decode", 1.0))
    return DecodedDataset(file.metadata.medium, (), file.metadata.tree, {}, mesh)


def _chosen(file: FileContents, select: tuple[str, ...] | None) -> list[FieldDecoder]:
    if select is None:
        return list(file.decoders.values())
    unknown = [name for name in select if name not in file.decoders]
    if unknown:
        known = ", ".join(file.decoders) or "none"
        raise InvalidOptionError(f"no field {unknown[0]!r}; there are: {known}")
    return [file.decoders[name] for name in dict.fromkeys(select)]


def _at_level(decoders: Sequence[FieldDecoder], level: int) -> list[FieldDecoder]:
    """The fields at a level; their common dims must have the same samples there."""
    coarse = [decoder.at_level(level) for decoder in decoders]
    factors: dict[str, int] = {}
    for decoder in coarse:
        for name, factor in zip(decoder.dims, decoder.factors, strict=True):
            if name and factors.setdefault(name, factor) != factor:
                raise InvalidOptionError(
                    f"level {level}: the fields have different samples along {name!r}; "
                    "choose one with --var"
                )
    return coarse


def _part_of(decoder: FieldDecoder, axis: int, region: Mapping[str, slice | int]) -> slice | int:
    by_position = region.get(str(axis), slice(None))
    name = decoder.dims[axis]
    return region.get(name, by_position) if name else by_position


def _selection(decoder: FieldDecoder, region: Mapping[str, slice | int]) -> Selection:
    """Sample indices per axis; an integer keeps its axis, with one sample."""
    parts = tuple(_part_of(decoder, axis, region) for axis in range(decoder.ndim))
    try:
        selection, _ = sample_indices(parts, decoder.shape)
    except IndexError as error:
        raise InvalidOptionError(f"{decoder.name}: region: {error}") from None
    empty = [axis for axis, samples in enumerate(selection) if len(samples) == 0]
    if empty:
        raise InvalidOptionError(f"{decoder.name}: the region is empty along axis {empty[0]}")
    return selection


def _check_region(decoders: Sequence[FieldDecoder], region: Mapping[str, slice | int]) -> None:
    known = {name for decoder in decoders for name in decoder.dims if name}
    known |= {str(axis) for decoder in decoders for axis in range(decoder.ndim)}
    for name in region:
        if name not in known:
            raise InvalidOptionError(
                f"region: no dim {name!r}; there are: {', '.join(sorted(known))}"
            )


def _decoded(
    file: FileContents,
    decoders: Sequence[FieldDecoder],
    selections: Mapping[str, Selection],
    on_progress: ProgressCallback,
) -> DecodedDataset:
    total = sum(math.prod(map(len, selection)) for selection in selections.values()) or 1
    done = 0

    def advance(decoder: FieldDecoder, samples: int) -> None:
        nonlocal done
        done += samples
        on_progress(Progress(decoder.name, "decode", done / total))

    fields = tuple(
        DecodedField(
            name=decoder.name,
            dims=decoder.dims,
            shape=tuple(map(len, selections[decoder.name])),
            dtype=decoder.dtype,
            blocks=_blocks(decoder, selections[decoder.name], advance),
            window=_window(decoder, selections[decoder.name]),
        )
        for decoder in decoders
    )
    cuts: dict[str, Array] = {}
    for decoder in decoders:
        for name, size, samples, factor in zip(
            decoder.dims, decoder.shape, selections[decoder.name], decoder.factors, strict=True
        ):
            if name and (len(samples) < size or factor > 1):
                cuts[name] = samples * factor
    metadata = file.metadata
    verbatim = medium_of(metadata.medium).metadata.cut(metadata.tree, metadata.verbatim, cuts)
    return DecodedDataset(metadata.medium, fields, metadata.tree, verbatim)


def _window(decoder: FieldDecoder, selection: Selection) -> tuple[tuple[int, int], ...]:
    """(first sample, step) per axis, in samples of the whole field; () for all of it."""
    window = []
    for samples, factor in zip(selection, decoder.factors, strict=True):
        step = int(samples[1] - samples[0]) if len(samples) > 1 else 1
        window.append((int(samples[0]) * factor, step * factor))
    unmoved = all(part == (0, 1) for part in window)
    uncut = tuple(map(len, selection)) == decoder.shape
    return () if unmoved and uncut else tuple(window)


def _blocks(
    decoder: FieldDecoder, selection: Selection, advance: Callable[[FieldDecoder, int], None]
) -> Callable[[], Iterator[tuple[tuple[slice, ...], Array]]]:
    def blocks() -> Iterator[tuple[tuple[slice, ...], Array]]:
        for window, values in decoder.read_windows(selection, _WRITE_SAMPLES):
            yield window, np.asarray(values)
            advance(decoder, values.size)

    return blocks
