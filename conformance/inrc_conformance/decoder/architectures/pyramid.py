"""Architecture 2, `pyramid`: quantised coefficients of a transform chosen per axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..cbor import Value, as_float, as_list, as_uint, is_float32
from ..errors import Malformed, Unsupported
from ..headers import Item
from ..lattice import AXES, Four, Lattice
from .plan import Float32Array, Float64Array, Plan
from .restoration import FILES, Network, network_of, restored
from .transforms import (
    apply_basis,
    cosine_basis,
    learned_basis,
    undo_joint,
    undo_own,
)

LEARNED, OWN, COSINE = -1, -2, -3
_LONGEST_BASIS = 4096
_MOST_WEIGHT = 255


class PyramidPlan(Plan):
    """Config of an item and its evaluation at level 0 in float64."""

    def __init__(self, item: Item) -> None:
        config = item.config
        self.components = len(item.components)
        self.samples = item.samples
        spatial = [size for size in item.dims if size > 1]
        if len(spatial) > AXES:
            raise Malformed(f"PYR-1: {len(spatial)} active axes besides the components")
        self.active = [*([self.components] if self.components > 1 else []), *spatial]
        codes = as_list(config[0], "PYR-1: axes")
        if len(codes) != len(self.active):
            raise Malformed("PYR-1: not one code per active axis")
        self.codes = [self._code(axis, code) for axis, code in enumerate(codes)]
        if len(codes) > AXES and sum(code <= 0 for code in self.codes) < 2:
            raise Malformed("PYR-2: five active axes, and not two that can be merged")
        self.step = _float32(config[1], "PYR-1: step")
        if self.step <= 0:
            raise Malformed("PYR-1: the step is not greater than 0")
        self.offset = _float32(config[2], "PYR-1: offset") if 2 in config else 0.0
        self.shifts = _shifts(config[3]) if 3 in config else (0, 0, 0)
        self.bases = self._bases(config.get(4))
        order = sorted(range(len(self.active)), key=lambda axis: self.codes[axis] > 0)
        self.order = order
        self.coefficients = self._lattice()
        self.lattice = self.coefficients
        self.shapes = (self.coefficients.lengths,)
        dense = sum(
            n for n, code in zip(self.active, self.codes, strict=True) if code in (LEARNED, COSINE)
        )
        self.networks = self._networks(config[5]) if 5 in config else []
        if 6 in config and (config[6] is not True or 5 in config):
            raise Malformed("PYR-6: key 6 is not true, or beside key 5")
        self.multiply_adds = self.components * (16 * len(self.active) + dense)
        self.multiply_adds += sum(network.multiply_adds for network, _ in self.networks)

    def _code(self, axis: int, value: Value) -> int:
        """Check the code of an axis (PYR-2)."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise Malformed("PYR-1: a code is not an integer")
        length = self.active[axis]
        if value < COSINE:
            raise Malformed(f"PYR-2: code {value}")
        if value > (length - 1).bit_length():
            raise Malformed("PYR-2: more levels than the axis can be halved")
        if value > 0 and axis == 0 and self.components > 1:
            raise Malformed("PYR-2: a joint wavelet along the components")
        if value in (LEARNED, COSINE) and length > _LONGEST_BASIS:
            raise Malformed("PYR-2: a basis for more than 4096 samples")
        return value

    def _bases(self, value: Value) -> dict[int, Float64Array]:
        """Read key 4, whose value is never null (PYR-2, PYR-3)."""
        axes = [axis for axis, code in enumerate(self.codes) if code == LEARNED]
        if (value is not None) != bool(axes):
            raise Malformed("PYR-2: key 4 without a learned basis, or the other way round")
        if not axes:
            return {}
        strings = as_list(value, "PYR-1: bases")
        if len(strings) != len(axes):
            raise Malformed("PYR-1: not one basis per axis with code -1")
        out: dict[int, Float64Array] = {}
        for axis, data in zip(axes, strings, strict=True):
            if not isinstance(data, bytes):
                raise Malformed("PYR-1: a basis is not a byte string")
            out[axis] = learned_basis(data, self.active[axis])
        return out

    def _networks(self, value: Value) -> list[tuple[Network, int]]:
        """Return the restoration networks and their weights (PYR-5)."""
        pairs = _pairs(value)
        for number, _ in pairs:
            if number not in FILES:
                raise Unsupported(f"PYR-5: network {number}")
        if self.components != 3 or len(self.active) != 3:
            raise Malformed("PYR-5: a network does not fit the item")
        return [(network_of(number), weight) for number, weight in pairs]

    def _lattice(self) -> Lattice:
        """Return the lattice: the axes in coded order, made four."""
        lengths = [self.active[axis] for axis in self.order]
        levels = [max(self.codes[axis], 0) for axis in self.order]
        if len(lengths) > AXES:
            lengths[:2] = [lengths[0] * lengths[1]]
            levels[:2] = [0]
        ones = AXES - len(lengths)
        return Lattice(_four([1] * ones + lengths), _four([0] * ones + levels))

    def evaluate(self, parameters: Sequence[Float32Array]) -> Float64Array:
        """Evaluate all samples (steps 1 to 5)."""
        values = undo_joint(self._dequantised(parameters[0]), self.coefficients)
        values = values.reshape([self.active[axis] for axis in self.order])
        values = values.transpose(np.argsort(np.array(self.order, dtype=np.int64)).tolist())
        for axis in range(len(self.active) - 1, -1, -1):
            code = self.codes[axis]
            if code == OWN:
                values = undo_own(values, axis)
            elif code == LEARNED:
                values = apply_basis(values, axis, self.bases[axis])
            elif code == COSINE:
                values = apply_basis(values, axis, cosine_basis(self.active[axis]))
        values = values + self.offset
        if self.networks:
            values = restored(values, self.step, self.networks)
        return np.asarray(values, dtype=np.float64).reshape(self.components, self.samples)

    def _dequantised(self, integers: Float32Array) -> Float64Array:
        """Return the coefficients of the integers (step 1)."""
        q = integers.astype(np.float64)
        first, second, others = (shift / 128 for shift in self.shifts)
        sizes = np.abs(q)
        shift = np.select([sizes == 0, sizes == 1, sizes == 2], [0.0, first, second], others)
        low = tuple(slice(0, size) for size in self.coefficients.box(self.coefficients.depth))
        shift[low] = 0
        return np.asarray(np.sign(q) * (sizes + shift) * self.step, dtype=np.float64)


