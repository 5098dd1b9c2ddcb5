"""The state of an optimiser as arrays that a journal keeps."""

from __future__ import annotations

import numpy as np
import torch

from codec.arrays import Array
from codec.files.fit_journal import Arrays

_PREFIX = "adam"


def kept_moments(optimiser: torch.optim.Optimizer) -> dict[str, Array]:
    """Copies of what the optimiser remembers of each leaf."""
    return {
        f"{_PREFIX}/{number}/{name}": value.cpu().numpy().copy()
        for number, moments in optimiser.state_dict()["state"].items()
        for name, value in moments.items()
    }


def load_moments(optimiser: torch.optim.Optimizer, arrays: Arrays) -> None:
    """Put what `kept_moments` found, among other arrays, into an optimiser of the same leaves."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, array in arrays.items():
        prefix, *parts = key.split("/")
        if prefix == _PREFIX:
            number, name = parts
            state.setdefault(int(number), {})[name] = torch.from_numpy(np.array(array))
    if state:
        groups = optimiser.state_dict()["param_groups"]
        optimiser.load_state_dict({"state": state, "param_groups": groups})
