"""Rules of the metadata of HDF5 files: those of all media of arrays."""

from __future__ import annotations

from codec.media.arrays.extend import GrowingArrayRules
from codec.media.hdf5.native_keys import TEXT_SHAPE

RULES = GrowingArrayRules(text_shape=TEXT_SHAPE)
