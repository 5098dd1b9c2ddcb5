"""Two trees of metadata that use all keys of their media, and changes that make them corrupt."""

from __future__ import annotations

import copy
import math
from typing import Any

Change = tuple[tuple[int, ...], Any]
"""Place in a tree, and its new value; None removes the entry."""

NETCDF: dict[int, Any] = {
    0: 4,
    1: [
        {
            1: ["title", "of a test", "odd", b"\xff\xfe", "names", ["a", "bc"], "n", [4, bytes(8)]],
            2: [["flags", 7, ["no", 0, "yes", 1]]],
            3: ["time", -3, "x", 3],
            4: [
                {0: "time", 1: 6, 2: [0]},
                {
                    0: "t",
                    2: [0, 1],
                    3: ["units", "K", "_FillValue", [5, bytes(4)]],
                    4: [1, 3],
                    5: 3,
                    6: 4,
                },
            ],
        },
        {
            0: "a",
            3: ["n", 2],
            4: [
                {0: "kind", 1: 32, 2: [1], 3: ["_FillValue", [7, b"\1"]], 7: ["zstd", 5]},
                {0: "label", 1: 12, 2: [2]},
            ],
        },
        {0: "a/b", 4: [{0: "code", 1: 2, 2: [1], 5: 4, 7: ["szip", "nn", 8]}]},
    ],
}
"""Groups, an enum type, an unlimited dimension, and variables of most types."""

BAD_NETCDF: dict[str, tuple[str, Change]] = {
    "key-2": ("META-2", ((2,), 0)),
    "key-of-group": ("META-2", ((1, 0, 5), 0)),
    "key-of-variable": ("META-2", ((1, 0, 4, 1, 8), 0)),
    "format-6": ("META-2", ((0,), 6)),
    "flag-4": ("META-2", ((1, 0, 4, 1, 5), 16)),
    "deflate-10": ("META-2", ((1, 0, 4, 1, 6), 10)),
    "root-with-path": ("META-3", ((1, 0, 0), "r")),
    "path-twice": ("META-3", ((1, 2, 0), "a")),
    "group-before-parent": ("META-3", ((1, 1, 0), "c")),
    "type-13": ("META-4", ((1, 0, 4, 0, 1), 13)),
    "type-of-no-enum": ("META-4", ((1, 1, 4, 0, 1), 33)),
    "base-float": ("META-4", ((1, 0, 2, 0, 1), 5)),
    "dimension-not-there": ("META-5", ((1, 0, 4, 0, 2, 0), 3)),
    "dimension-of-child": ("META-5", ((1, 0, 4, 0, 2, 0), 2)),
    "size-text": ("META-6", ((1, 0, 3, 3), "3")),
    "attribute-cut": ("META-7", ((1, 0, 1, 7, 1), bytes(7))),
    "attribute-of-char": ("META-4 META-7", ((1, 0, 1, 7, 0), 2)),
    "trailing-nul": ("META-8", ((1, 0, 1, 1), "of a test\0")),
    "trailing-nul-bytes": ("META-8", ((1, 0, 1, 3), b"\xff\0")),
    "bytes-of-utf-8": ("META-8", ((1, 0, 1, 3), b"plain")),
    "fill-of-enum": ("META-9", ((1, 1, 4, 0, 3, 1), [4, bytes(4)])),
    "compressor-unknown": ("META-11", ((1, 1, 4, 0, 7), ["lzma", 5])),
    "zstd-without-level": ("META-11", ((1, 1, 4, 0, 7), ["zstd"])),
    "szip-other-option": ("META-11", ((1, 2, 4, 0, 7), ["szip", "xx", 8])),
    "format-default": ("META-12", ((0,), 3)),
    "path-default": ("META-12", ((1, 0, 0), "")),
    "type-default": ("META-12", ((1, 0, 4, 1, 1), 5)),
    "flags-default": ("META-12", ((1, 0, 4, 1, 5), 0)),
    "attributes-empty": ("META-12", ((1, 0, 4, 1, 3), [])),
    "variables-empty": ("META-12", ((1, 2, 4), [])),
    "variable-of-other-name": ("META-13 META-14", ((1, 2, 4, 0, 0), "other")),
    "variable-of-other-shape": ("META-14", ((1, 0, 3, 3), 4)),
    "variable-of-other-type": ("META-14", ((1, 0, 4, 0, 1), 9)),
}

ARRAYS: dict[int, Any] = {
    0: [
        {
            0: "density",
            4: {
                0: [0.5, 0.25, 0.125],
                1: [0.0, -1.0, 2.0],
                2: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
                3: ["mm", "mm", "um"],
                4: "RAS",
                5: [0, 1, 2],
            },
            5: "g/cm3",
            6: [0.5, -1.0],
            7: [-999, 1e20],
            8: ">f4",
            9: {"anything": [1, 2]},
        },
        {0: "flow", 1: ["flow/0", "flow/1"], 2: 3, 3: [2, 3, 2, 2], 4: {0: [2.0], 5: [1]}},
        {0: "note", 1: []},
    ],
    1: {0: "header"},
}
"""A scalar with all keys, a field of two components, and a verbatim array."""

BAD_ARRAYS: dict[str, tuple[str, Change]] = {
    "key-2": ("META-2", ((2,), 0)),
    "key-10": ("META-2", ((0, 0, 10), 0)),
    "key-of-geometry": ("META-2", ((0, 0, 4, 6), 0)),
    "no-verbatim-array": ("META-23", ((0, 2, 0), "absent")),
    "no-axis": ("META-24", ((0, 1, 2), None)),
    "axis-too-large": ("META-24", ((0, 1, 2), 4)),
    "other-shape": ("META-25", ((0, 1, 3), [2, 3, 2, 3])),
    "slope-0": ("META-26", ((0, 0, 6), [0.0, 1.5])),
    "slope-infinite": ("META-26", ((0, 0, 6), [math.inf, 0.0])),
    "offset-infinite": ("META-26", ((0, 0, 6), [1.5, -math.inf])),
    "fill-text": ("META-27", ((0, 0, 7), ["none"])),
    "origin-of-two": ("META-28", ((0, 0, 4, 1), [0.0, 1.5])),
    "units-of-two": ("META-28", ((0, 0, 4, 3), ["mm", "mm"])),
    "direction-of-four": ("META-28", ((0, 0, 4, 2), [1.0, 0.0, 0.0, 1.0])),
    "axes-of-two": ("META-28", ((0, 0, 4, 5), [0, 1])),
    "axes-descend": ("META-28", ((0, 0, 4, 5), [2, 1, 0])),
    "axes-beyond": ("META-28", ((0, 0, 4, 5), [1, 2, 3])),
    "spacing-0": ("META-29", ((0, 0, 4, 0, 1), 0.0)),
    "spacing-negative": ("META-29", ((0, 0, 4, 0, 2), -0.5)),
    "space-of-other-letters": ("META-30", ((0, 0, 4, 4), "XYZ")),
    "space-along-one-axis": ("META-30", ((0, 0, 4, 4), "RLS")),
    "own-part-text": ("META-33", ((1,), "header")),
}


def changed(tree: Any, change: Change) -> Any:
    """Return a tree with one change."""
    out = copy.deepcopy(tree)
    place = out
    *way, last = change[0]
    for step in way:
        place = place[step]
    if change[1] is None:
        del place[last]
    else:
        place[last] = change[1]
    return out
