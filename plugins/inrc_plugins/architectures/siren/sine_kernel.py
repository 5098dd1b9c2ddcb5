"""Sines and their derivatives in one pass, in float32, for gradients on the CPU.

Both need the same reduction of the angle, and NumPy's two functions read and write twice as much.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from codec.compiling import compiled

# Numbers that keep expressions in float32.
_UNIT, _TWO, _HALF = np.float32(1), np.float32(2), np.float32(0.5)
_PER_PI = np.float32(1 / math.pi)
# Pi in two parts, of which the first has few digits: its multiples are exact.
_COARSE = np.float32(3.140625)
_FINE = np.float32(math.pi - 3.140625)
# Taylor's series within a quarter of a turn on either side, after the first term.
_S3, _S5, _S7, _S9, _S11 = (np.float32((-1) ** n / math.factorial(2 * n + 1)) for n in range(1, 6))
_C2, _C4, _C6, _C8, _C10, _C12 = (
    np.float32((-1) ** n / math.factorial(2 * n)) for n in range(1, 7)
)


@compiled(nogil=True, fastmath={"contract", "arcp"})
def sines_and_slopes(sums: Any, omega: Any, sines: Any, slopes: Any) -> None:
    """sines = sin(omega sums) and slopes = omega cos(omega sums), to about 1e-7 of 1 and of omega.

    Args:
        sums, sines, slopes: (n,) float32; angles are below 2^16.
        omega: float32.
    """
    for i in range(len(sums)):
        angle = omega * sums[i]
        turns = np.rint(angle * _PER_PI)
        remainder = (angle - turns * _COARSE) - turns * _FINE
        sign = _UNIT - _TWO * (turns - _TWO * np.floor(turns * _HALF))
        square = remainder * remainder
        odd = _S9 + square * _S11
        odd = _S5 + square * (_S7 + square * odd)
        odd = remainder + remainder * (square * (_S3 + square * odd))
        even = _C8 + square * (_C10 + square * _C12)
        even = _C2 + square * (_C4 + square * (_C6 + square * even))
        sines[i] = sign * odd
        slopes[i] = sign * omega * (_UNIT + square * even)
