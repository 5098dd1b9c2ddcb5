"""Models as architectures give them to the pipeline, and take them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from codec.arrays import BoolArray, Float32Array, Int16Array, Int32Array, Int64Array
from codec.entropy.lattice import Lattice, Segment
from codec.format.headers import Quantisation

if TYPE_CHECKING:
    from codec.entropy.mixing.octree import Octree

Config = Mapping[int, Any]


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
    False the integer is 0 and is not coded. A tensor with a lattice has int32 or int16 values, 1-D
    in coding order or in the shape of the lattice, one with an octree int32 values, and `segments`
    where they were coded while they were quantised.
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


@dataclass(frozen=True)
class Measurement:
    """Cost and quality of a model, measured on its coded bytes and its decoded values.

    Attributes:
        file_bytes: size of the sections it needs.
        psnr: dB, the lowest over the components; infinite where nothing differs.
    """

    file_bytes: int
    psnr: float
