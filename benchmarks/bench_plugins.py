"""The benchmark behind `make bench-plugins`: research systems, and their sources' own storage.

    python benchmarks/bench_plugins.py [--data FOLDER] [--only NAME ...] [--systems NAME ...]
                                       [--steps N] [--part storage|architectures|curves] [--report]

Two volumes, two photographs and a mesh of a folder of data (--data, or INRC_DATA). Three parts:

- *storage*: each system is fitted once, with the same number of steps and parameters in 14 bits,
  which costs nothing that can be measured. The same fitted parameters are then stored as the source
  does, and by `inrc transcode` at the PSNR that the source's scheme leaves (0.05 dB less at most):
  rounded and coded alone, or finetuned under their rounding against what they decode to, for half
  as many steps, whichever is smaller. The field that was fitted is not looked at again.
- *architectures*: every architecture at the same number of bytes and steps, beside `pyramid`.
- *curves*: every architecture at several sizes, for the first volume; written to
  docs/plugins/curves.md.

Sizes are those of written files, PSNRs those of values decoded in another process; those of the
sources' schemes, which have no usable file, are computed from the numbers they would restore. Of
the mesh, both are of distances at the nodes of the file's own grid, cut off where that cuts them.
"""

from __future__ import annotations

import argparse
import csv
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import storage_schemes as schemes
from results import describe_machine, replace_section
from sources import data_folder
from storage_schemes import Scheme, Stored, Tensor

import codec
from codec.arrays import Array
from codec.coding.evaluate import evaluate_blocks
from codec.coding.normalise import denormalise
from codec.reading.contents import FileContents, reopened
from codec.reading.item import DecodableItem

_HERE = Path(__file__).parent
_STORAGE, _ARCHITECTURES, _CURVES = (
    _HERE / "results" / f"plugins_{name}.csv" for name in ("storage", "table", "curves")
)
_PAGE = _HERE.parent / "docs" / "plugins" / "curves.md"
_CURVE_DATA, _CURVE_BYTES = "carotid", (3000, 6000, 12000, 24000)
_DECODE = _HERE / "decode_once.py"
_TOLERANCE_DB = 0.05
_TRIES = 6
_THREADS = 2


@dataclass(frozen=True)
class Data:
    """One input: a path that `codec.encode` reads, and the peak of its PSNR (0: its own range)."""

    name: str
    path: Path
    kind: str
    original: Array | None = None
    peak: float = 0.0


@dataclass(frozen=True)
class System:
    """A research system.

    Attributes:
        name: in the table.
        arch, prune: plugins.
        settings: of the plugins.
        scheme: how the source stores it, given what judges tensors.
        target: bytes of ours over those of the source, at most; None where nothing is promised.
    """

    name: str
    arch: str
    prune: str
    settings: dict[str, Any]
    scheme: Callable[[Callable[[Sequence[Tensor]], float]], Scheme]
    target: float | None


# Grids as they were fitted: what arranges them for our coder helps SZ3 as well.
_AS_FITTED = {"arch.arranged": False}
SYSTEMS = (
    System(
        "fV-SRN (8-bit grid, fp16 network)", "fvsrn", "none", {}, lambda _: schemes.volnet, None
    ),
    System(
        "LFGC (k-means, raw mask)",
        "fvsrn",
        "smallify",
        {"arch.basis": "wavelet", "prune.sparsity": 0.5},
        lambda _: schemes.lfgc,
        0.5,
    ),
    System("neurcomp (9-bit k-means)", "neurcomp", "none", {}, lambda _: schemes.neurcomp, None),
    System("APMGSRN (float32)", "amgsrn", "none", _AS_FITTED, lambda _: schemes.float32, 0.5),
    System("AMGSRN++ (SZ3, zip)", "amgsrn", "none", _AS_FITTED, schemes.sz3_and_zip, 0.5),
    System("MINER (float32)", "miner", "none", {}, lambda _: schemes.float32, 0.5),
    System("SIREN (8 bit, static)", "siren", "none", {}, lambda _: schemes.static_coding, 0.9),
)
ARCHITECTURES = ("pyramid", "fvsrn", "neurcomp", "amgsrn", "miner", "siren", "hashgrid")
# Of the file with fine steps; and of the table of architectures.
_FITTED_BYTES = {"volume": 20_000, "image": 20_000, "mesh": 20_000}
_TABLE_BYTES = {"volume": 10_000, "image": 10_000, "mesh": 10_000}


