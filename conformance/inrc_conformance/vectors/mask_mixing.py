"""Valid vectors of masks of method 2 (mixing)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, constant_item, float_bits
from ..builders.fvsrn import Fvsrn
from ..builders.mixing import mixed_mask_bits
from ..builders.pyramid import ONE, Pyramid, randoms
from ..builders.streams import raw_stream, uleb
from .case import Case, case
from .mask import ball


def mixed_mask_cases() -> Iterator[Case]:
    """All valid cases of masks of method 2."""
    nan = (0x7FC00001,)

    def vector(name: str, spec: MaskSpec, ids: str = "MASK-3 VAL-4") -> Case:
        item = constant_item(spec.bits.shape, [["a", 7, 1.5, 0.0, 0]])
        return case("masks", f"mixed-{name}", File().item(item).mask(spec), ids, tags="mask")

    for shape in ((137,), (19, 21), (6, 7, 9), (3, 4, 5, 6), (2, 2, 3, 3, 4)):
        yield vector(f"{len(shape)}d", MaskSpec(ball(shape), method=2, patterns=nan))
    yield vector("larger", MaskSpec(ball((5, 30, 31)), method=2, patterns=nan))
    yield vector("axes-of-size-1", MaskSpec(ball((1, 6, 1, 7, 1)), method=2, patterns=nan))
    yield vector("last-axis-of-size-1", MaskSpec(ball((9, 8, 1)), method=2, patterns=nan))
    yield vector("middle-axes-of-size-1", MaskSpec(ball((6, 1, 7, 1, 5)), method=2, patterns=nan))
    constant = np.broadcast_to(ball((6, 7))[:, :, None], (6, 7, 3))
    yield vector("constant-last-axis", MaskSpec(constant, constant=4, method=2), "MASK-2 MASK-3")
    yield vector("one-sample", MaskSpec(np.zeros((1, 1), np.bool_), method=2, patterns=nan))
    yield vector("two-samples", MaskSpec(np.array([False, True]), method=2, patterns=nan))
    yield vector("all-valid", MaskSpec(np.ones((7, 6), np.bool_), method=2))
    yield vector("none-valid", MaskSpec(np.zeros((7, 6), np.bool_), method=2, patterns=nan))
    layer = np.broadcast_to(ball((7, 6)), (4, 7, 6))
    yield vector("constant-first-axis", MaskSpec(layer, constant=1, method=2), "MASK-2 MASK-3")
    column = np.broadcast_to(ball((9,))[None, :, None], (3, 9, 5))
    yield vector("constant-two-axes", MaskSpec(column, constant=5, method=2), "MASK-2 MASK-3")
    draw = randoms(3)
    noise = np.array([next(draw) % 3 > 0 for _ in range(400)]).reshape(4, 10, 10)
    yield vector("noise", MaskSpec(noise, method=2, patterns=nan))
    bits = ball((8, 9))
    indices = [i % 2 for i in range(bits.size - int(np.count_nonzero(bits)))]
    spec = MaskSpec(bits, method=2, patterns=(1, 2), indices=indices)
    yield vector("patterns", spec, "MASK-3 MASK-4")
    yield from _mask_data_cases()
    yield from _masked_items()


def _mask_data_cases() -> Iterator[Case]:
    """Masks of any data, none of which is malformed."""
    draw = randoms(11)
    junk = bytes(next(draw) % 256 for _ in range(30))
    given = {"empty": b"", "ff": b"\xff" * 9, "junk": junk}
    for name, data in given.items():
        spec = MaskSpec(mixed_mask_bits((4, 7, 9), data), purpose=1, method=2)
        payload = spec.front() + uleb(len(data)) + data
        file = File().add("MASK", payload, layer=spec.layer())
        spec_ids = "MIX-1 MASK-3 END-2"
        yield case("masks", f"mixed-data-{name}", file, spec_ids, tags="mask")


def _masked_items() -> Iterator[Case]:
    """Masks of method 2 for a pyramid and for a sparse tensor."""
    spec = MaskSpec(ball((9, 10)), method=2, patterns=(float_bits(-1e30, "f"),))
    components: list[Any] = [[*ONE[0], 0]]
    model = Pyramid((9, 10), (2, 2), components, seed=81)
    yield case(
        "pyramid", "masked", model.file().mask(spec).build(), "ITEM-4 VAL-4 MASK-3", tags="mask"
    )
    coded = np.arange(9).reshape(3, 3) % 4 > 0
    other = Fvsrn(seed=82)
    count = sum(other.counts()) - 2 * int(np.count_nonzero(~coded))
    integers = other.integers(count)
    file = File().item(other.header(k4={0: 0})).mask(MaskSpec(coded, 1, method=2))
    file.tens([raw_stream(integers)], integers)
    yield case("masks", "mixed-sparsity", file, "ITEM-8 MASK-3", tags="mask")