def _four(numbers: Sequence[int]) -> Four:
    a, b, c, d = numbers
    return a, b, c, d


def _float32(value: Value, what: str) -> float:
    """Return a finite float that a float32 represents exactly."""
    number = as_float(value, what)
    if not is_float32(number):
        raise Malformed(f"{what} is not exactly a float32")
    return number


def _shifts(value: Value) -> tuple[int, int, int]:
    """Check key 3."""
    numbers: list[int] = []
    for entry in as_list(value, "PYR-1: shifts"):
        if isinstance(entry, bool) or not isinstance(entry, int) or not -128 <= entry <= 128:
            raise Malformed("PYR-1: a shift is not an integer from -128 to 128")
        numbers.append(entry)
    if len(numbers) != 3 or not any(numbers):
        raise Malformed("PYR-1: shifts are not three numbers, or all 0")
    return numbers[0], numbers[1], numbers[2]


def _pairs(value: Value) -> list[tuple[int, int]]:
    """Check key 5, but not whether its networks exist (PYR-1, PYR-5)."""
    out: list[tuple[int, int]] = []
    for entry in as_list(value, "PYR-1: restoration"):
        pair = as_list(entry, "PYR-1: an entry of restoration")
        if len(pair) != 2:
            raise Malformed("PYR-1: an entry of restoration is not a pair")
        number = as_uint(pair[0], "PYR-5: network")
        weight = as_uint(pair[1], "PYR-5: weight")
        if number <= (out[-1][0] if out else 0):
            raise Malformed("PYR-5: the networks are not at least 1 and rising")
        if not 1 <= weight <= _MOST_WEIGHT:
            raise Malformed(f"PYR-5: weight {weight}")
        out.append((number, weight))
    if not out:
        raise Malformed("PYR-1: no pairs in restoration")
    return out


def plan(item: Item) -> Plan:
    """Check the config keys (PYR-1) and return the plan."""
    if any(key not in range(7) for key in item.config):
        raise Unsupported("ITEM-5: a config key that pyramid lacks")
    if 0 not in item.config or 1 not in item.config:
        raise Malformed("PYR-1: a config key is missing")
    return PyramidPlan(item)
