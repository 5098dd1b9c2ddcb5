"""inrc: scientific volumes, images and shapes stored as fitted functions.

    import codec
    codec.encode("input.nc", "out.inrc", psnr=50)
    with codec.open("out.inrc") as file:
        t = file["t"]                # shape, dtype, dims, attributes: nothing is decoded yet
        t[0, 10:20, ::4]             # evaluates only these samples
        t.at([[0.5, 41.2, 7.1]])     # between the samples

Importing this package imports neither torch nor any plugin.
"""

from __future__ import annotations

from codec._version import __version__
from codec.api import (
    append,
    decode,
    encode,
    info,
    meta_train,
    open,
    plugin_settings,
    plugins,
    repair,
    transcode,
    tune,
    verify,
)
from codec.errors import (
    CorruptError,
    FormatError,
    InrcError,
    InvalidInputError,
    InvalidOptionError,
    LimitError,
    MissingDependencyError,
    TargetError,
    TruncatedError,
    UnsupportedError,
    VerificationError,
)
from codec.limits import Limits
from codec.options.encode import EncodeOptions, Goal, Progress
from codec.options.plugin_settings import Setting
from codec.options.raw_layout import RawLayout
from codec.reports import TuneReport

__all__ = [
    "CorruptError",
    "EncodeOptions",
    "FormatError",
    "Goal",
    "InrcError",
    "InvalidInputError",
    "InvalidOptionError",
    "LimitError",
    "Limits",
    "MissingDependencyError",
    "Progress",
    "RawLayout",
    "Setting",
    "TargetError",
    "TruncatedError",
    "TuneReport",
    "UnsupportedError",
    "VerificationError",
    "__version__",
    "append",
    "decode",
    "encode",
    "info",
    "meta_train",
    "open",
    "plugin_settings",
    "plugins",
    "repair",
    "transcode",
    "tune",
    "verify",
]
