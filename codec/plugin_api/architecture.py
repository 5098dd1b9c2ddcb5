"""What plugins are: the interfaces between the pipeline and the networks it does not know.

An architecture knows its network and nothing of the file; the pipeline knows files and no network.
Evaluation must follow the architecture's normative text in `format_spec/architectures/`. What
prunes and quantises is in `codec.plugin_api.stages`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from codec.arrays import (
    BoolArray,
    Float32Array,
    Float64Array,
    FloatArray,
    Int16Array,
    Int32Array,
    Int64Array,
)
from codec.entropy.mixing.lattice import Lattice, Segment
from codec.files.fit_journal import FitJournal
from codec.format.headers import Quantisation
from codec.format.prior_file import Prior
from codec.options.plugin_settings import setting
from codec.plugin_api.stages import Pruner, Quantiser
from codec.plugin_api.surface import Sheet, Surface

if TYPE_CHECKING:
    from codec.entropy.mixing.octree import Octree

Config = Mapping[int, Any]
# Tolerance of a class F decoder, in units of the declared range (VAL-5).
CLASS_F_PEAK = 2.0**-16


@dataclass(frozen=True)
class TensorSpec:
    """A parameter tensor as the config implies it.

    Attributes:
        name: unique within the architecture.
        shape: of the tensor; the first axis is the feature or output axis.
        prunable: whether a mask makes sense.
        shareable: whether one mask for all indices of the first axis makes sense, as in a grid of
            features; without it a pruner masks single entries.
        lattice: for the coefficients of a transform, the order in which they are coded; only the
            first tensor of an architecture may have one, and it has no mask.
        octree: for the cells and nodes of an octree, how these are coded; under the same rules.
        integral: whether parameters are the integers themselves: the step is 1 and there is no
            mask, as with the two above.
    """

    name: str
    shape: tuple[int, ...]
    prunable: bool = False
    shareable: bool = True
    lattice: Lattice | None = None
    octree: Octree | None = None
    integral: bool = False


@dataclass(frozen=True)
class CodedTensor:
    """A quantised tensor: integers (int64, the spec's shape), how to restore them, and a mask.

    The mask, if any, has the shape of the tensor or of one slice of its first axis; where it is
    False the integer is 0 and is not coded. A tensor with a lattice has 1-D int32 or int16 values
    in coding order, one with an octree int32 values, and `segments` where they were coded while
    they were quantised.
    """

    values: Int64Array | Int32Array | Int16Array
    quantisation: Quantisation
    mask: BoolArray | None = None
    segments: tuple[Segment, ...] | None = None


@dataclass(frozen=True)
class Model:
    """A fitted item, ready to be coded."""

    config: dict[int, Any]
    tensors: tuple[CodedTensor, ...]


@dataclass(frozen=True)
class Measurement:
    """What a model costs and gives, measured on its coded bytes and its decoded values.

    Attributes:
        file_bytes: size of the sections it needs.
        psnr: dB, the lowest over the components; infinite where nothing differs.
    """

    file_bytes: int
    psnr: float


@dataclass(frozen=True)
class ItemGoal:
    """The target for one item: a PSNR in dB to reach, a number of bytes not to exceed, or a bound.

    A bound, in normalised units, is kept by residuals (`FitTask.bounded_size`): what counts is the
    size of both. Only architectures that say so get one.
    """

    psnr: float | None = None
    file_bytes: int | None = None
    bound: float | None = None

    def met_by(self, measured: Measurement) -> bool:
        """Whether the measurement meets the target."""
        if self.psnr is not None:
            return measured.psnr >= self.psnr
        return self.file_bytes is None or measured.file_bytes <= self.file_bytes


@dataclass(frozen=True)
class FitSettings:
    """How long gradient fits train; 0 leaves it to the effort."""

    steps: int = setting(0, "steps of the float fit, 0 as the effort says", low=0)
    prune_steps: int = setting(0, "steps with gates, 0 as the effort says", low=0)
    finetune_steps: int = setting(0, "steps under quantisation, 0 as the effort says", low=0)


FitReport = Callable[[str, float, float | None, float | None], None]


@dataclass(frozen=True)
class FitTask:
    """One item to fit.

    Attributes:
        values: (components, *shape) float32 in [-1, 1]; 0 where invalid. The architecture may
            overwrite them.
        valid: (components, *shape) bool, or None if every sample is valid.
        shape: the item's dims, all of them.
        goal: the target.
        effort: 0 to 9.
        seed: of every random choice.
        threads: CPU threads to use; must not change the result.
        device: "cpu" or "cuda".
        settings: of the architecture, an instance of its settings class.
        schedule: how long gradient fits train, where the effort is not to say so.
        journal: where gradient fits keep what they have done.
        pruner, quantiser: the plugins chosen, or None for no pruning; both None where the
            architecture does not use them.
        size: bytes of a coded model, by the quick coders only, so never less than the final.
        measure: codes and decodes a model; the only source of reported numbers.
        bounded_size: bytes of a coded model and of the residuals that keep it within the bound.
        report: call as report(stage, fraction, loss, psnr).
    """

    values: Float32Array
    valid: BoolArray | None
    shape: tuple[int, ...]
    goal: ItemGoal
    effort: int
    seed: int
    threads: int
    device: str
    settings: Any
    schedule: FitSettings
    journal: FitJournal
    pruner: Pruner | None
    quantiser: Quantiser | None
    size: Callable[[Model], int]
    measure: Callable[[Model], Measurement]
    bounded_size: Callable[[Model], int]
    report: FitReport

    @property
    def components(self) -> int:
        """Number of components."""
        return len(self.values)

    @property
    def active_sizes(self) -> tuple[int, ...]:
        """Samples along each axis longer than 1."""
        return tuple(size for size in self.shape if size > 1)


@dataclass(frozen=True)
class ShapeModel:
    """A fitted shape: a field of distances over a grid of nodes.

    Attributes:
        model: ready to be coded.
        shape: nodes along each axis.
        origin: position of the first node, in the unit of the mesh, each a float32.
        spacing: from one node to the next, a float32.
        band: the distance at which the field is cut off, in the unit of the mesh.
        offset: of a sheet, the distance to it at which the field is 0; its distances are unsigned.
    """

    model: Model
    shape: tuple[int, int, int]
    origin: tuple[float, float, float]
    spacing: float
    band: float
    offset: float = 0.0


@dataclass(frozen=True)
class ShapeTask:
    """A shape to fit.

    Attributes:
        surface: what to fit.
        goal: the target; PSNR is that of distances decoded at points of the surface, with the
            diagonal of the bounding box as peak; of a sheet, at its offset.
        effort: 0 to 9.
        seed: of every random choice.
        settings: of the architecture, an instance of its settings class.
        schedule: how long gradient fits train, where the effort is not to say so.
        pruner, quantiser: as of `FitTask`.
        threads: CPU threads to use; must not change the result.
        device: "cpu" or "cuda".
        size: bytes of the coded model.
        report: call as report(stage, fraction, loss, psnr).
    """

    surface: Surface | Sheet
    goal: ItemGoal
    effort: int
    seed: int
    settings: Any
    schedule: FitSettings
    pruner: Pruner | None
    quantiser: Quantiser | None
    threads: int
    device: str
    size: Callable[[ShapeModel], int]
    report: FitReport


@dataclass(frozen=True)
class MetaTask:
    """A prior to train: an initialisation from which many items are fitted in few steps.

    Attributes:
        items: each (components, *size) float32 in [-1, 1], all of one shape.
        held_out: items of the same shape to choose the best state by; not trained on.
        steps: of the outer descent, each on one item.
        inner_steps: of the descent on an item, at learnt rates.
        rates: kind of these, one of `codec.format.prior_file.RATE_KINDS`.
        outer_rate: learning rate of the outer descent.
        inner_rate: where the learnt rates start.
        seed: of every random choice.
        threads: CPU threads to use.
        device: "cpu" or "cuda".
        settings: of the architecture, an instance of its settings class.
        half: whether the prior holds float16.
        trained_on: for the file.
        report: call as report(stage, fraction, loss, psnr).
    """

    items: Sequence[Float32Array]
    held_out: Sequence[Float32Array]
    steps: int
    inner_steps: int
    rates: str
    outer_rate: float
    inner_rate: float
    seed: int
    threads: int
    device: str
    settings: Any
    half: bool
    trained_on: str
    report: FitReport


class Evaluator(Protocol):
    """A decoded model that gives normalised values; safe to call from several threads."""

    def on_axes(self, positions: Sequence[Float64Array]) -> FloatArray:
        """y on the outer product of `positions`, one 1-D array of real indices per axis.

        Returns:
            (components, len(positions[0]), ...) float32 or float64, not clamped.
        """
        ...

    def at(self, points: Float64Array) -> FloatArray:
        """y at `points`, (n, axes) real indices: (components, n) floats, not clamped."""
        ...


@runtime_checkable
class HoldsSamples(Protocol):
    """What an evaluator may be besides: one that holds all samples of its level.

    `on_axes` at whole indices gives nothing but these; where they are overwritten, it gives what
    was written.
    """

    @property
    def samples(self) -> FloatArray:
        """(components, ...) in the order of the field's axes, contiguous."""
        ...


@runtime_checkable
class OpenEvaluator(Evaluator, Protocol):
    """An evaluator of distances whose zero is not the surface everywhere."""

    def past_border(self, points: Float64Array) -> Float64Array | None:
        """How far past the border of the surface, where its zero closes a hole.

        Args:
            points: (n, axes) real indices.

        Returns:
            (n,): at most 0 on the surface, greater past its border; None if it has none.
        """
        ...


@runtime_checkable
class Architecture(Protocol):
    """A family of models.

    Attributes:
        identifier, name, version, summary: as the registry has them.
        staged: whether its fit uses the pruner and quantiser plugins, which need PyTorch.
        bounded: whether its fit takes a goal with a bound; others get a PSNR near it.
        settings: its settings, a frozen dataclass whose fields are made by
            `codec.options.plugin_settings.setting`.
    """

    identifier: int
    name: str
    version: int
    summary: str
    staged: bool
    bounded: bool
    settings: type

    def tensors(
        self, config: Config, shape: tuple[int, ...], components: int
    ) -> tuple[TensorSpec, ...]:
        """The parameter tensors, in coding order.

        Raises:
            CorruptError, UnsupportedError: the config is invalid, or unknown to this version.
        """
        ...

    def multiply_adds(self, config: Config, shape: tuple[int, ...], components: int) -> int:
        """Multiply-adds to evaluate one position."""
        ...

    def evaluator(
        self,
        config: Config,
        shape: tuple[int, ...],
        components: int,
        parameters: Sequence[Float32Array],
        device: str,
        level: int = 0,
    ) -> Evaluator:
        """An evaluator of the given float32 tensors on "cpu" or "cuda".

        Args:
            parameters: the tensors; may be overwritten. Of a tensor with a lattice only the
                coefficients of levels >= `level`, as an array of `lattice.low_shape(level)`.
            level: how coarse; positions are those of level 0 in any case.
        """
        ...

    def tolerance(self, config: Config) -> float:
        """How far class F decoders may be from the reference, in units of the declared range."""
        ...

    def level_factors(
        self, config: Config, shape: tuple[int, ...], components: int, level: int
    ) -> tuple[int, ...]:
        """Per axis, how many samples apart those of `level` are."""
        ...

    def fit(self, task: FitTask) -> Model:
        """The best model found for the task; meets its goal wherever one was found that does."""
        ...


@dataclass(frozen=True)
class FittedModel:
    """A model as a file holds it, to be pruned and quantised anew.

    Attributes:
        config: config map.
        parameters: float32 tensors in coding order, 0 where masked.
        masks: of the tensors, None for those without one.
    """

    config: Config
    parameters: Sequence[Float32Array]
    masks: Sequence[BoolArray | None]


@runtime_checkable
class RequantisableArchitecture(Architecture, Protocol):
    """An architecture whose later stages can be done again without fitting."""

    def requantise(self, task: FitTask, fitted: FittedModel) -> Model:
        """`fitted`, pruned and quantised by the plugins of the task, for its goal.

        Args:
            task: whose values are those of the model itself; `schedule` says how many steps are
                taken in each stage, none where it is 0.
        """
        ...


@runtime_checkable
class ShapeArchitecture(Architecture, Protocol):
    """An architecture that fits shapes."""

    def fit_shape(self, task: ShapeTask) -> ShapeModel:
        """The best model found for the task; meets its goal wherever one was found that does."""
        ...


@runtime_checkable
class MetaArchitecture(Architecture, Protocol):
    """An architecture whose fits may start from a prior."""

    def meta_train(self, task: MetaTask) -> Prior:
        """A prior for items like those of the task."""
        ...
