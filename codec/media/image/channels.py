"""The fields that make an image: what its readers and writers agree on, without Pillow.

Normative text: format_spec/metadata.md, medium `image`.
"""

from __future__ import annotations

from collections.abc import Sequence

from codec.media.dataset import DecodedField

DIMS = ("y", "x")
ALPHA = "alpha"
# Names of the fields by the number of channels.
CHANNELS = (
    ("grey",),
    ("grey", ALPHA),
    ("red", "green", "blue"),
    ("red", "green", "blue", ALPHA),
)
DTYPES = ("u1", "u2")


def in_channel_order(fields: Sequence[DecodedField]) -> tuple[DecodedField, ...]:
    """The fields in the order of an image's channels, or () if they are not an image.

    An image is one field of any name, or exactly the fields of a row of `CHANNELS`; all have two
    axes, one shape, and 8 or 16 unsigned bits.
    """
    kinds = {(field.shape, f"{field.dtype.kind}{field.dtype.itemsize}") for field in fields}
    if len(kinds) != 1:
        return ()
    shape, code = kinds.pop()
    if len(shape) != len(DIMS) or code not in DTYPES:
        return ()
    if len(fields) == 1:
        return tuple(fields)
    by_name = {field.name: field for field in fields}
    for names in CHANNELS:
        if len(fields) == len(names) and set(names) == set(by_name):
            return tuple(by_name[name] for name in names)
    return ()
