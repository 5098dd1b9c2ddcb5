"""Course of the learning rate on the way down, its end, and the best state it led to.

Losses of the whole field can be compared, and the rule of the source (Strümpler et al., ECCV 2022)
holds: half the rate on a plateau, an end after a long one, the best state kept. Losses of random
batches cannot: most are worse than the luckiest one, so a plateau is seen where there is none.
There the rate falls along a cosine over all steps, from twice what it was to be, so that this is
its mean; that averages the noise out, and the last state is the result.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch

from codec.files.fit_journal import Arrays

Tensors = dict[str, torch.Tensor]

_PLATEAU_FACTOR, _PLATEAU_THRESHOLD = 0.5, 1e-4
_FIRST_SHARE, _LAST_SHARE = 2.0, 0.02


class Course(Protocol):
    """Follows a descent."""

    def goes_on(self, loss: float, step: int, tensors: Tensors) -> bool:
        """Take note of a state; whether there is a further step."""
        ...

    def share(self, step: int) -> float:
        """Change of the learning rate, in a step that has been noted."""
        ...

    def result(self, tensors: Tensors) -> Tensors:
        """The state that the way led to, from the last one."""
        ...

    def state(self) -> tuple[dict[str, Any], Arrays]:
        """State that a journal keeps."""
        ...

    def restore(self, state: dict[str, Any], arrays: Arrays) -> None:
        """Go on from what a journal kept."""
        ...


class PlateauCourse:
    """The source's.

    Args:
        patience: steps without a better loss before the rate is halved.
        stop: steps without a better loss before the descent ends.
    """

    def __init__(self, patience: int, stop: int) -> None:
        self._patience, self._stop = patience, stop
        self._share, self._bad = 1.0, 0
        # The threshold of plateaus does not count for the best state.
        self._lowest, self._best, self._best_step = math.inf, math.inf, 0
        self._tensors: Tensors = {}

    def goes_on(self, loss: float, step: int, tensors: Tensors) -> bool:
        if loss < self._best:
            self._best, self._best_step = loss, step
            self._tensors = {name: t.detach().clone() for name, t in tensors.items()}
        if loss < self._lowest * (1 - _PLATEAU_THRESHOLD):
            self._lowest, self._bad = loss, 0
        else:
            self._bad += 1
            if self._bad > self._patience:
                self._share, self._bad = _PLATEAU_FACTOR * self._share, 0
        return step - self._best_step <= self._stop

    def share(self, step: int) -> float:
        return self._share

    def result(self, tensors: Tensors) -> Tensors:
        return self._tensors or tensors

    def state(self) -> tuple[dict[str, Any], Arrays]:
        numbers = [self._share, self._bad, self._lowest, self._best, self._best_step]
        return {"numbers": numbers}, {n: t.cpu().numpy() for n, t in self._tensors.items()}

    def restore(self, state: dict[str, Any], arrays: Arrays) -> None:
        self._share, self._bad, self._lowest, self._best, self._best_step = state["numbers"]
        self._tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}


class CosineCourse:
    """Half a cosine over all steps, down to a hundredth.

    Args:
        steps: of the descent.
    """

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def goes_on(self, loss: float, step: int, tensors: Tensors) -> bool:
        return True

    def share(self, step: int) -> float:
        fallen = 0.5 * (1 - math.cos(math.pi * step / self._steps))
        return _FIRST_SHARE - (_FIRST_SHARE - _LAST_SHARE) * fallen

    def result(self, tensors: Tensors) -> Tensors:
        return tensors

    def state(self) -> tuple[dict[str, Any], Arrays]:
        return {}, {}

    def restore(self, state: dict[str, Any], arrays: Arrays) -> None:
        """It hangs on the step alone."""
