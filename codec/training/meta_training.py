"""Training a prior on many files: `codec.meta_train`."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codec.arrays import Float32Array
from codec.coding.grouping import grouped
from codec.coding.normalise import normalise
from codec.errors import InvalidInputError, InvalidOptionError
from codec.files.atomic import atomic_path, check_writable
from codec.format.prior_file import MOST_STEPS, RATE_KINDS, Prior
from codec.media import formats, recognise
from codec.options.encode import Progress, ProgressCallback, usable_threads
from codec.options.plugin_settings import ARCHITECTURE, Texts, configured
from codec.plugin_api import registry
from codec.plugin_api.architecture import MetaArchitecture
from codec.plugin_api.tasks import MetaTask
from codec.reports import MetaTrainReport
from codec.training.devices import choose_device, need_torch

# One item in so many is held out, where there are as many.
_HELD_OUT = 10
# Random windows are at least this part of the whole along each axis.
_LEAST_WINDOW = 0.4
# By the number of axes.
_USUAL_SIZES = {1: (256,), 2: (64, 96), 3: (32, 32, 32)}


@dataclass(frozen=True)
class MetaOptions:
    """Options of training a prior; see `codec.meta_train`.

    Raises:
        InvalidOptionError: a value that makes no sense.
    """

    size: tuple[int, ...]
    steps: int
    inner_steps: int
    rates: str
    outer_rate: float
    inner_rate: float
    crops: int
    half: bool
    architecture: str
    settings: Texts
    seed: int
    threads: int
    device: str
    on_progress: ProgressCallback

    def __post_init__(self) -> None:
        if self.size and min(self.size) < 2:
            raise InvalidOptionError(f"size {_size_text(self.size)}: every axis has 2 or more")
        if self.rates not in RATE_KINDS:
            raise InvalidOptionError(f"rates {self.rates!r}: choose {', '.join(RATE_KINDS)}")
        if not 1 <= self.inner_steps <= MOST_STEPS:
            raise InvalidOptionError(f"inner steps {self.inner_steps}: choose 1 to {MOST_STEPS}")
        if self.steps < 1 or self.crops < 0:
            raise InvalidOptionError("steps are 1 or more, and crops 0 or more")
        if not (0 < self.outer_rate < math.inf and 0 < self.inner_rate < math.inf):
            raise InvalidOptionError("learning rates are positive numbers")


def train_prior(
    sources: Sequence[str | os.PathLike[str]],
    target: str | os.PathLike[str],
    options: MetaOptions,
    *,
    overwrite: bool,
) -> MetaTrainReport:
    """See `codec.meta_train`."""
    started = time.perf_counter()
    check_writable(target, overwrite=overwrite)
    architecture = registry.architecture(options.architecture)
    if not isinstance(architecture, MetaArchitecture):
        raise InvalidOptionError(f"architecture {options.architecture} has no priors; use siren")
    need_torch("training a prior")
    settings: Any = configured(
        architecture.settings, ARCHITECTURE, f"architecture {architecture.name}", options.settings
    )
    paths = _files(sources)
    items = _items(paths, options)
    held_out = items[::_HELD_OUT] if len(items) >= _HELD_OUT else items
    trained = [item for number, item in enumerate(items) if number % _HELD_OUT]

    def report(stage: str, fraction: float, loss: float | None, psnr: float | None) -> None:
        options.on_progress(Progress("prior", stage, fraction, loss, psnr))

    task = MetaTask(
        items=trained if len(items) >= _HELD_OUT else items,
        held_out=held_out,
        steps=options.steps,
        inner_steps=options.inner_steps,
        rates=options.rates,
        outer_rate=options.outer_rate,
        inner_rate=options.inner_rate,
        seed=options.seed,
        threads=usable_threads(options.threads),
        device=choose_device(options.device),
        settings=settings,
        half=options.half,
        trained_on=f"{len(paths)} files, {len(items)} items of {_size_text(items[0].shape[1:])}",
        report=report,
    )
    prior = architecture.meta_train(task)
    return _written(prior, target, len(items), started, overwrite=overwrite)


def _written(
    prior: Prior, target: str | os.PathLike[str], items: int, started: float, *, overwrite: bool
) -> MetaTrainReport:
    data = prior.to_bytes()
    with atomic_path(target, overwrite=overwrite) as temporary:
        temporary.write_bytes(data)
    return MetaTrainReport(
        path=Path(target),
        name=prior.name.hex(),
        file_bytes=len(data),
        parameters=len(prior.values),
        items=items,
        seconds=time.perf_counter() - started,
    )


def _files(sources: Sequence[str | os.PathLike[str]]) -> list[Path]:
    """The files named, and those of the folders named, by name."""
    paths: list[Path] = []
    for source in map(Path, sources):
        if source.is_dir() and not recognise.is_zarr_store(source):
            inside = sorted(path for path in source.iterdir() if path.is_file())
            paths += [path for path in inside if not path.name.startswith(".")]
        else:
            paths.append(source)
    if not paths:
        raise InvalidInputError("there is nothing to train on; name images, volumes or folders")
    return paths


def _items(paths: Sequence[Path], options: MetaOptions) -> list[Float32Array]:
    """All items, of one size and with as many components."""
    random = np.random.default_rng(options.seed)
    items: list[Float32Array] = []
    for path in paths:
        for values in _read(path):
            size = _size(path, values, items[0].shape[1:] if items else options.size)
            if items and len(values) != len(items[0]):
                raise InvalidInputError(
                    f"{path}: has {len(values)} components, and {paths[0]} has "
                    f"{len(items[0])}; train a prior on files of one kind"
                )
            items.append(_resampled(values, size))
            for _ in range(options.crops):
                items.append(_resampled(_window(values, random), size))
    return items


def _read(path: Path) -> list[Float32Array]:
    """Normalised values (components, *active axes) of all items of a file; 0 where invalid."""
    with closing(formats.read(path)) as dataset:
        if dataset.shape is not None:
            raise InvalidInputError(f"{path}: is a shape; priors are for images and volumes")
        items = []
        for fields in grouped(dataset.fields, dataset.joint):
            values = np.stack([normalise(field).values for field in fields])
            items.append(values.reshape(len(values), *(n for n in values.shape[1:] if n > 1)))
    return items


def _size(path: Path, values: Float32Array, asked: tuple[int, ...]) -> tuple[int, ...]:
    """The size asked for, or the usual one for as many axes."""
    axes = values.ndim - 1
    if axes not in _USUAL_SIZES:
        raise InvalidInputError(
            f"{path}: has {axes} axes longer than 1; priors are trained on 1 to {len(_USUAL_SIZES)}"
        )
    if asked and len(asked) != axes:
        raise InvalidOptionError(
            f"size {_size_text(asked)}: {path} has {axes} axes longer than 1; give a size for each"
        )
    return asked or _USUAL_SIZES[axes]


def _window(values: Float32Array, random: np.random.Generator) -> Float32Array:
    """A random part, at least 40 % of the whole along each axis."""
    share = random.uniform(_LEAST_WINDOW, 1.0)
    parts = [slice(None)]
    for size in values.shape[1:]:
        length = max(2, round(share * size))
        first = int(random.integers(max(size - length, 0) + 1))
        parts.append(slice(first, first + length))
    return values[tuple(parts)]


def _resampled(values: Float32Array, size: tuple[int, ...]) -> Float32Array:
    """The same on a grid of another size: means of what falls on a sample, or interpolated.

    Where the longer sides lie along other axes, as in an upright image, the axes are exchanged.
    """
    import torch

    if len(size) == 2 and (values.shape[1] > values.shape[2]) != (size[0] > size[1]):
        values = values.swapaxes(1, 2)
    tensor = torch.from_numpy(np.ascontiguousarray(values))[None]
    smaller = all(new <= old for new, old in zip(size, values.shape[1:], strict=True))
    way = "area" if smaller else ("linear", "bilinear", "trilinear")[len(size) - 1]
    align: dict[str, Any] = {} if smaller else {"align_corners": True}
    resized: Float32Array = torch.nn.functional.interpolate(tensor, size, mode=way, **align)[
        0
    ].numpy()
    return np.ascontiguousarray(resized)


def _size_text(size: Sequence[int]) -> str:
    return "x".join(map(str, size))
