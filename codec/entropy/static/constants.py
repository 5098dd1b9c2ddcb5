"""Numbers of the static coder that `format_spec/registry.json` lists.

A test compares the two.
"""

from __future__ import annotations

import numpy as np

# Chance of each hazard, in 1/4096: round(4096 / (1 + exp((32 - h) / 4))).
CHANCES = np.array(
    [
        1, 2, 2, 3, 4, 5, 6, 8, 10, 13, 17, 21, 27, 35,
        45, 58, 74, 94, 120, 153, 194, 246, 311, 391, 488, 606, 747, 912,
        1102, 1314, 1546, 1793, 2048, 2303, 2550, 2782, 2994, 3184, 3349, 3490, 3608, 3705,
        3785, 3850, 3902, 3943, 3976, 4002, 4022, 4038, 4051, 4061, 4069, 4075, 4079, 4083,
        4086, 4088, 4090, 4091, 4092, 4093, 4094, 4094,
    ],
    np.int64,
)  # fmt: skip
# Weights of a band whose stream has none: w_0..w_9, then v_0..v_6.
INITIAL_WEIGHTS = np.array([14, 5, 12, 4, 3, 3, 8, 2, 4, 1, 0, 0, 0, 0, 0, 0, 0], np.int64)
