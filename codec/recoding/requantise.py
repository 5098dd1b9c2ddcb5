"""Models of a file through the later stages again: pruned and quantised anew, not fitted.

The values of the model take the place of the field that it was fitted to, so a PSNR is against
these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from codec.arrays import BoolArray
from codec.coding.item_sections import ItemSections
from codec.coding.normalise import NormalisedField
from codec.encoding.item_encoder import ItemEncoder
from codec.errors import InvalidInputError, InvalidOptionError, TargetError
from codec.format.headers import Component
from codec.measuring.quality import compare
from codec.media.dataset import Field
from codec.options.encode import EncodeOptions
from codec.options.plugin_settings import ARCHITECTURE, FIT, TILE, configured
from codec.plugin_api import registry
from codec.plugin_api.architecture import RequantisableArchitecture
from codec.plugin_api.models import FittedModel, Model
from codec.plugin_api.tasks import FitSettings, FitTask, ItemGoal
from codec.reading.component_decoder import ComponentDecoder
from codec.reading.contents import FileContents
from codec.reading.field_decoder import FieldDecoder
from codec.reading.item import DecodableItem
from codec.reports import FieldQuality

_CONSTANT = "constant"


class Requantiser:
    """Prunes and quantises the items of one file.

    Args:
        file: open file, undamaged.
        options: the stages, their settings and the goal: a PSNR, bytes of the whole file, or none
            for a quantiser whose settings leave nothing to choose.
        threads: number of threads.

    Raises:
        InvalidInputError: an item keeps an error bound, or has no such stages.
        InvalidOptionError: a stage has no such setting, or needs a goal.
        TargetError: no model could be as small as asked for.
    """

    def __init__(self, file: FileContents, options: EncodeOptions, threads: int) -> None:
        self._file, self._options, self._threads = file, options, threads
        quantiser = registry.quantiser(options.quantiser, options.settings)
        registry.pruner(options.pruner, options.settings)
        configured(FitSettings, FIT, "a fit", options.settings)
        for name, _ in options.settings:
            if name.startswith((f"{ARCHITECTURE}.", f"{TILE}.")):
                raise InvalidOptionError(f"{name}: the model is there already; leave it out")
        goal = options.goal
        if goal.psnr is None and goal.bytes is None and quantiser.adjustable:
            raise InvalidOptionError(
                f"quantiser {options.quantiser} needs a target: say psnr or bytes"
            )
        self._sizes = {item.number: _model_bytes(item) for item in self._again()}
        self._budget = self._model_budget()

    def takes(self, item: DecodableItem) -> bool:
        """Whether the item has stages to do again; a constant stays as it is."""
        return item.number in self._sizes

    def _again(self) -> list[DecodableItem]:
        items = []
        for item in self._file.items:
            names = ", ".join(component.name for component in item.header.components)
            if item.architecture.name == _CONSTANT:
                continue
            if item.header.bounds or item.header.residual_steps:
                raise InvalidInputError(
                    f"{names}: the file promises an error bound, which new integers would break; "
                    "only --coder can change"
                )
            if not isinstance(item.architecture, RequantisableArchitecture):
                raise InvalidInputError(
                    f"{names}: architecture {item.architecture.name} has no stages to do again; "
                    "decode the file and encode that, or change --coder alone"
                )
            items.append(item)
        return items

    def _model_budget(self) -> int:
        wanted, models = self._options.goal.bytes, sum(self._sizes.values())
        if wanted is None:
            return models
        budget = wanted - (self._file.file_bytes - models)
        if budget <= 0:
            raise TargetError(
                f"{wanted} bytes: coordinates, masks and metadata alone take {wanted - budget}"
            )
        return budget

    def coded(
        self, item: DecodableItem, components: Sequence[Component], first_mask: int
    ) -> ItemSections:
        """The sections of an item.

        Args:
            components: components of the item, with the numbers of their masks in the new file.
            first_mask: index that the first sparsity mask will have.
        """
        header, architecture = item.header, item.architecture
        if not isinstance(architecture, RequantisableArchitecture):
            raise InvalidInputError(f"architecture {architecture.name} has no stages to do again")
        fitted = fitted_model(item)

        def fit(task: FitTask) -> Model:
            return architecture.requantise(task, fitted)

        options = replace(self._options, architecture=architecture.name)
        encoder = ItemEncoder(
            number=item.number,
            architecture=architecture,
            fields=[_decoded(item, index) for index in range(len(components))],
            components=components,
            dims=header.dims,
            bounds=(),
            first_mask=first_mask,
            options=options,
            device="cpu",
            threads=self._threads,
            report=lambda stage, fraction, loss, psnr: None,
            fit=fit,
        )
        return encoder.encode(self._goal_of(item))

    def _goal_of(self, item: DecodableItem) -> ItemGoal:
        """The goal of an item: models share the bytes as they share them now."""
        goal = self._options.goal
        if goal.bytes is None:
            return ItemGoal(psnr=goal.psnr)
        return ItemGoal(
            file_bytes=self._budget * self._sizes[item.number] // sum(self._sizes.values())
        )


def fitted_model(item: DecodableItem) -> FittedModel:
    """The model of an item as it is decoded."""
    masks = dict(item.header.tensor_masks)
    return FittedModel(
        item.header.config,
        item.parameters(),
        [
            item.sparsity(masks[index]) if index in masks else None
            for index in range(len(item.specs))
        ],
    )


def _model_bytes(item: DecodableItem) -> int:
    streams = item.streams
    masks = streams.sections.of_type("MASK")
    sections = [
        streams.sections.of_type("ITEM")[item.number],
        *streams.sections_of(item.number),
        *(masks[index] for _, index in item.header.tensor_masks),
    ]
    return sum(section.end - section.start for section in sections)


def _decoded(item: DecodableItem, index: int) -> NormalisedField:
    """The decoded values of a component, as the field to fit."""
    component = item.header.components[index]
    decoder = ComponentDecoder(item, index)
    stored = decoder[...]
    mask = item.validity(component)
    valid = None if mask is None else mask.mask
    scale = component.scale or 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        values = ((stored.astype(np.float64) - component.offset) / scale).astype(np.float32)
    if valid is not None:
        values[~valid] = 0
    chosen = stored if valid is None else stored[valid]
    span = float(chosen.max()) - float(chosen.min()) if chosen.size else 0.0
    field = Field(component.name, decoder.dims, stored, valid=valid)
    return NormalisedField(
        field, stored, values, valid, None, component.offset, scale, span / 2 or scale, span
    )


def changed(before: FileContents, after: FileContents) -> tuple[FieldQuality, ...]:
    """The fields of the new file against those of the old one."""
    return tuple(_compared(before, after, name) for name in before.fields)


def _compared(before: FileContents, after: FileContents, name: str) -> FieldQuality:
    old = before.fields[name]
    original, decoded = old[...], after.fields[name][...]
    units = str(old.attrs.get("units", ""))
    valid = _valid(before.decoders[name])
    return compare(Field(name, old.dims, original, units=units, valid=valid), original, decoded)


def _valid(decoder: FieldDecoder) -> BoolArray:
    """Mask of the samples that are data, from the masks of all tiles."""
    valid = np.ones(decoder.shape, np.bool_)
    for item in decoder.items:
        header = item.header
        (component,) = (part for part in header.components if part.name == decoder.name)
        mask = item.validity(component)
        if mask is not None:
            origin = header.origin or (0,) * len(header.dims)
            place = tuple(
                slice(start, start + size) for start, size in zip(origin, header.shape, strict=True)
            )
            valid[place] = mask.mask
    return valid
