"""Encoding a shape: the surface of a mesh becomes an `.inrc` file of one item."""

from __future__ import annotations

import math
import os

from codec.coding.item_sections import encode_item
from codec.coding.write_file import FileParts
from codec.encoding.item_encoder import architecture_settings
from codec.encoding.sampled_shape import sampled_parts
from codec.encoding.written_file import written_file
from codec.errors import InvalidOptionError, TargetError
from codec.format.headers import Component, Dim, Item
from codec.media.dataset import Dataset, Shape
from codec.media.mesh.frame import MeshFrame
from codec.options.encode import EncodeOptions, Goal, Progress, usable_threads
from codec.options.plugin_settings import FIT, TILE, NoSettings, configured
from codec.plugin_api import registry
from codec.plugin_api.architecture import ShapeArchitecture
from codec.plugin_api.models import ShapeModel
from codec.plugin_api.tasks import FitSettings, ItemGoal, ShapeTask
from codec.reading.shape_field import measured_shape
from codec.reports import FieldQuality
from codec.training.devices import choose_device

NAME = "distance"
_AXES = ("x", "y", "z")
# Part of the work, for the progress bar, that measuring the finished file takes.
_MEASURING = 0.05
# Bytes of a file without any cell, more or less.
_LEAST_BYTES = 150

# Draco's bytes per triangle at its highest level, as measured on scans and CAD models: 0.42 at 8
# bits a coordinate, and 0.13 for every bit more. An error of 70 dB needs about 9 bits.
_LEAST_BITS, _BITS_AT_NO_DECIBELS, _DECIBELS_PER_BIT = 8.0, -2.5, 6.02
_LEAST_PER_FACE, _PER_FACE_AND_BIT = 0.42, 0.13


def encode_shape(
    dataset: Dataset,
    shape: Shape,
    target: str | os.PathLike[str],
    options: EncodeOptions,
    *,
    overwrite: bool,
) -> FieldQuality:
    """Encode a shape and write the file.

    Returns:
        What was measured on the decoded shape, at the original surface.

    Raises:
        InvalidOptionError: a setting or a target that shapes do not have.
        TargetError: no file could be as small as asked for.
    """
    configured(NoSettings, TILE, "a shape", options.settings)
    parts = _parts(dataset, shape, options)
    threads = usable_threads(options.threads)
    with written_file(target, parts, overwrite=overwrite, threads=threads) as file:
        file.check_digest()
        quality = measured_shape(file.fields[NAME], shape)
        options.on_progress(Progress("", "measure", 1.0))
    return quality


def _parts(dataset: Dataset, shape: Shape, options: EncodeOptions) -> FileParts:
    """The parts of the file of a shape."""
    architecture = registry.architecture(options.architecture)

    def report(stage: str, fraction: float, loss: float | None, psnr: float | None) -> None:
        options.on_progress(Progress(NAME, stage, fraction * (1 - _MEASURING), loss, psnr))

    goal = _goal(dataset, options.goal)
    if not isinstance(architecture, ShapeArchitecture):
        return sampled_parts(shape, NAME, _AXES, goal, options, report)
    staged, texts = architecture.staged, options.settings
    task = ShapeTask(
        surface=shape.surface,
        goal=goal,
        effort=options.effort,
        seed=options.seed,
        settings=architecture_settings(architecture, options),
        schedule=configured(FitSettings, FIT, "a fit", texts),
        pruner=registry.pruner(options.pruner, texts) if staged else None,
        quantiser=registry.quantiser(options.quantiser, texts) if staged else None,
        threads=usable_threads(options.threads),
        device=choose_device(options.device) if staged else "cpu",
        size=lambda model: len(_coded(architecture, model, shape, "auto").to_bytes()),
        report=report,
    )
    return _coded(architecture, architecture.fit_shape(task), shape, options.coder)


def _goal(dataset: Dataset, goal: Goal) -> ItemGoal:
    if goal.bounded:
        raise InvalidOptionError(
            f"{goal.describe()}: shapes have no bound for every point; use --psnr or --bytes"
        )
    if goal.psnr is not None:
        return ItemGoal(psnr=goal.psnr)
    size = goal.bytes if goal.ratio is None else int(dataset.source_bytes / goal.ratio)
    if size is None or size < _LEAST_BYTES:
        raise TargetError(
            f"{goal.describe()}: {size} bytes hold no shape; ask for {_LEAST_BYTES} or more"
        )
    return ItemGoal(file_bytes=size)


def _coded(
    architecture: ShapeArchitecture, fitted: ShapeModel, shape: Shape, coder: str
) -> FileParts:
    """The parts of the file of a fitted shape."""
    parts = FileParts("sdf")
    frame = MeshFrame(fitted.origin, fitted.spacing, shape.units, fitted.offset)
    parts.describe("mesh", frame.to_map(), {})
    sections = encode_item(
        0,
        architecture,
        fitted.model,
        [Component(NAME, "f4", fitted.offset, fitted.band)],
        [Dim(size, name) for size, name in zip(fitted.shape, _AXES, strict=True)],
        first_mask=0,
        coder=coder,
    )
    item = Item.from_bytes(sections.item)
    specs = architecture.tensors(item.config, item.shape, 1)
    cost = item.samples * architecture.multiply_adds(item.config, item.shape, 1)
    parts.add_item(sections, cost, sum(spec.shape[0] for spec in specs))
    return parts


def mesh_codec_advice(shape: Shape, quality: FieldQuality, size: int) -> str:
    """One line where the mesh itself, coded as such, is about as exact and smaller; else ""."""
    if not math.isfinite(quality.psnr):
        return ""
    bits = max(_BITS_AT_NO_DECIBELS + quality.psnr / _DECIBELS_PER_BIT, _LEAST_BITS)
    estimate = shape.faces * (_LEAST_PER_FACE + _PER_FACE_AND_BIT * (bits - _LEAST_BITS))
    if estimate >= size:
        return ""
    return (
        f"with {shape.faces} faces, a mesh codec such as Draco would need about "
        f"{estimate:,.0f} bytes for this error"
    )
