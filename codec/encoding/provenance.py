"""Provenance of a file, from which an append goes on in the same way."""

from __future__ import annotations

from dataclasses import replace

from codec._version import __version__
from codec.errors import InrcError
from codec.format.provenance import Provenance
from codec.options.defaults import ARCHITECTURE_OF_ARRAYS, AUTO, PSNR
from codec.options.encode import MAX_EFFORT, EncodeOptions, Goal
from codec.plugin_api import registry
from codec.reading.contents import FileContents


def made_with(options: EncodeOptions) -> Provenance:
    """Options that a file keeps; goal and architecture are named in them."""
    return Provenance(
        options.goal.named,
        options.effort,
        registry.architecture(options.architecture).identifier,
        f"inrc {__version__}",
    )


def continued(options: EncodeOptions, file: FileContents, *, effort_named: bool) -> EncodeOptions:
    """The options with the goal, effort and architecture of a file, where none was named.

    Args:
        effort_named: whether that of the options was named.
    """
    made = file.metadata.made
    effort = options.effort
    if not effort_named and made.effort is not None:
        effort = min(made.effort, MAX_EFFORT)
    architecture = options.architecture
    if architecture == AUTO:
        architecture = _architecture(made) or ARCHITECTURE_OF_ARRAYS
    goal = options.goal
    if goal == Goal():
        goal = _goal(made, file).or_psnr(PSNR)
    return replace(options, goal=goal, effort=effort, architecture=architecture)


def _architecture(made: Provenance) -> str:
    """Name of the architecture, "" where it is unknown here."""
    if made.architecture is None:
        return ""
    try:
        return registry.architecture_by_identifier(made.architecture, 1).name
    except InrcError:
        return ""


def _goal(made: Provenance, file: FileContents) -> Goal:
    """The goal for what is added."""
    if made.goal is None:
        # A file that does not say how it was made still says what it promises.
        bounds = [bound for item in file.items for bound in item.header.bounds]
        return Goal(max_error=min(bounds)) if bounds else Goal()
    kind, amount = made.goal
    if kind == "bytes":
        # The target size was for the samples so far: new samples get as many bytes each.
        fields = sum(view.size * view.dtype.itemsize for view in file.decoders.values())
        return Goal(ratio=fields / amount)
    return Goal.of(kind, float(amount))
