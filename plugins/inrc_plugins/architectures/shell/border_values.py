"""Values at nodes, told from those at the nodes before: planes through their neighbours.

Normative text: format_spec/architectures/shell.md, "Border".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from codec.arrays import Int64Array
from codec.compiling import compiled


def predicted(
    nodes: Int64Array, shape: tuple[int, ...], numbers: Int64Array, to_residuals: bool, most: int
) -> Int64Array:
    """Residuals from values, or values from residuals.

    Args:
        nodes: (n, 3) indices in C order.
        shape: of the grid that they are of.
        numbers: (n,) values or residuals.
        most: of a value's magnitude.
    """
    order = np.full([size + 1 for size in shape], -1, np.int32)
    order[tuple((nodes + 1).T)] = np.arange(len(nodes))
    results = np.empty(len(nodes), np.int64)
    _run(nodes + 1, order, numbers.astype(np.int64), to_residuals, most, results)
    return results


@compiled(nogil=True, _nrt=False)
def _run(nodes: Any, order: Any, numbers: Any, to_residuals: bool, most: int, results: Any) -> None:
    for n in range(len(nodes)):
        i, j, k = nodes[n, 0], nodes[n, 1], nodes[n, 2]
        x, y, z = order[i - 1, j, k], order[i, j - 1, k], order[i, j, k - 1]
        xy, xz, yz = order[i - 1, j - 1, k], order[i - 1, j, k - 1], order[i, j - 1, k - 1]
        values = numbers if to_residuals else results
        total, count = 0, 0
        for a, b, ab in ((x, y, xy), (x, z, xz), (y, z, yz)):
            if a >= 0 and b >= 0 and ab >= 0:
                total += values[a] + values[b] - values[ab]
                count += 1
        if count == 0:
            for a in (x, y, z):
                if a >= 0:
                    total += values[a]
                    count += 1
        guess = total // count if count > 0 else 0
        if to_residuals:
            results[n] = numbers[n] - guess
        else:
            results[n] = min(max(guess + numbers[n], -most), most)
