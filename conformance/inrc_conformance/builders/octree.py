"""Encoder of section 7.5: it uses the walk and the models of the decoder with other bits."""

from __future__ import annotations

from ..decoder.mixing import BitDecoder
from ..decoder.octree import Octree, grow
from ..decoder.octree_model import OctreeModel
from .mixing import BitEncoder
from .streams import Ints, stream


def octree_stream(count: int, data: bytes) -> bytes:
    """Write a stream of coder 6 from its parts."""
    return stream(6, count, b"", data)


def octree_data(octree: Octree, integers: Ints) -> bytes:
    """Encode all integers of an octree; a value may be too far from its prediction for any code."""
    encoder = BitEncoder()
    _, coded = grow(octree, OctreeModel(octree, encoder, integers))
    if coded != list(integers):
        raise ValueError("the integers of an octree cannot be coded")
    return encoder.finish()


def octree_integers(octree: Octree, data: bytes, most: int) -> list[int]:
    """Return the integers of any bytes, taken for a stream; more than `most` are refused."""
    _, integers = grow(octree, OctreeModel(octree, BitDecoder(data), [0] * most))
    return integers
