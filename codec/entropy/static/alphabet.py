"""Classes, tokens and tables of the static coder.

Normative text: format_spec/inrc-1.md, section 7.6.
"""

from __future__ import annotations

import numpy as np

from codec.arrays import Int32Array

# Positions whose flag says together whether any of them is not 0.
GROUP = 32
# Lanes that a block has at most.
MOST_LANES = 32
# Tables of magnitudes, signs and flags, by class.
MAGNITUDE_CLASSES, SIGN_CLASSES, FLAG_CLASSES = 31, 8, 24
TABLES = MAGNITUDE_CLASSES + SIGN_CLASSES + FLAG_CLASSES
FIRST_SIGN = MAGNITUDE_CLASSES
FIRST_FLAG = MAGNITUDE_CLASSES + SIGN_CLASSES
# Room for the symbols of a table; magnitudes have at most MOST_TOKENS.
SYMBOLS = 64
MOST_TOKENS = 59
# Magnitudes below this are their own token; others have raw bits.
DIRECT = 12
# Sum of the frequencies of a table.
TOTAL = 1 << 12
# Magnitudes are below this.
MOST_MAGNITUDE = 1 << 27
# Cap of the surroundings of siblings, and of surroundings.
MOST_SIBLINGS, MOST_SURROUNDINGS = 1023, 255
# Taps, and weights of magnitudes: those of the taps, the constant, the parent and the siblings.
TAPS = 7
WEIGHTS = 10
CONSTANT, PARENT, SIBLINGS = 7, 8, 9
# How often each weight counts in the bound of STA-2, and the bounds.
TAP_COUNTS = np.array([1, 2, 1, 2, 2, 2, 1], np.int64)
MOST_WEIGHT, MOST_SIGN_WEIGHT = 178, 258
WEIGHT_BITS = 6


def _token_table() -> tuple[Int32Array, Int32Array]:
    bases = np.arange(SYMBOLS, dtype=np.int32)
    widths = np.zeros(SYMBOLS, np.int32)
    for token in range(DIRECT, MOST_TOKENS):
        exponent = (token - 5) // 2
        bases[token] = (2 + (token - 5) % 2) << (exponent - 1)
        widths[token] = exponent - 1
    return bases, widths


# Smallest magnitude of each token, and its raw bits.
TOKEN_BASES, TOKEN_WIDTHS = _token_table()
