"""Residuals: steps added to the samples of a model so that each of them keeps a bound.

Normative text: format_spec/inrc-1.md, section 6.1 and VAL-7, VAL-8. A decoder of class F may be
`tolerance` away from the reference, and so may the decoder that measures here: every such decoder
keeps a bound if the values measured here keep it with twice the tolerance to spare.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from codec.arrays import Array, BoolArray, Float64Array, Int32Array
from codec.coding.fills import taken_for
from codec.coding.normalise import to_stored
from codec.coding.tensor_sections import ItemStreams, TensorSection
from codec.entropy.lattice import Lattice
from codec.entropy.lattice_coding import encode_integers
from codec.entropy.stream import encode_segment, summarise_stream
from codec.errors import CorruptError, TargetError
from codec.format.leb128 import decode_uleb, encode_uleb
from codec.limits import Limits
from codec.plugin_api.models import TensorSpec

# Residuals, and their differences from predictions, stay below 2^27.
_GREATEST = 1 << 26
# A tight fit would make rounding of the step itself matter.
_SLACK = 2.0**-24


def residual_lattice(shape: Sequence[int], components: int) -> Lattice:
    """The lattice, without transform, of one residual per sample and component."""
    return Lattice.untransformed((components, *shape))


def reach(
    bound: float, dtype: np.dtype[Any], tolerance: float, least: float, greatest: float
) -> float:
    """Largest difference of a real value measured here from the original.

    A number that is not above 0 means that the bound cannot be kept.

    Args:
        bound: greatest difference of stored values.
        dtype: dtype of stored values.
        tolerance: tolerance of a decoder, in stored units.
        least, greatest: least and greatest absolute stored value.
    """
    if dtype.kind != "f":
        # The stored integer is the real value, rounded.
        return (math.floor(bound) + 0.5) * (1 - _SLACK) - 2 * tolerance
    rounding = float(np.spacing(np.asarray(greatest, dtype))) / 2
    # Values nearer than half a spacing are rounded to the original. Values within half a bound are
    # as good: either they are rounded so too, or rounding adds no more than the other half.
    below = np.nextafter(np.asarray(least, dtype), np.asarray(0, dtype))
    exact = float(np.spacing(below)) / 2
    return max(bound - rounding, bound / 2, exact) * (1 - _SLACK) - 2 * tolerance


def extremes_of(stored: Array, valid: BoolArray | None) -> tuple[float, float]:
    """The least and the greatest absolute value where samples count; 1 where none does."""
    chosen = stored if valid is None else stored[valid]
    sizes = np.abs(chosen.astype(np.float64))
    return (float(sizes.min()), float(sizes.max())) if sizes.size else (1.0, 1.0)


@dataclass(frozen=True)
class BoundedComponent:
    """Component whose samples must keep a bound.

    Attributes:
        name: name of its field.
        stored: the original values.
        valid: mask of the samples that count, or None if all do.
        bound: greatest difference, in stored units.
        extremes: least and greatest absolute value of the samples that count.
        tolerance: tolerance of a decoder of the model, in stored units; 0 for a constant, which is
            exact.
        alternative: words for what else would help where the bound is too small, or "".
        fills: values that no valid sample may be decoded to.
    """

    name: str
    stored: Array
    valid: BoolArray | None
    bound: float
    extremes: tuple[float, float]
    tolerance: float
    alternative: str = ""
    fills: tuple[Any, ...] = ()

    @property
    def step(self) -> float:
        """Step of the residuals.

        Raises:
            TargetError: the bound is too small for such a model.
        """
        step = 2 * reach(self.bound, self.stored.dtype, self.tolerance, *self.extremes)
        if self.tolerance == 0:
            # Near 0 half a spacing of floats vanishes, and nothing has to be added to a constant.
            step = max(step, float(np.finfo(np.float64).tiny))
        if step <= 0:
            raise TargetError(
                f"{self.name}: decoders may differ by {self.tolerance:.3g}, so the bound "
                f"{self.bound:.3g} cannot be promised; choose one above "
                f"{4 * self.tolerance:.3g}{self.alternative}"
            )
        return step

    def residuals(self, window: tuple[slice, ...], real: Float64Array, step: float) -> Int32Array:
        """The residuals that bring real values within the bound, 0 at invalid samples.

        Raises:
            TargetError: the residuals are too large to code, or do not keep the bound after all.
        """
        original = self.stored[window]
        with np.errstate(invalid="ignore", over="ignore"):
            wanted = np.rint((original.astype(np.float64) - real) / step)
        if self.valid is not None:
            wanted = np.where(self.valid[window], wanted, 0)
        if np.abs(wanted).max(initial=0) > _GREATEST:
            raise TargetError(
                f"{self.name}: the bound {self.bound:.3g} is too small for its range; ask for more"
            )
        residuals: Int32Array = wanted.astype(np.int32)
        self._check(window, original, real + step * residuals)
        return residuals

    def meets_fill(self, window: tuple[slice, ...], real: Float64Array) -> bool:
        """Whether a decoder may take a valid sample for a fill value."""
        if not self.fills:
            return False
        met = taken_for(real, self.fills, self.stored.dtype, self.tolerance)
        return bool((met if self.valid is None else met & self.valid[window]).any())

    def narrowed(self) -> BoundedComponent:
        """The same component with half the bound; for integers it ends at 0, an exact copy."""
        integer = self.stored.dtype.kind != "f"
        return replace(self, bound=math.floor(self.bound) // 2 if integer else self.bound / 2)

    def _check(self, window: tuple[slice, ...], original: Array, real: Float64Array) -> None:
        """Check both ends of the range of decoders: rounding is monotone, so all lie between."""
        for shift in (-2 * self.tolerance, 2 * self.tolerance):
            decoded = to_stored(real + shift, original.dtype)
            with np.errstate(invalid="ignore"):
                outside = _distance(decoded, original) > self.bound
            if self.valid is not None:
                outside &= self.valid[window]
            if outside.any():
                raise TargetError(
                    f"{self.name}: the bound {self.bound:.3g} cannot be kept; ask for more"
                )


def _distance(first: Array, second: Array) -> Float64Array:
    difference: Float64Array = np.abs(first.astype(np.float64) - second.astype(np.float64))
    return difference


def encode_residuals(
    number: int, integers: Int32Array, coder: int, threads: int
) -> tuple[bytes, Int32Array]:
    """The payload of an item's RESD section, and its integers in coded order.

    Args:
        number: number of the item.
        integers: residuals, (components, *shape).
        coder: number of the coder of lattices.
        threads: blocks of the static coder that are coded at once.
    """
    flat = integers.reshape(-1)
    lattice = residual_lattice(integers.shape[1:], len(integers))
    segments = encode_integers(lattice, flat, coder, threads)
    return encode_uleb(number) + b"".join(map(encode_segment, segments)), flat


class ItemResiduals:
    """Decodes the RESD sections of one item, in file order.

    Args:
        shape, components: shape of the item, and number of its components.
        limits: bounds on what the file may ask for.
    """

    def __init__(self, shape: tuple[int, ...], components: int, limits: Limits) -> None:
        self._shape = (components, *shape)
        lattice = residual_lattice(shape, components)
        self._size = lattice.size
        self._streams = ItemStreams(
            (TensorSpec("residuals", lattice.shape, lattice=lattice),), limits, "RESD"
        )

    def decode(self, payload: bytes) -> TensorSection:
        """The next section.

        Raises:
            CorruptError: the section is damaged, or holds more residuals than there are samples.
        """
        _, position = decode_uleb(payload)
        count = self._streams.count
        while position < len(payload):
            summary, position = summarise_stream(payload, position)
            count += summary.count
        if count > self._size:
            raise CorruptError("more residuals than samples", section="RESD")
        return self._streams.decode(payload)

    def joined(self, sections: Sequence[TensorSection]) -> Array:
        """All residuals, (components, *shape), in as few bytes as hold them.

        Raises:
            CorruptError: there are fewer residuals than samples.
        """
        if self._streams.count != self._size:
            raise CorruptError("fewer residuals than samples", section="RESD")
        parts = [np.asarray(values) for section in sections for values in section.streams]
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        narrow = np.min_scalar_type(-int(np.abs(whole).max(initial=1)))
        return whole.astype(narrow).reshape(self._shape)
