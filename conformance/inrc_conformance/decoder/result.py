"""Results of decoding: a file, its items and their components."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from .cbor import Value
from .headers import Item
from .masks import Mask
from .numbers import Int64Array
from .provenance import Provenance
from .values import Float32Array, Float64Array, Stored
from .verbatim import Variable


@dataclass(frozen=True)
class DecodedComponent:
    """All layers of one component; arrays have the shape of the item's dims."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    normalised: Float64Array
    real: Float64Array
    values: Stored
    valid: npt.NDArray[np.bool_]
    scale: float
    """Half of R, the unit of the accuracy classes (VAL-5)."""


@dataclass(frozen=True)
class DecodedItem:
    """One item: its header, its integers and parameters, and its components."""

    header: Item
    integers: list[Int64Array]
    parameters: list[Float32Array]
    residuals: Int64Array | None
    """One for each component and sample, the samples in C order."""
    components: list[DecodedComponent]
    border: Float64Array | None = None
    """e at the nodes of a shell that has a border."""


@dataclass
class Decoded:
    """A whole file."""

    kind: str
    minor: int
    level: int
    digest: bytes
    """The SHA-256 of the digests of the integer layer (END-2), all 32 bytes."""
    items: list[DecodedItem] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    verbatim: dict[str, Variable] = field(default_factory=dict)
    medium: str | None = None
    metadata: Value = None
    state: str | None = None
    """State of the metadata, sound or corrupt; None without any, or of an unknown medium."""
    provenance: Provenance | None = None
    warnings: list[str] = field(default_factory=list)