def main() -> int:
    """Run what was asked for, row by row into the CSV files, then write RESULTS.md."""
    options = _options()
    folder = data_folder(options.data)
    if folder is None:
        print("bench-plugins: no data; name a folder with --data or INRC_DATA", file=sys.stderr)
        return 1
    if not options.report:
        with tempfile.TemporaryDirectory() as place:
            for data in _inputs(folder, Path(place)):
                if options.only and data.name not in options.only:
                    continue
                _measure(data, Path(place), options)
    _write_report()
    _write_curves()
    return 0


def _measure(data: Data, place: Path, options: argparse.Namespace) -> None:
    if options.part in (None, "storage"):
        for system in SYSTEMS:
            if not options.systems or any(one in system.name for one in options.systems):
                _keep(_STORAGE, _storage_row(system, data, place, options.steps))
    if options.part in (None, "architectures"):
        for name in (*ARCHITECTURES, *(["shell"] if data.kind == "mesh" else [])):
            if not options.systems or name in options.systems:
                size = _TABLE_BYTES[data.kind]
                _keep(_ARCHITECTURES, _architecture_row(name, data, place, options.steps, size))
    if options.part in (None, "curves") and data.name == _CURVE_DATA:
        for name in ARCHITECTURES:
            for size in _CURVE_BYTES:
                row = _architecture_row(name, data, place, options.steps, size)
                _keep(_CURVES, {"architecture": name, "asked": size, **row})


