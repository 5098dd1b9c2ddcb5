"""Valid vectors of masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ..builders.file import File, MaskSpec, constant_item, float_bits
from ..builders.fvsrn import Fvsrn
from ..builders.streams import byte_stream, laplace_stream, raw_stream, static_stream
from .case import Case, case
from .item import DTYPES

Bits = npt.NDArray[np.bool_]


def ball(shape: Sequence[int], radius: float = 0.4) -> Bits:
    """Return a ball in a box, with a hole on one side."""
    grid = np.indices(tuple(shape)).astype(float)
    squares = np.zeros(tuple(shape))
    for axis, size in enumerate(shape):
        squares += ((grid[axis] - (size - 1) / 2) / size) ** 2
    inside: Bits = (squares < radius**2) & ((grid.sum(axis=0) % 7) != 3)
    return inside


def mask_cases() -> Iterator[Case]:
    """Both methods, constant axes, patterns of all sizes and streams of indices."""

    def vector(name: str, spec: MaskSpec, ids: str, dtype: int = 7, value: float = 1.5) -> Case:
        item = constant_item(spec.bits.shape, [["a", dtype, value, 0.0, 0]])
        return case("masks", name, File().item(item).mask(spec), f"{ids} ITEM-4 VAL-4", tags="mask")

    nan = (0x7FC00001,)
    for shape in ((37,), (9, 11), (6, 7, 5), (3, 4, 5, 4)):
        for method, name in ((0, "packed"), (1, "context")):
            spec = MaskSpec(ball(shape), method=method, patterns=nan)
            ids = "MASK-3" if method == 0 else "MASK-3 MASK-5 RNG-2 RNG-3"
            yield vector(f"{name}-{len(shape)}d", spec, ids)
    yield vector("context-axes-of-size-1", MaskSpec(ball((1, 6, 1, 1, 7, 1, 5, 2))), "MASK-5")
    yield vector("context-one-sample", MaskSpec(np.ones((1, 1), np.bool_)), "MASK-5")
    yield vector("context-two-samples", MaskSpec(np.array([False, True])), "MASK-5")
    yield vector("context-uneven", MaskSpec(ball((3, 50))), "MASK-3")
    yield vector("all-valid", MaskSpec(np.ones((5, 6), np.bool_)), "MASK-3")
    yield vector("none-valid", MaskSpec(np.zeros((5, 6), np.bool_), patterns=nan), "MASK-3")
    layer = np.broadcast_to(ball((7, 6)), (4, 7, 6))
    yield vector("constant-first-axis", MaskSpec(layer, constant=1), "MASK-2")
    column = np.broadcast_to(ball((7,))[None, :, None], (3, 7, 5))
    yield vector("constant-two-axes", MaskSpec(column, constant=5, method=0), "MASK-2 MASK-3")
    nothing = np.zeros((3, 7, 5), np.bool_)
    yield vector("constant-all-axes", MaskSpec(nothing, constant=7, patterns=nan), "MASK-2")
    for number, dtype in enumerate(DTYPES):
        size = int(dtype[1])
        top = (0xA5A6A7A8B1B2B3B4 >> (64 - 8 * size),)
        spec = MaskSpec(ball((5, 6)), pattern_bytes=size, patterns=top)
        yield vector(f"pattern-{dtype}", spec, "MASK-4", number, 3.0)
    yield from [*_index_cases(), _components_case(), *_large_cases()]


def _index_cases() -> Iterator[Case]:
    """Several patterns, their indices in every coder."""
    bits = ball((8, 9))
    count = bits.size - int(np.count_nonzero(bits))
    indices = [(i * i + i // 3) % 3 for i in range(count)]
    patterns = (float_bits(-999.0, "f"), 0x7FC00000, 0xFF800000)
    streams = {
        "raw": raw_stream(indices),
        "ans-static": static_stream(1, indices),
        "range-static": static_stream(2, indices),
        "ans-laplace": laplace_stream(1, [(9, indices)]),
        "range-laplace": laplace_stream(2, [(9, indices)]),
        "zstd": byte_stream(3, indices, 1),
        "brotli": byte_stream(4, indices, 1),
    }
    item = constant_item([8, 9], [["a", 7, 0.0, 0.0, 0]])
    for name, stream in streams.items():
        spec = MaskSpec(bits, patterns=patterns, indices=indices, stream=stream)
        data = File().item(item).mask(spec).build()
        yield case("masks", f"patterns-{name}", data, "MASK-4 END-2 VAL-4", tags="mask")
    spec = MaskSpec(bits | True, patterns=patterns, indices=[], stream=raw_stream([]))
    yield case("masks", "patterns-unused", File().item(item).mask(spec), "MASK-4", tags="mask")


def _components_case() -> Case:
    """Components with different masks and one without; a mask may be shared."""
    model = Fvsrn(
        (6, 7),
        components=(
            ("a", 7, 0.0, 1.0, 1),
            ("b", 3, 0.0, 900.0, 0),
            ("c", 2, 500.0, 400.0),
            ("d", 2, 500.0, 400.0, 0),
        ),
        seed=70,
    )
    integers = model.integers()
    file = File().mask(MaskSpec(ball((6, 7)), pattern_bytes=2, patterns=(0x8001,)))
    file.item(model.header()).tens([static_stream(2, integers)], integers)
    file.mask(MaskSpec(ball((6, 7), 0.3), method=0, patterns=(0x7FC12345,)))
    return case("masks", "components-share", file, "ITEM-4 VAL-4 MASK-4", tags="mask")


def _large_cases() -> Iterator[Case]:
    """Masks that no item uses, long enough for several chunks and for counts that are halved."""
    position = np.arange(140001)
    long = (position % 9973) > (position // 40)
    for name, bits in (
        ("chunks", ball((80, 81))),
        ("chunks-3d", ball((25, 26, 27))),
        ("long", long),
    ):
        file = File().mask(MaskSpec(bits, purpose=1))
        spec = "MASK-3 RNG-2 END-2"
        yield case("masks", f"context-{name}-unused", file, spec, tags="mask")
