"""The benchmark behind `make bench-accuracy`: how far decoders are from the float64 reference.

    python benchmarks/bench_accuracy.py [--write] [--cuda] [--steps N]

A volume, an image and a shape (made here, or from scikit-image) are encoded with every
architecture. The reference decoder of the conformance suite evaluates the files in float64; then
the product does, in several ways that add the same numbers up in other orders or with fewer digits.
The greatest and the root mean square difference of x over R = 2 * scale are shown, in units of
the bounds of class F (2^-16 and 2^-19; format_spec/inrc-1.md, VAL-5). `--write` puts the table into
docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from reporting.machine import describe_machine
from reporting.prose import wrapped
from reporting.sections import REPOSITORY
from skimage import data as samples

import codec
from codec.arrays import Float32Array, Float64Array
from codec.coding.evaluate import evaluate_blocks
from codec.format.headers import Item
from codec.plugin_api.evaluator import Evaluator
from codec.reading.contents import reopened
from codec.reading.item import DecodableItem
from inrc_conformance.decoder import decode_bytes
from inrc_conformance.decoder.result import DecodedItem

_PAGE = REPOSITORY / "docs" / "accuracy.md"
_PEAK, _RMS = 2.0**-16, 2.0**-19
_NETWORKS = ("fvsrn", "neurcomp", "amgsrn", "miner", "siren", "hashgrid")
_PSNR = 45.0
# Settings that make rounding worst: high frequencies and many layers.
_HARD: dict[str, dict[str, Any]] = {
    "siren": {"arch.layers": 4, "arch.width": 48},
    "neurcomp": {"arch.blocks": 6},
    "fvsrn": {"arch.octaves": 8},
}


@dataclass(frozen=True)
class Way:
    """Way to evaluate a file: `values` gives y (components, *shape) of an item."""

    name: str
    values: Callable[[DecodableItem], Float64Array]


def main() -> int:
    options = _options()
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for arch, path in _files(Path(folder), options.steps):
            reference = decode_bytes(path.read_bytes()).items[0]
            with reopened(path, threads=1) as file:
                for way in _ways(arch, options.cuda):
                    errors = _errors(file.items[0], reference, way)
                    rows.setdefault((arch, way.name), []).append(errors)
                    print(path.name, way.name, *(f"{value:.4g}" for value in errors), flush=True)
    if options.write:
        _PAGE.write_text(_page(rows, options), encoding="utf-8")
    worst = max(
        max(max(errors) for errors in each) for (_, way), each in rows.items() if "16" not in way
    )
    return 1 if worst > 1 else 0


def _files(folder: Path, steps: int) -> Iterator[tuple[str, Path]]:
    """Encoded samples: architecture and path."""
    volume, image, shape = folder / "volume.npy", folder / "image.npy", folder / "torus.ply"
    np.save(volume, _waves())
    np.save(image, samples.camera()[100:228, 160:288].astype(np.float32))
    import trimesh

    trimesh.creation.torus(1.0, 0.3).export(shape)
    for arch in ("pyramid", *_NETWORKS):
        for source in (volume, image):
            settings = {} if arch == "pyramid" else {"fit.steps": steps, **_HARD.get(arch, {})}
            yield arch, _encoded(source, arch, settings, psnr=_PSNR)
    yield "pyramid, key 6", _encoded(volume, "pyramid", {}, max_error=1e-7)
    yield "shell", _encoded(shape, "shell", {}, bytes=4000)


def _encoded(source: Path, arch: str, settings: dict[str, Any], **goal: Any) -> Path:
    target = source.with_name(f"{source.stem}-{arch}-{len(goal)}.inrc")
    codec.encode(source, target, arch=arch, settings=settings, threads=2, overwrite=True, **goal)
    return target


def _waves() -> Float32Array:
    """Waves of many lengths, with an edge."""
    axes = np.meshgrid(*(np.linspace(0, 1, size) for size in (33, 40, 37)), indexing="ij")
    radius = np.sqrt(sum(np.square(axis - 0.4) for axis in axes))
    values = np.cos(40 * np.square(radius)) + 0.3 * np.sin(9 * axes[0] + 23 * axes[1] * axes[2])
    return np.where(radius < 0.25, values + 0.8, values).astype(np.float32)


def _ways(arch: str, cuda: bool) -> list[Way]:
    ways = [Way(f"NumPy, {number} threads", _numpy(number)) for number in (1, 2, 4)]
    ways += [Way(f"NumPy, blocks of {edge} along each axis", _blocks(edge)) for edge in (1, 5)]
    if arch not in _NETWORKS:
        return ways
    ways.append(Way("torch on the CPU", _torch("cpu:0")))
    ways.append(Way("torch on the CPU, float16 products", _torch("cpu:0", torch.float16)))
    if cuda:
        ways.append(Way("CUDA", _torch("cuda:0")))
        ways.append(Way("CUDA, TF32", _torch("cuda:0", tf32=True)))
        ways.append(Way("CUDA, float16 products", _torch("cuda:0", torch.float16)))
    return ways


def _numpy(threads: int) -> Callable[[DecodableItem], Float64Array]:
    return lambda item: _evaluated(_evaluator(item, "cpu"), item.header, threads)


def _blocks(edge: int) -> Callable[[DecodableItem], Float64Array]:
    """Other matrix shapes: the linear algebra adds up in another order."""

    def values(item: DecodableItem) -> Float64Array:
        evaluator, shape = _evaluator(item, "cpu"), item.header.shape
        out = np.empty((len(item.header.components), *shape))
        # A plane of such blocks is enough to see the difference, and all of them take minutes.
        out[...] = np.nan
        for axis in range(len(shape)):
            place = [slice(0, min(size, 3 * edge)) for size in shape]
            place[axis] = slice(0, shape[axis])
            for start in range(0, shape[axis], edge):
                place[axis] = slice(start, min(start + edge, shape[axis]))
                block = [np.arange(part.start, part.stop) for part in place]
                out[(slice(None), *place)] = evaluator.on_axes(block)
        return out

    return values


def _torch(device: str, reduced: torch.dtype | None = None, tf32: bool = False) -> Any:
    def values(item: DecodableItem) -> Float64Array:
        kind = torch.device(device).type
        allowed_before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = tf32
        context: Any = contextlib.nullcontext()
        if reduced is not None:
            context = torch.autocast(kind, reduced)
        try:
            with context:
                return _evaluated(_evaluator(item, device), item.header, 1)
        finally:
            torch.backends.cuda.matmul.allow_tf32 = allowed_before

    return values


def _evaluator(item: DecodableItem, device: str) -> Evaluator:
    header = item.header
    parameters = [np.array(values) for values in item.parameters()]
    evaluator: Evaluator = item.architecture.evaluator(
        header.config, header.shape, len(header.components), parameters, device
    )
    return evaluator


def _evaluated(evaluator: Evaluator, header: Item, threads: int) -> Float64Array:
    out = np.empty((len(header.components), *header.shape))

    def store(window: Any, y: Any) -> None:
        out[(slice(None), *window)] = y

    evaluate_blocks(evaluator, [np.arange(size) for size in header.shape], threads, store)
    return out


def _errors(item: DecodableItem, reference: DecodedItem, way: Way) -> tuple[float, float]:
    """Peak and root mean square of the difference of x, in units of class F."""
    y = way.values(item)
    differences = []
    components = zip(item.header.components, y, reference.components, strict=True)
    for component, values, expected in components:
        x = component.offset + component.scale * np.clip(values, -1, 1)
        # A float64 ulp of x is allowed beside the class (VAL-5).
        beyond_rounding = np.abs(x - expected.real) - np.spacing(np.abs(x))
        differences.append(beyond_rounding / (2 * component.scale))
    errors = np.maximum(np.stack(differences), 0)
    errors = errors[np.isfinite(errors)]
    return float(errors.max()) / _PEAK, float(np.sqrt(np.square(errors).mean())) / _RMS


def _page(rows: dict[tuple[str, str], list[tuple[float, float]]], options: Any) -> str:
    machine = describe_machine()
    lines = [
        "# Accuracy of decoders",
        "",
        "This page says how far decoded values are from those of the reference decoder, which "
        "evaluates in float64. It is written by a command; do not edit it:",
        "",
        "```sh",
        "make bench-accuracy",
        "```",
        "",
        "The files are those of a volume, an image and a shape, with networks fitted for "
        f"{options.steps} steps. The machine is {machine['CPU']}, {machine['date']}, torch "
        f"{machine['torch']}, NumPy {np.__version__}.",
        "",
        "The table has differences of x (VAL-2) of the worst file: the greatest in units of "
        "2^-16 R, the root mean square in units of 2^-19 R. Class F (format_spec/inrc-1.md, VAL-5) "
        "allows 1 for both, class P 512 and 1024. `pyramid` with key 6 promises 2^-24 of the first "
        "unit (PYR-6).",
        "",
        "| architecture | evaluated by | peak / 2^-16 R | root mean square / 2^-19 R | class |",
        "|---|---|---:|---:|---|",
    ]
    for (arch, way), errors in rows.items():
        peak, rms = (max(values) for values in zip(*errors, strict=True))
        lines.append(f"| `{arch}` | {way} | {peak:.2g} | {rms:.2g} | {_class(peak, rms)} |")
    lines += ["", *_READING]
    return wrapped("\n".join(lines) + "\n")


def _class(peak: float, rms: float) -> str:
    """Accuracy class whose bounds are kept."""
    if max(peak, rms) <= 1:
        return "F"
    return "P" if peak <= 512 and rms <= 1024 else "**none**"


_READING = (
    "The constants have two reasons. A decoder that evaluates in float32, in whatever order, "
    "needs them with some room, because phases of sines and the layers after them enlarge rounding "
    "errors. And 2^-16 R is a quarter of the step of 14 bits, below what any of the files shows of "
    "its field. Half precision is far outside of class F and inside of class P, whose bounds are "
    "2^-7 and 2^-9 R.",
)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=150, help="steps of every fit [150]")
    parser.add_argument("--cuda", action="store_true", help="measure on a GPU, too")
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.md")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
