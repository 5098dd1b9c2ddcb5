"""What a decoder allows a file to ask for (section 11)."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import Limit


@dataclass(frozen=True)
class Limits:
    """Upper bounds; the defaults are level 1, but at most 2^26 samples.

    The last four are this decoder's own: the format bounds each mask and each payload, but not
    their sum, nor the entries of a sparse tensor that are not coded.
    """

    samples: int = 2**26
    tensor_integers: int = 2**24
    multiply_adds: int = 2**38
    sections: int = 2**12
    header_bytes: int = 2**24
    payload_bytes: int = 2**28
    mask_samples: int = 2**26
    tensor_entries: int = 2**26
    total_mask_samples: int = 2**27
    total_payload_bytes: int = 2**29
    cbor_items: int = 2**22


DEFAULT_LIMITS = Limits()


def require(amount: int, allowed: int, what: str) -> None:
    """Raise `Limit` when `amount` is more than `allowed`."""
    if amount > allowed:
        raise Limit(f"{what}: {_short(amount)} is more than {allowed}")


def _short(amount: int) -> str:
    """Return a number as text without ever writing out hundreds of digits."""
    return str(amount) if amount < 2**70 else f"about 2^{amount.bit_length() - 1}"
