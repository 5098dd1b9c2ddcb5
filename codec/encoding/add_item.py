"""Fields that share a model, fitted and appended to a file in the making as one item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from codec.coding.grouping import architecture_for, component_of
from codec.coding.normalise import NormalisedField
from codec.coding.write_file import FileParts
from codec.encoding.item_encoder import ItemEncoder
from codec.files.fit_journal import FitJournal, no_journal
from codec.format.headers import Dim, Item
from codec.measuring.bounds import bounds_of
from codec.options.encode import EncodeOptions
from codec.plugin_api import registry
from codec.plugin_api.tasks import FitReport, ItemGoal
from codec.training.devices import choose_device


def ignore_report(stage: str, fraction: float, loss: float | None, psnr: float | None) -> None:
    """The report of a fit that nobody watches."""


@dataclass(frozen=True)
class Workplace:
    """Place of a fit: its threads, and the callback that is told of it.

    Attributes:
        threads: CPU threads to use.
        report: progress of this item, 0 to 1.
        trainings: where gradient fits keep what they have done.
    """

    threads: int
    report: FitReport = ignore_report
    trainings: FitJournal = field(default_factory=no_journal)


def add_item(
    parts: FileParts,
    fields: Sequence[NormalisedField],
    goal: Callable[[FileParts], ItemGoal],
    options: EncodeOptions,
    workplace: Workplace,
) -> None:
    """Fit fields that share a model, and append the item.

    Args:
        parts: of the file; the fields' masks are added to them first.
        goal: the target, from the parts with these masks.

    Raises:
        TargetError: the target cannot be reached, or the bounds cannot be kept.
    """
    components = [component_of(entry, parts) for entry in fields]
    first = fields[0]
    encoder = ItemEncoder(
        number=len(parts.items),
        architecture=architecture_for(registry.architecture(options.architecture), fields),
        fields=fields,
        components=components,
        dims=[
            Dim(size, name) for size, name in zip(first.stored.shape, first.field.dims, strict=True)
        ],
        bounds=bounds_of(options.goal, fields),
        first_mask=len(parts.masks),
        options=options,
        device=choose_device(options.device),
        threads=workplace.threads,
        report=workplace.report,
        journal=workplace.trainings,
    )
    sections = encoder.encode(goal(parts))
    item = Item.from_bytes(sections.item)
    parts.add_item(sections, encoder.multiply_adds(item), encoder.parameters(item))
