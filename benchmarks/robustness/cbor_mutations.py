"""Changes of a CBOR payload: of types, ranges, keys, depth and lengths, legal CBOR or not."""

from __future__ import annotations

import math
import struct
from random import Random
from typing import Any

from codec.errors import InrcError
from codec.format import cbor

Path = tuple[Any, ...]

_INTEGERS = (
    *(0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 30, 31, 32, 63, 64, 65, 255, 256, 1023, 1024, 1025, 4096),
    *(4097, 65535, 65536, 65537, 2**20, 2**24, 2**31 - 1, 2**31, 2**32, 2**48, 2**48 + 1),
    *(2**53, 2**63 - 1, 2**63, 2**64 - 1, -1, -2, -(2**31), -(2**63), -(2**64)),
)  # fmt: skip
_FLOATS = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, 5e-324, 2.0**-126, 1e-3, 3.4028234663852886e38, 1e39),
    *(1.7976931348623157e308, -1.7976931348623157e308, math.inf, -math.inf, math.nan, 0.1),
)
_TEXTS = (
    "",
    "a",
    "v0",
    "/",
    "a/b",
    "..",
    "\0",
    "ü" * 3,
    "x" * 300,
    "x" * 70000,
    "time",
    "{}",
    "nan",
)
_BYTES = (b"", b"\0", b"\xff" * 3, bytes(16), bytes(range(64)), b"\0" * 4096)


class Loose(bytes):
    """Bytes that take the place of a CBOR item as they are."""


def mutate_cbor(random: Random, payload: bytes, inside: Path = ()) -> bytes:
    """Another payload, mostly with one change.

    Args:
        inside: keys that lead to the part to be changed; where it does not exist, any is.
    """
    try:
        tree = cbor.decode(payload)
    except InrcError:
        return _mutate_bytes(random, payload)
    if random.random() < 0.08:
        return _mutate_bytes(random, payload)
    places = list(_places(tree, ()))
    chosen = [place for place in places if place[: len(inside)] == inside] or places
    place = random.choice(chosen)
    return encode_loosely(_replaced(random, tree, place))


def _mutate_bytes(random: Random, payload: bytes) -> bytes:
    changed = bytearray(payload or b"\0")
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(changed))
        kind = random.randrange(4)
        if kind == 0:
            changed[at] = random.randrange(256)
        elif kind == 1:
            changed[at] ^= 1 << random.randrange(8)
        elif kind == 2:
            del changed[at]
            changed = changed or bytearray(b"\0")
        else:
            changed.insert(at, random.randrange(256))
    return bytes(changed)


def _places(tree: Any, path: Path) -> Any:
    yield path
    if isinstance(tree, list):
        for number, element in enumerate(tree[:64]):
            yield from _places(element, (*path, number))
    elif isinstance(tree, dict):
        for key, element in tree.items():
            yield from _places(element, (*path, key))


def _replaced(random: Random, tree: Any, path: Path) -> Any:
    if not path:
        return _changed(random, tree)
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    copy[path[0]] = _replaced(random, tree[path[0]], path[1:])
    return copy


def _changed(random: Random, value: Any) -> Any:
    """Something else in the place of a value."""
    kind = random.random()
    if kind < 0.08:
        return any_value(random)
    if kind < 0.12:
        return _ill_formed(random, value)
    if kind < 0.16:
        return _nested(random, value)
    if isinstance(value, bool) or value is None:
        return random.choice([True, False, None, 0, 1])
    if isinstance(value, int):
        return _integer(random, value)
    if isinstance(value, float):
        return _float(random, value)
    if isinstance(value, str):
        return random.choice([*_TEXTS, value + "x", value * 2, value[:-1], value.upper()])
    if isinstance(value, bytes):
        return _mutate_bytes(random, value) if random.random() < 0.7 else random.choice(_BYTES)
    if isinstance(value, list):
        return _list(random, value)
    if isinstance(value, dict):
        return _map(random, value)
    return any_value(random)


def any_value(random: Random) -> Any:
    """Any value of the subset."""
    kind = random.randrange(8)
    simple = (random.choice(_INTEGERS), random.choice(_FLOATS), random.choice(_TEXTS))
    if kind < 3:
        return simple[kind]
    if kind == 3:
        return random.choice(_BYTES)
    if kind == 4:
        return random.choice([None, True, False])
    if kind == 5:
        return [any_value(random) for _ in range(random.randrange(4))]
    if kind == 6:
        return {random.randrange(12): any_value(random) for _ in range(random.randrange(3))}
    return {random.choice(_TEXTS[:6]): any_value(random)}


