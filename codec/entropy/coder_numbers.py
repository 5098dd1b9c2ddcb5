"""Numbers of the coders of streams, as `format_spec/registry.json` lists them."""

from __future__ import annotations

RAW, ANS, RANGE, ZSTD, BROTLI, MIXING, OCTREE, ARRAY, STATIC_LATTICE, STATIC_ARRAY = range(10)
NAMES = {
    RAW: "raw",
    ANS: "ans",
    RANGE: "range",
    ZSTD: "zstd",
    BROTLI: "brotli",
    MIXING: "mixing",
    OCTREE: "octree",
    ARRAY: "array",
    STATIC_LATTICE: "static",
    STATIC_ARRAY: "static array",
}
# Coders whose streams hold parts of a lattice or an octree, and depend on the item they belong to.
OF_ITEMS = (MIXING, OCTREE, STATIC_LATTICE)
# Coders whose streams have lengths of axes.
OF_ARRAYS = (ARRAY, STATIC_ARRAY)
