"""Calls that the image codecs of Pillow share."""

from __future__ import annotations

import io
from importlib.metadata import version
from typing import Any

import numpy as np
from PIL import Image, features

from codec.arrays import Array


def missing(feature: str) -> str | None:
    """Message that this Pillow lacks the feature, named as in `PIL.features`, or None."""
    return None if features.check(feature) else f"this Pillow was built without {feature}"


def described(feature: str) -> str:
    """Pillow's version, and that of the library behind the feature."""
    return f"Pillow {version('pillow')}, {feature} {features.version(feature)}"


def encoded(values: Array, format: str, **options: Any) -> bytes:
    """The file that Pillow writes for a uint8 array (rows, columns, 3)."""
    target = io.BytesIO()
    Image.fromarray(values).save(target, format=format, **options)
    return target.getvalue()


def decoded(data: bytes) -> Array:
    """uint8, (rows, columns, 3)."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))
