"""Structure-aware mutants: files with right CRCs and digests whose content is not what it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from codec.format import cbor
from robustness.cbor_mutations import any_value, mutate_cbor
from robustness.container import Apart, Piece
from robustness.stream_mutations import mutate_bytes, mutate_mask, mutate_streams

_CBOR = {"HEAD", "ITEM", "mETa", "pROv", "VERB"}
_TYPES = ("HEAD", "ITEM", "TENS", "MASK", "RESD", "VERB", "mETa", "pROv", "tIDX", "ENDS")
# Key 2 of an item is [architecture, version, config].
_MODEL, _CONFIG = (2,), (2, 2)


def mutant(random: Random, apart: Apart) -> Apart:
    """One to three changes."""
    return some_changes(random, apart, _changed)


def some_changes(random: Random, apart: Apart, change: Callable[[Random, Apart], Apart]) -> Apart:
    """A file after one to three changes, mostly one."""
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        apart = change(random, apart)
    return apart


def _changed(random: Random, apart: Apart) -> Apart:
    kind = random.random()
    if kind < 0.04:
        return _reordered(random, apart)
    if kind < 0.06:
        at = random.randrange(8, 12)
        value = random.choice([0, 1, 2, 3, 128, 255])
        return replace(apart, header=apart.header[:at] + bytes([value]) + apart.header[at + 1 :])
    if kind < 0.08:
        return replace(apart, end_edit=(random.randrange(16), random.randrange(256)))
    if kind < 0.10:
        return replace(apart, digest_bytes=random.choice([0, 4, 7, 8, 16, 32]))
    if kind < 0.12:
        edit = (random.randrange(1000), random.randrange(256)) if random.random() < 0.5 else None
        return replace(apart, indexed=True, index_edit=edit)
    at = random.randrange(len(apart.pieces))
    # Integers depend on the header of their item.
    pieces = list(apart.pieces)
    pieces[at] = _changed_piece(random, pieces[at])
    return replace(apart, pieces=tuple(pieces))


def _changed_piece(random: Random, piece: Piece) -> Piece:
    kind = random.random()
    if kind < 0.02:
        name = random.choice([*_TYPES, "abCd", "aBCd", "ABCD", "ABcD", "A1CD"])
        return replace(piece, type=name, digest=None)
    if kind < 0.04:
        return replace(piece, attribute=random.choice([0, 1, 2, 3, 255]), digest=None)
    if kind < 0.06:
        return replace(piece, stored=mutate_bytes(random, piece.stored), digest=None)
    try:
        payload = piece.payload
    except Exception:  # noqa: BLE001 (an earlier change damaged the compression)
        return piece
    if kind < 0.09:
        return replace(piece, attribute=random.choice([1, 2])).holding(payload)
    if piece.type == "ITEM":
        inside = random.choice([(), _MODEL, _CONFIG, _CONFIG, _CONFIG])
        changed = mutate_cbor(random, payload, inside)
        if changed == payload:
            changed = mutate_cbor(random, payload)
        return piece.holding(changed)
    if piece.type in _CBOR:
        return piece.holding(mutate_cbor(random, payload))
    if piece.type in ("TENS", "RESD"):
        return piece.holding(mutate_streams(random, payload))
    if piece.type == "MASK":
        return piece.holding(mutate_mask(random, payload))
    return piece.holding(mutate_bytes(random, payload))


def _reordered(random: Random, apart: Apart) -> Apart:
    pieces = list(apart.pieces)
    at = random.randrange(len(pieces))
    kind = random.randrange(5)
    if kind == 0:
        del pieces[at]
    elif kind == 1:
        pieces.insert(random.randint(0, len(pieces)), pieces[at])
    elif kind == 2:
        random.shuffle(pieces)
    elif kind == 3:
        stored = cbor.encode(random.choice([{}, [], any_value(random)]))
        name = random.choice(["mETa", "pROv", "VERB", "abCd", "ABCD", "TENS", "MASK"])
        pieces.insert(random.randint(0, len(pieces)), Piece(name, 0, stored))
    else:
        other = random.randrange(len(pieces))
        pieces[at], pieces[other] = pieces[other], pieces[at]
    if not pieces:
        return apart
    return replace(apart, pieces=tuple(pieces))
