"""k-means of numbers: exact nearest centres and means, no randomness."""

from __future__ import annotations

import numpy as np

from codec.arrays import Float64Array

_ITERATIONS = 50
_CONVERGED = 1e-5
_BINS = 1024


def centres_of(values: Float64Array, count: int) -> Float64Array:
    """At most `count` centres, ascending, that are the means of the values nearest to them.

    Lloyd's iteration on sorted values, from centres as dense as the cube root of the density of
    the values, which is where many centres have the least squared error (Panter and Dite 1951).
    Centres that no value is nearest to are left out.

    Args:
        values: any number of finite ones.
        count: at least 1.
    """
    ordered = np.sort(np.asarray(values, np.float64).ravel())
    if len(ordered) == 0:
        return np.zeros(1)
    distinct: Float64Array = ordered[np.concatenate([[True], np.diff(ordered) > 0])]
    if len(distinct) <= count:
        return distinct
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    centres = _start(ordered, count)
    error = np.inf
    for _ in range(_ITERATIONS):
        edges = np.searchsorted(ordered, (centres[1:] + centres[:-1]) / 2)
        bounds = np.concatenate([[0], edges, [len(ordered)]])
        counts = np.diff(bounds)
        totals = np.diff(sums[bounds])
        used = counts > 0
        centres = totals[used] / counts[used]
        # Up to a constant: the squared error falls as the centres' own sum of squares rises.
        now = -float((centres * totals[used]).sum())
        if error - now <= _CONVERGED * abs(now):
            break
        error = now
    return np.unique(centres)


def _start(ordered: Float64Array, count: int) -> Float64Array:
    """Centres by the cube root of a histogram of the values."""
    heights, edges = np.histogram(ordered, bins=_BINS)
    mass = np.concatenate([[0.0], np.cumsum(np.cbrt(heights))])
    wanted = (np.arange(count) + 0.5) / count * mass[-1]
    return np.unique(np.interp(wanted, mass, edges))
