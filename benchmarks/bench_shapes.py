"""The benchmark behind `make bench-shapes`: surfaces at equal bytes against decimation and Draco.

    python benchmarks/bench_shapes.py --meshes FOLDER [--only NAME ...] [--sizes N ...]

FOLDER holds the meshes of `MESHES`. Every point is appended to benchmarks/results/shapes.csv as it
is measured (a point that is there already is not measured again), and the section "shapes" of
benchmarks/RESULTS.md is made from that table.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import trimesh
from measuring.surface_distance import Mesh, compare
from peers.decimation import FAST, QSLIM, Coarsened, Decimation
from reporting.machine import describe_machine
from reporting.sections import RESULTS_FOLDER, replace_section

import codec

OURS = "inrc"
MESHES = ("armadillo.ply", "dragon.ply", "nefertiti.ply", "skull.ply", "bunny_holes.ply")
SIZES = (10_000, 20_000, 50_000)
# Faces from which qslim is slow; larger meshes are brought there once.
_MANY_FACES = 200_000
# (peer, most of its Chamfer distance, most of its Hausdorff distance), in the geometric mean.
_TARGETS = ((FAST.name, 0.7, None), (QSLIM.name, 1.3, 3.0))
_EXPLANATION = """\
Chamfer-L1 and Hausdorff distance in per cent of the diagonal of the bounding box: exact
point-to-triangle distances from 100,000 points on either surface. Ours: decoded at resolution 256.
All at the given file size or just below. The peers have the number of bits with the least Chamfer
distance, and Draco's level 10. Sizes in bytes; times are those of a shared machine."""


@dataclass(frozen=True)
class Point:
    """One file, measured."""

    mesh: str
    asked: int
    codec: str
    file_bytes: int
    chamfer: float
    hausdorff: float
    encode_seconds: float
    decode_seconds: float


def load(path: Path) -> Mesh:
    """A mesh with merged vertices, without faces that have no area."""
    mesh = trimesh.load(path, force="mesh", process=True)
    mesh.update_faces(mesh.nondegenerate_faces())
    mesh.remove_unreferenced_vertices()
    return Mesh(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))


def measure_ours(path: Path, original: Mesh, size: int) -> Point:
    """Encode, decode and compare."""
    with tempfile.TemporaryDirectory() as folder:
        packed, decoded = Path(folder) / "shape.inrc", Path(folder) / "shape.ply"
        start = time.perf_counter()
        report = codec.encode(path, packed, bytes=size)
        middle = time.perf_counter()
        codec.decode(packed, decoded, resolution=256)
        end = time.perf_counter()
        apart = compare(original, load(decoded))
    return Point(
        path.stem, size, OURS, report.file_bytes, apart.chamfer, apart.hausdorff,
        middle - start, end - middle,
    )  # fmt: skip


def measure_peer(name: str, original: Mesh, size: int, peer: Decimation) -> Point:
    """The best mesh of the peer at a size."""
    source: Coarsened = (original.vertices, original.faces)
    start = time.perf_counter()
    if len(source[1]) > _MANY_FACES:
        source = peer.coarsen(*source, _MANY_FACES // 2)
    used, decoded = peer.best(source, size, lambda mesh: compare(original, Mesh(*mesh)).chamfer)
    seconds = time.perf_counter() - start
    apart = compare(original, Mesh(*decoded))
    return Point(name, size, peer.name, used, apart.chamfer, apart.hausdorff, seconds, math.nan)


def read_points(table: Path) -> list[Point]:
    """Results that were measured before."""
    if not table.exists():
        return []
    kinds = {field.name: field.type for field in fields(Point)}
    convert = {"str": str, "int": int, "float": float}
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [Point(**{key: convert[str(kinds[key])](row[key]) for key in kinds}) for row in rows]


def append(table: Path, point: Point) -> None:
    """Add a row, with the heading if it is the first."""
    new = not table.exists()
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Point)])
        if new:
            writer.writeheader()
        writer.writerow(asdict(point))


def section(points: Sequence[Point]) -> str:
    """The section of RESULTS.md."""
    lines = ["Made by `make bench-shapes`; do not edit.", ""]
    lines += [f"- {name}: {value}" for name, value in describe_machine().items()]
    lines += [f"- {peer.name}: {peer.version()}" for peer in (FAST, QSLIM)]
    lines += ["", _EXPLANATION, ""]
    lines += ["| mesh | codec | bytes | Chamfer | Hausdorff | encode s | decode s |"]
    lines += ["|---|---|---:|---:|---:|---:|---:|"]
    for point in sorted(points, key=lambda point: (point.mesh, point.asked, point.codec)):
        decode = "" if math.isnan(point.decode_seconds) else f"{point.decode_seconds:.1f}"
        lines.append(
            f"| {point.mesh} | {point.codec} | {point.file_bytes:,} | {point.chamfer:.4f} | "
            f"{point.hausdorff:.3f} | {point.encode_seconds:.0f} | {decode} |"
        )
    return "\n".join([*lines, "", *summary(points)])


def summary(points: Sequence[Point]) -> list[str]:
    """Our distances over each peer's, geometric means over all meshes and sizes."""
    our_points = {(point.mesh, point.asked): point for point in points if point.codec == OURS}
    lines = []
    for name, most_chamfer, most_hausdorff in _TARGETS:
        pairs = [
            (our_points[point.mesh, point.asked], point)
            for point in points
            if point.codec == name and (point.mesh, point.asked) in our_points
        ]
        if not pairs:
            continue
        for what, most in (("chamfer", most_chamfer), ("hausdorff", most_hausdorff)):
            ratios = np.array([getattr(ours, what) / getattr(peer, what) for ours, peer in pairs])
            mean = float(np.exp(np.log(ratios).mean()))
            verdict = ""
            if most is not None:
                verdict = f", target {most:g}: {'pass' if mean <= most else '**fail**'}"
            lines.append(
                f"- {what.capitalize()} over that of {name}: geometric mean **{mean:.3f}** over "
                f"{len(pairs)} files, worst {ratios.max():.2f}{verdict}"
            )
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meshes", type=Path, required=True, help="folder with the meshes")
    parser.add_argument("--only", nargs="+", choices=MESHES, default=list(MESHES))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--out", type=Path, default=RESULTS_FOLDER)
    options = parser.parse_args()
    table = options.out / "shapes.csv"
    points = read_points(table)
    done = {(point.mesh, point.asked, point.codec) for point in points}
    for name in options.only:
        path = options.meshes / name
        original = load(path)
        for size in options.sizes:
            for peer in (None, QSLIM, FAST):
                if (path.stem, size, OURS if peer is None else peer.name) in done:
                    continue
                if peer is None:
                    point = measure_ours(path, original, size)
                else:
                    point = measure_peer(path.stem, original, size, peer)
                append(table, point)
                points.append(point)
                print(point, file=sys.stderr, flush=True)
    replace_section(options.out.parent / "RESULTS.md", "shapes", section(points))
    print("\n".join(summary(points)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