def _inputs(folder: Path, place: Path) -> Iterator[Data]:
    with np.load(folder / "volumes" / "carotid_mra_45x49x76_f32.npz") as archive:
        yield _volume("carotid", archive["scalars"], place)
    with np.load(folder / "volumes" / "bonsai_ct_256_u8.npz") as archive:
        crop = archive["data"][64:160:2, 64:192:2, 64:192:2].astype(np.float32)
        yield _volume("bonsai, every other voxel of a crop", crop, place)
    for name in ("kodim07", "kodim20"):
        path = folder / "kodak" / f"{name}.png"
        from PIL import Image

        with Image.open(path) as image:
            small = image.convert("RGB").resize((image.width // 2, image.height // 2), Image.BOX)
        target = place / f"{name}.png"
        small.save(target)
        yield Data(f"{name}, halved", target, "image", np.asarray(small), 255.0)
    yield Data("spot", folder / "meshes" / "spot.ply", "mesh")


def _volume(name: str, values: Array, place: Path) -> Data:
    path = place / f"{name.split(',')[0]}.npy"
    np.save(path, np.ascontiguousarray(values, np.float32))
    return Data(name, path, "volume", np.load(path))


def _storage_row(system: System, data: Data, place: Path, steps: int) -> dict[str, Any]:
    fine, small = place / "fine.inrc", place / "small.inrc"
    settings = {
        "fit.steps": steps,
        "fit.prune_steps": steps // 3,
        "fit.finetune_steps": 1,
        "quantise.bits": 14,
        **system.settings,
    }
    started = time.perf_counter()
    codec.encode(
        data.path,
        fine,
        bytes=_FITTED_BYTES[data.kind],
        arch=system.arch,
        prune=system.prune,
        settings=settings,
        threads=_THREADS,
        overwrite=True,
    )
    seconds = time.perf_counter() - started
    with reopened(fine, _THREADS) as file:
        (item,) = file.items
        truth = data.original if data.original is not None else _distances(data.path, file)

        def judge(tensors: Sequence[Tensor]) -> float:
            return _psnr(truth, _evaluated(item, tensors, data), data)

        tensors = _tensors(item)
        fitted = judge(tensors)
        stored: Stored = system.scheme(judge)(tensors)
        reached = judge(stored.tensors)
    found = [
        _smallest(fine, small, truth, data, fitted, reached, settings)
        for settings in _ways_to_store(steps // 2)
    ]
    ours, psnr = min(found)
    row = {
        "system": system.name,
        "data": data.name,
        "steps": steps,
        "parameters": sum(tensor.kept.size for tensor in tensors),
        "fitted_psnr": round(fitted, 3),
        "source_bytes": stored.size,
        "source_psnr": round(reached, 3),
        "finetune_steps": steps // 2,
        "rounded_bytes": found[0][0],
        "bytes": ours,
        "psnr": round(psnr, 3),
        "ratio": round(ours / stored.size, 4),
        "target": system.target,
        "fit_seconds": round(seconds, 1),
    }
    print(row, flush=True)
    return row


def _ways_to_store(steps: int) -> list[dict[str, Any]]:
    """Settings of `transcode`: rounding alone, and a finetune of so many steps."""
    return [{"fit.finetune_steps": 0}, {"fit.finetune_steps": steps}]


def _smallest(
    fine: Path,
    small: Path,
    truth: Array,
    data: Data,
    fitted: float,
    wanted: float,
    settings: dict[str, Any],
) -> tuple[float, float]:
    """Bytes and PSNR of the coarsest file that is at most 0.05 dB below `wanted`."""
    least = min(wanted, fitted) - _TOLERANCE_DB
    # Errors of rounding add up with those of the fit, which they know nothing of.
    room = max(10 ** (-least / 10) - 10 ** (-fitted / 10), 10 ** (-least / 10) * 1e-3)
    against_model, high, low = -10 * math.log10(room), math.inf, -math.inf
    best, reached = math.inf, 0.0
    for _ in range(_TRIES):
        codec.transcode(
            fine,
            small,
            psnr=against_model,
            settings=settings,
            threads=_THREADS,
            overwrite=True,
        )
        psnr, size = _psnr(truth, _decoded(small), data), small.stat().st_size
        if psnr >= least:
            high = against_model
            best, reached = min((best, reached), (size, psnr))
            against_model = high - 0.5 if low == -math.inf else (low + high) / 2
        else:
            low = against_model
            missing = max(0.3, 3 * (least - psnr))
            against_model = low + missing if high == math.inf else (low + high) / 2
    return best, reached


def _tensors(item: DecodableItem) -> list[Tensor]:
    masks = dict(item.header.tensor_masks)
    found = []
    for index, (spec, values) in enumerate(zip(item.specs, item.parameters(), strict=True)):
        mask = None
        if index in masks:
            mask = np.broadcast_to(item.sparsity(masks[index]), values.shape)
        found.append(Tensor(spec.name, np.array(values), mask))
    return found


def _evaluated(item: DecodableItem, tensors: Sequence[Tensor], data: Data) -> Array:
    """What a decoder would give with other parameters."""
    header = item.header
    evaluator = item.architecture.evaluator(
        header.config,
        header.shape,
        len(header.components),
        [tensor.values.copy() for tensor in tensors],
        "cpu",
    )
    out = np.empty((len(header.components), *header.shape))

    def store(window: Any, normalised: Array) -> None:
        for number, (component, y) in enumerate(zip(header.components, normalised, strict=True)):
            out[number][window] = denormalise(y, component.offset, component.scale)

    evaluate_blocks(evaluator, [np.arange(size) for size in header.shape], _THREADS, store)
    return _as_stored(out, data)


def _as_stored(values: Array, data: Data) -> Array:
    if data.kind == "image":
        return np.moveaxis(np.clip(np.rint(values), 0, 255), 0, -1)
    return values[0].astype(np.float32)


def _decoded(path: Path) -> Array:
    """All fields of a file, decoded by another process."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "all.npz"
        code = (
            "import codec, numpy, sys\n"
            "with codec.open(sys.argv[1], device='cpu', threads=2) as file:\n"
            "    numpy.save(sys.argv[2], numpy.stack([file[name][...] for name in file]))\n"
        )
        target = target.with_suffix(".npy")
        subprocess.run([sys.executable, "-c", code, path, target], check=True)
        found = np.load(target)
    return np.moveaxis(found, 0, -1) if len(found) > 1 else found[0]


def _distances(mesh: Path, file: FileContents) -> Array:
    """The exact distances at the nodes of a file's grid, cut off as its values are."""
    from codec.media import formats
    from codec.media.mesh.frame import MeshFrame

    shape = formats.read(mesh, None, None).shape
    if shape is None:
        raise ValueError(f"{mesh}: no mesh")
    frame = MeshFrame.from_map(file.metadata.tree)
    header = file.items[0].header
    places = np.stack(np.meshgrid(*(np.arange(n) for n in header.shape), indexing="ij"), -1)
    points = frame.positions(places.reshape(-1, 3).astype(np.float64))
    found = np.concatenate(
        [
            shape.surface.distance(points[at : at + (1 << 17)])
            for at in range(0, len(points), 1 << 17)
        ]
    )
    scale = header.components[0].scale
    return np.clip(found, -scale, scale).reshape(header.shape).astype(np.float32)


def _psnr(original: Array, decoded: Array, data: Data) -> float:
    peak = data.peak or float(original.max()) - float(original.min())
    error = np.square(original.astype(np.float64) - decoded.astype(np.float64)).mean()
    return math.inf if error == 0 else float(10 * np.log10(peak**2 / error))


def _architecture_row(name: str, data: Data, place: Path, steps: int, size: int) -> dict[str, Any]:
    target = place / "table.inrc"
    chosen = codec.encode(
        data.path,
        target,
        bytes=size,
        arch=name,
        settings={} if name in ("pyramid", "shell") else {"fit.steps": steps},
        threads=_THREADS,
        overwrite=True,
    )
    suffix = {"volume": ".npy", "image": ".png", "mesh": ".ply"}[data.kind]
    started = time.perf_counter()
    back = place / f"back{suffix}"
    subprocess.run([sys.executable, _DECODE, target, back, str(_THREADS), "cpu"], check=True)
    seconds = time.perf_counter() - started
    row = {
        "architecture": name,
        "data": data.name,
        "steps": 0 if name in ("pyramid", "shell") else steps,
        "bytes": target.stat().st_size,
        "psnr": round(min(quality.psnr for quality in chosen.qualities), 2),
        "encode_seconds": round(chosen.seconds, 1),
        "decode_seconds": round(seconds, 2),
    }
    print(row, flush=True)
    return row


def _keep(path: Path, row: dict[str, Any]) -> None:
    """Put a row into a table, in place of the one with the same first two columns."""
    rows = _rows(path)
    keys = list(row)[:2]
    rows = [old for old in rows if any(old[key] != str(row[key]) for key in keys)]
    rows.append({key: str(value) for key, value in row.items()})
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerows(rows)


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write_report() -> None:
    lines = ["Made by `make bench-plugins`; do not edit.", ""]
    lines += [f"- {key}: {value}" for key, value in describe_machine().items()]
    lines += ["", "### The same fitted parameters, stored", ""]
    lines += [
        "Fits of one length, parameters in 14 bits; then the source's own storage, and "
        "`inrc transcode` at the PSNR that it leaves, 0.05 dB less at most: rounded and coded "
        "alone, or finetuned against what the parameters decode to for half as many steps, "
        "whichever is smaller.",
        "",
        "Rows of 0 finetune steps are of an earlier version, without coder 7 (arrays), and LFGC "
        "with gates that all features share.",
        "",
        "| system | input | parameters | fitted | source: bytes | dB | inrc, rounded: bytes "
        "| finetune | inrc: bytes | dB | ratio |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    rows = _rows(_STORAGE)
    for row in rows:
        lines.append(
            f"| {row['system']} | {row['data']} | {int(row['parameters']):,} | "
            f"{row['fitted_psnr']} dB | {int(row['source_bytes']):,} | {row['source_psnr']} | "
            f"{int(row['rounded_bytes']):,} | {row['finetune_steps']} | {int(row['bytes']):,} | "
            f"{row['psnr']} | {float(row['ratio']):.3f} |"
        )
    lines.append("")
    for system in SYSTEMS:
        lines += _verdict(system, [row for row in rows if row["system"] == system.name])
    lines += ["", "### All architectures at equal bytes", ""]
    lines += [
        "| input | architecture | steps | bytes | PSNR | encode | decode |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for row in sorted(_rows(_ARCHITECTURES), key=lambda one: one["data"]):
        lines.append(
            f"| {row['data']} | `{row['architecture']}` | {row['steps']} | {int(row['bytes']):,} | "
            f"{row['psnr']} dB | {row['encode_seconds']} s | {row['decode_seconds']} s |"
        )
    replace_section(_HERE / "RESULTS.md", "plugins", "\n".join(lines))


def _write_curves() -> None:
    """The page of curves: PSNR by bytes, an architecture a row."""
    rows = _rows(_CURVES)
    if not rows:
        return
    sizes = sorted({int(row["asked"]) for row in rows})
    found = {(row["architecture"], int(row["asked"])): row for row in rows}
    machine = describe_machine()
    lines = [
        "# Rate and distortion of the architectures",
        "",
        "Made by `python benchmarks/bench_plugins.py --part curves`; do not edit. A magnetic",
        "resonance angiogram of 45 x 49 x 76 float32 samples (670,320 bytes); fits of "
        f"{rows[-1]['steps']} steps",
        f"(`pyramid`: none), on {machine['cores']} cores of {machine['CPU']}, {machine['date']}.",
        "PSNR in dB in files of at most so many bytes; the longest encode in seconds.",
        "",
        "| architecture | " + " | ".join(f"{size:,} B" for size in sizes) + " | encode |",
        "|---|" + "---:|" * (len(sizes) + 1),
    ]
    for name in ARCHITECTURES:
        own = [found[name, size] for size in sizes if (name, size) in found]
        if own:
            slowest = max(float(row["encode_seconds"]) for row in own)
            values = " | ".join(row["psnr"] for row in own)
            lines.append(f"| [`{name}`]({name}.md) | {values} | {slowest:.0f} |")
    lines += [
        "",
        "Longer fits help the networks; `benchmarks/RESULTS.md` has more.",
    ]
    _PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _verdict(system: System, rows: Sequence[dict[str, str]]) -> list[str]:
    if not rows:
        return []
    ratios = np.array([float(row["ratio"]) for row in rows])
    mean = float(np.exp(np.log(ratios).mean()))
    said = ""
    if system.target is not None:
        said = f", target {system.target}: " + ("pass" if mean <= system.target else "**fail**")
    return [f"- {system.name}: geometric mean **{mean:.3f}** over {len(rows)} inputs{said}"]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder with volumes, kodak and meshes")
    parser.add_argument("--only", nargs="*", help="inputs by name")
    parser.add_argument("--systems", nargs="*", help="systems or architectures by name")
    parser.add_argument("--steps", type=int, default=300, help="of every fit")
    parser.add_argument("--part", choices=("storage", "architectures", "curves"))
    parser.add_argument("--report", action="store_true", help="write RESULTS.md from the CSV files")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
