"""The public functions; each imports what it needs when it is called, so `import codec` is fast."""

from __future__ import annotations

from codec.api.decoding import decode, info, open, repair, verify
from codec.api.encoding import append, encode, transcode
from codec.api.tuning import meta_train, plugin_settings, plugins, tune

__all__ = [
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