def _integer(random: Random, value: int) -> Any:
    near = (value + 1, value - 1, value * 2, value // 2, -value, value + random.randint(-9, 9))
    chosen = random.choice([*near, *near, random.choice(_INTEGERS), float(min(value, 2**60))])
    return max(-(2**64), min(2**64 - 1, chosen)) if isinstance(chosen, int) else chosen


def _float(random: Random, value: float) -> Any:
    near = [-value, value * 2, value / 3, value * 1e30, math.nextafter(value, 9.0)]
    near += [random.choice(_FLOATS), random.choice(_FLOATS)]
    if math.isfinite(value) and abs(value) < 2**60:
        near.append(int(value))
    return random.choice(near)


def _list(random: Random, value: list[Any]) -> Any:
    copy = list(value)
    kind = random.randrange(7)
    if kind == 0 or not copy:
        copy.insert(random.randint(0, len(copy)), any_value(random))
    elif kind == 1:
        del copy[random.randrange(len(copy))]
    elif kind == 2:
        copy.append(random.choice(copy))
    elif kind == 3:
        random.shuffle(copy)
    elif kind == 4:
        copy *= random.choice([2, 3, 100])
    elif kind == 5:
        copy = []
    else:
        copy[random.randrange(len(copy))] = any_value(random)
    return copy


def _map(random: Random, value: dict[Any, Any]) -> Any:
    copy = dict(value)
    kind = random.randrange(6)
    key = random.choice(list(copy)) if copy else 0
    if kind <= 1 or not copy:
        new = random.choice([*range(14), 255, 2**32, -1, "x", ""])
        copy[new] = random.choice([any_value(random), *copy.values()])
    elif kind == 2:
        del copy[key]
    elif kind == 3:
        copy[random.randrange(14)] = copy.pop(key)
    elif kind == 4:
        copy[key] = any_value(random)
    else:
        copy = {}
    return copy


def _nested(random: Random, value: Any) -> Any:
    for _ in range(random.choice([1, 2, 13, 15, 16, 17, 40, 3000])):
        value = Loose(b"\x81" + encode_loosely(value))
    return value


def _ill_formed(random: Random, value: Any) -> Loose:
    """A form that deterministic CBOR does not allow, of the value or of anything."""
    good = encode_loosely(value)
    number = random.choice(_INTEGERS[:20])
    return Loose(
        random.choice(
            [
                b"\x18" + bytes([number & 0x17]),
                b"\x1b" + number.to_bytes(8, "big"),
                b"\xc2" + good,
                b"\xdb" + b"\xff" * 8 + good,
                b"\x9f" + good + b"\xff",
                b"\xbf\x00" + good + b"\xff",
                b"\x5f\x41\x00\xff",
                b"\xa2\x00" + good + b"\x00" + good,
                b"\xa2\x01" + good + b"\x00" + good,
                b"\xa1" + good + good,
                b"\x9a\xff\xff\xff\xff" + good,
                b"\xbb" + b"\x7f" + b"\xff" * 7,
                b"\x7b" + b"\xff" * 8,
                b"\x5a\x00\x10\x00\x00",
                b"\x62\xff\xfe",
                b"\x63\xed\xa0\x80",
                b"\xf8\x20",
                b"\xf7",
                b"\xff",
                b"\x1c",
                b"\xfb" + struct.pack(">d", 1.0),
                b"\xf9\x7e\x01",
                b"\xfa\x7f\xc0\x00\x01",
                good + good,
                good[:-1],
            ]
        )
    )


def encode_loosely(value: Any) -> bytes:
    """Bytes as `cbor.encode` makes them, but `Loose` parts stay as they are."""
    if isinstance(value, Loose):
        return bytes(value)
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(encode_loosely, value))
    if isinstance(value, dict):
        pairs = sorted(
            (cbor.encode(key), encode_loosely(element)) for key, element in value.items()
        )
        return _head(5, len(value)) + b"".join(key + element for key, element in pairs)
    return cbor.encode(value)


def _head(major: int, count: int) -> bytes:
    head = bytearray(cbor.encode(count))
    head[0] |= major << 5
    return bytes(head)
