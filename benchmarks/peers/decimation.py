"""A mesh coarsened until Draco makes it small enough: the usual way to few bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from codec.arrays import Float64Array, Int64Array

Coarsened = tuple[Float64Array, Int64Array]

_LEVEL = 10
# Bits of Draco's coordinates that are tried.
_BITS = (9, 10, 11, 12, 13)
# Bytes that a face takes, to begin with, and how close to the bytes asked for is close enough.
_BYTES_PER_FACE = 1.6
_CLOSE = 0.97
_TRIALS = 4


@dataclass(frozen=True)
class Decimation:
    """Decimator, with Draco at its highest level.

    Attributes:
        name: name in reports.
        package: package of the decimator.
        coarsen: function from vertices, faces and a number of faces to a coarser mesh.
    """

    name: str
    package: str
    coarsen: Callable[[Float64Array, Int64Array, int], Coarsened]

    def version(self) -> str:
        """Versions of both packages."""
        return f"{self.package} {version(self.package)}, DracoPy {version('DracoPy')}"

    def best(
        self, source: Coarsened, size: int, error: Callable[[Coarsened], float]
    ) -> tuple[int, Coarsened]:
        """The mesh of at most `size` bytes with the least error over all bits, and its bytes."""
        candidates: list[tuple[float, int, Coarsened]] = []
        faces = math.ceil(size / _BYTES_PER_FACE)
        for bits in _BITS:
            fitting = self._fitting(source, size, bits, faces)
            if fitting is not None:
                used, decoded = fitting
                faces = len(decoded[1])
                candidates.append((error(decoded), used, decoded))
                if len(candidates) > 1 and candidates[-1][0] > candidates[-2][0]:
                    break
        _, used, decoded = min(candidates, key=lambda entry: entry[0])
        return used, decoded

    def _fitting(
        self, source: Coarsened, size: int, bits: int, faces: int
    ) -> tuple[int, Coarsened] | None:
        best: tuple[int, Coarsened] | None = None
        for _ in range(_TRIALS):
            coarse = self.coarsen(*source, min(faces, len(source[1])))
            data = draco(coarse, bits)
            used = len(data)
            if used <= size and (best is None or used > best[0]):
                best = used, undraco(data)
            if _CLOSE * size <= used <= size or (used <= size and faces >= len(source[1])):
                break
            faces = int(faces * 0.99 * size / used)
        return best


def draco(mesh: Coarsened, bits: int) -> bytes:
    """Bytes of a mesh coded by Draco."""
    import DracoPy

    vertices, faces = mesh
    return bytes(
        DracoPy.encode(
            vertices.astype(np.float32), faces.astype(np.uint32),
            quantization_bits=bits, compression_level=_LEVEL,
        )
    )  # fmt: skip


def undraco(data: bytes) -> Coarsened:
    """Mesh decoded by Draco."""
    import DracoPy

    mesh = DracoPy.decode(data)
    return np.asarray(mesh.points, np.float64), np.asarray(mesh.faces, np.int64)


def fast_simplification(vertices: Float64Array, faces: Int64Array, count: int) -> Coarsened:
    """The package fast-simplification at its defaults."""
    import fast_simplification as package

    if count >= len(faces):
        return vertices, faces
    points, triangles = package.simplify(
        vertices.astype(np.float32), faces.astype(np.int32), target_count=count
    )
    return np.asarray(points, np.float64), np.asarray(triangles, np.int64)


def qslim(vertices: Float64Array, faces: Int64Array, count: int) -> Coarsened:
    """libigl's quadric decimation; a mesh that it cannot take (non-manifold) raises ValueError."""
    import igl

    if count >= len(faces):
        return vertices, faces
    points, triangles, *_ = igl.qslim(vertices, faces, count)
    if len(triangles) == 0:
        raise ValueError("qslim gives no faces for this mesh")
    return np.ascontiguousarray(points), np.ascontiguousarray(triangles)


FAST = Decimation("fast-simplification + Draco", "fast-simplification", fast_simplification)
QSLIM = Decimation("qslim + Draco", "libigl", qslim)
