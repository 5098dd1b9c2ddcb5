"""Limits of a decoder on the demands of a file (section 11)."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import Limit


@dataclass(frozen=True)
class Limits:
    """Upper bounds of LIM-2; the defaults are level 1, but at most 2^26 samples.

    The last two are this decoder's own: the format bounds no sum of payloads but that of VERB.
    """

    samples: int = 2**26
    """Output samples of all components of all items."""
    tensor_entries: int = 2**24
    """Entries of all tensors but lattices of all items, coded or not."""
    multiply_adds: int = 2**38
    sections: int = 2**12
    header_bytes: int = 2**24
    """Bytes of a HEAD, ITEM or mETa payload."""
    payload_bytes: int = 2**28
    """Bytes of all VERB payloads together, and of any other single payload."""
    mask_samples: int = 2**26
    """Samples of all masks together."""
    cbor_items: int = 2**22
    """CBOR items of one payload."""
    mixed: int = 2**22
    """Integers and mask samples coded by mixing or by the static coder, which take long here."""
    total_payload_bytes: int = 2**29
    """Bytes of all compressed payloads together."""


DEFAULT_LIMITS = Limits()


def require(amount: int, allowed: int, what: str) -> None:
    """Raise `Limit` when `amount` is more than `allowed`."""
    if amount > allowed:
        raise Limit(f"{what}: {_short(amount)} is more than {allowed}")


def _short(amount: int) -> str:
    """Return a number as text without ever writing out hundreds of digits."""
    return str(amount) if amount < 2**70 else f"about 2^{amount.bit_length() - 1}"
