"""Keys of what only HDF5 understands (format_spec/metadata.md, "Own parts")."""

from __future__ import annotations

# Keys of a dataset's native part.
ATTRIBUTES, CHUNKS, FILTER, LEVEL, SHUFFLE, TEXT_SHAPE, UNLIMITED = range(7)
# Key of the file's native part.
GROUPS = 0
