"""Valid vectors: pyramids that ask for evaluation in float64 (PYR-6)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..builders.pyramid import Pyramid, randoms, some_basis
from ..builders.streams import raw_stream
from .case import Case, case
from .pyramid import THREE, TWO
from .residual import mixed, randomly

_WIDE = (("a", 8, 1e3, 5e3),)
_KEY = {6: True}


def precise_cases() -> Iterator[Case]:
    """All codes, configs and residuals beside key 6."""
    draw = randoms(402)
    large = [(next(draw) << next(draw) % 10) * (1 - next(draw) % 2 * 2) for _ in range(90)]
    learned, dull = {4: [some_basis(11, 7)]}, {2: float(np.float32(0.1))}
    shifts, third = {3: [50, -60, 70]}, float(np.float32(1 / 3 / 64))
    models = {
        "code-0-dims-1": Pyramid((41,), (0,), _WIDE, 391, extra=_KEY),
        "code-0-dims-2": Pyramid((9, 8), (0, 0), _WIDE, 392, extra=_KEY),
        "code-0-dims-4": Pyramid((3, 4, 3, 4), (0, 0, 0, 0), _WIDE, 394, extra=_KEY),
        "code-0-step": Pyramid((9, 8), (0, 0), _WIDE, 400, extra=_KEY, fixed_step=third),
        "code-0-large": Pyramid((9, 10), (0, 0), _WIDE, values=large, extra=_KEY),
        "no-active-axis": Pyramid((1, 1), (), _WIDE, values=[3], extra=_KEY),
        "joint": Pyramid((13, 10), (3, 2), _WIDE, 403, extra=_KEY),
        "joint-all-levels": Pyramid((33,), (6,), _WIDE, 404, extra=_KEY),
        "joint-dims-4": Pyramid((5, 4, 6, 4), (2, 2, 2, 2), _WIDE, 405, extra=_KEY),
        "own": Pyramid((40, 7), (-2, -2), _WIDE, 406, extra=_KEY),
        "cosine": Pyramid((19, 8), (-3, -3), _WIDE, 407, extra=_KEY),
        "learned": Pyramid((11, 6), (-1, 0), _WIDE, 408, extra=_KEY | learned),
        "codes-mixed": Pyramid((6, 5, 9, 8), (2, -3, -2, 1), _WIDE, 409, extra=_KEY),
        "components": Pyramid((6, 5), (0, 0, 0), TWO, 396, extra=_KEY),
        "components-3": Pyramid((10, 11), (-3, 2, 2), THREE, 410, extra=_KEY),
        "components-and-dims-4": Pyramid((3, 2, 4, 3), (0, -3, 0, 1, 1), TWO, 397, extra=_KEY),
        "offset": Pyramid((9, 8), (1, 1), _WIDE, 398, extra=_KEY | dull),
        "shifts": Pyramid((9, 8), (2, 2), _WIDE, 399, extra=_KEY | shifts),
        "clipped-y": Pyramid((9, 8), (1, 1), _WIDE, 401, extra=_KEY, fixed_step=0.125),
    }
    for name, model in models.items():
        spec = "PYR-6 VAL-1 VAL-5"
        yield case("pyramid", f"precise-{name}", model.file(), spec, tags="precision")
    without = Pyramid((9, 8), (0, 0), _WIDE, 392)
    yield case("pyramid", "code-0-without-precise", without.file(), "PYR-1 VAL-5")
    yield from _with_residuals()
    yield _infinite()


def _with_residuals() -> Iterator[Case]:
    """Residuals, whose sums are as precise."""
    models = {
        "code-0": Pyramid((9, 8), (0, 0), _WIDE, 411, extra=_KEY),
        "joint": Pyramid((9, 8), (2, 1), _WIDE, 412, extra=_KEY),
        "components": Pyramid((6, 6), (-3, 1, 1), TWO, 413, extra=_KEY),
    }
    for name, model in models.items():
        values = randomly(72, model.seed)
        steps = [0.1, 3.0][: len(model.components)]
        file = model.file(k7=steps, k6=[1e-9] * len(steps))
        file.resd([mixed(model.dims, values, len(model.components))], values)
        spec = "PYR-6 VAL-5 VAL-7"
        name = f"precise-residuals-{name}"
        yield case("pyramid", name, file, spec, tags="precision")


def _infinite() -> Case:
    """An infinite x."""
    model = Pyramid((6,), (0,), (("a", 8, 1.7e308, 1.7e308),), values=[0, 0, 1, 1, -1, -2])
    model.extra, model.fixed_step = {2: 0.5, 6: True}, 1.0
    file = model.file([raw_stream(model.integers())])
    return case("pyramid", "precise-x-infinite", file, "VAL-2 VAL-5 PYR-6", tags="clip")
