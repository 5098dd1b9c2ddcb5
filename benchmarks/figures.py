"""What the main benchmark measures; each function returns the figures of one subject."""

from __future__ import annotations

import dataclasses
import gzip
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from entropy_cost import StreamCost, recoded_cost, stream_costs
from processes import Finished, free_cores, run_inrc

import codec
from codec.arrays import Float32Array
from codec.coding.item_sections import encode_item, restore_parameters
from codec.coding.write_file import FileParts
from codec.format.headers import Component, Dim
from codec.plugin_api.architecture import CodedTensor, Model
from codec.plugin_api.registry import architecture, quantiser
from codec.reading.item import DecodableItem
from codec.reading.open_file import InrcFile
from codec.training.batches import AxisSampler
from codec.training.gradient_fit import SHARD_POINTS
from codec.training.quantised_fit import QuantisedFit
from codec.training.trainer import Trainer
from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily

MIB = 1 << 20
THREADS = 2


@dataclass(frozen=True)
class Figure:
    """One measured number and what it should be.

    Attributes:
        name: subject, as `--only` takes it.
        volume: what it was measured on.
        what: the quantity.
        value: measured.
        unit: of `value`.
        sense: "<" or ">=": how `value` should relate to `target`.
        target: the bound, or None where the number is only for information.
        note: how it was measured, or what else was seen.
    """

    name: str
    volume: str
    what: str
    value: float
    unit: str
    sense: str = ""
    target: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        return self.value < self.target if self.sense == "<" else self.value >= self.target


@dataclass(frozen=True)
class Encoded:
    """A volume encoded, with what the command cost and reported.

    `floats` are the fitted parameters as float16 before any was pruned or quantised, where known.
    """

    volume: str
    source: Path
    path: Path
    cost: Finished
    report: dict[str, Any]
    floats: bytes = b""


def encode(volume: str, source: Path, effort: int, psnr: float) -> Encoded:
    """Encode a `.npy` file beside itself.

    Raises:
        RuntimeError: the command failed for another reason than a missed target.
    """
    path = source.with_suffix(".inrc")
    cost = run_inrc(
        "encode", source, "-o", path, "--psnr", f"{psnr:g}", "--effort", str(effort),
        "--threads", str(THREADS), "--arch", "fvsrn", "--force", "--json",
    )  # fmt: skip
    if cost.code not in (0, 6):
        raise RuntimeError(f"encode {volume}: exit code {cost.code}: {cost.errors.strip()}")
    return Encoded(volume, source, path, cost, json.loads(cost.output))


def encode_watched(volume: str, source: Path, effort: int, psnr: float) -> Encoded:
    """As `encode`, in this process, to see the float parameters that the file does not keep."""
    path = source.with_suffix(".inrc")
    seen: list[bytes] = []
    quantise = QuantisedFit.run

    def watch(fit: QuantisedFit, tensors: dict[str, torch.Tensor]) -> Model:
        seen.append(b"".join(t.detach().cpu().half().numpy().tobytes() for t in tensors.values()))
        return quantise(fit, tensors)

    with patch.object(QuantisedFit, "run", watch):
        report = codec.encode(
            source,
            path,
            psnr=psnr,
            effort=effort,
            arch="fvsrn",
            threads=THREADS,
            device="cpu",
            overwrite=True,
        )
    cost = Finished(0, report.seconds, 0, 0, "", "")
    return Encoded(volume, source, path, cost, dataclasses.asdict(report), b"".join(seen))


def quality(encoded: Encoded) -> list[Figure]:
    """What was reached; nothing here has a target but the PSNR that was asked for."""
    reached = encoded.report["qualities"][0]["psnr"]
    size = encoded.path.stat().st_size
    sent = f"{size:,} bytes, {encoded.cost.seconds:.0f} s"
    ratio = encoded.report["field_bytes"] / size
    return [
        Figure("quality", encoded.volume, "PSNR of the decoded file", reached, "dB", note=sent),
        Figure("quality", encoded.volume, "ratio to the float32 field", ratio, ""),
    ]


def overhead(encoded: Encoded) -> list[Figure]:
    """(a) Bytes of the file that are neither streams, masks, ITEM headers nor metadata."""
    with InrcFile(encoded.path, device="cpu") as file:
        payloads = {"ITEM": 0, "TENS": 0, "MASK": 0, "VERB": 0, "mETa": 0}
        for section in file.sections.sections:
            if section.type in payloads:
                payloads[section.type] += section.stored_bytes
        total = file.file_bytes - sum(payloads.values())
    note = f"with the ITEM header (names, config, steps): {total + payloads['ITEM']} bytes"
    what = "signature, header, framing, HEAD, ENDS"
    return [Figure("overhead", encoded.volume, what, total, "bytes", "<", 100, note)]


def entropy(encoded: Encoded) -> list[Figure]:
    """(b) Coded data over the information content of the integers under the tables used."""
    with InrcFile(encoded.path, device="cpu") as file:
        payloads = [file.sections.read(part) for part in file.sections.of_type("TENS")]
    written = [cost for payload in payloads for cost in stream_costs(payload)]
    recoded = [cost for payload in payloads for cost in recoded_cost(payload, "ans")]
    figures = []
    for label, costs in (("as written", written), ("all through ANS", recoded)):
        tabled = [cost for cost in costs if cost.ideal_bytes]
        if tabled:
            what = f"data / entropy, {label}"
            ratio = _over_ideal(tabled, "data_bytes")
            figures.append(
                Figure("entropy", encoded.volume, what, ratio, "", "<", 1.03, _describe(costs))
            )
    return figures


def _over_ideal(costs: Iterable[StreamCost], attribute: str) -> float:
    rows = [(getattr(cost, attribute), cost.ideal_bytes or 0.0) for cost in costs]
    return float(sum(coded for coded, _ in rows) / sum(ideal for _, ideal in rows))


def _describe(costs: Iterable[StreamCost]) -> str:
    return ", ".join(
        f"{cost.count} in {cost.coder} {cost.model}".rstrip() + f": {cost.stored_bytes} B"
        for cost in costs
    )


def parameters(item: DecodableItem) -> list[Float32Array]:
    """The float32 tensors of an item, as they are decoded."""
    streams = item.file.tensor_streams(item.number)
    integers = np.concatenate([np.zeros(0, np.int64), *streams])
    masks = {index: item.file.mask(index).mask for _, index in item.header.tensor_masks}
    return restore_parameters(item.header, item.specs, integers, masks)


def against_floats(encoded: Encoded) -> list[Figure]:
    """(c) The file against the same network stored plainly: the function, so the PSNR, is equal."""
    with InrcFile(encoded.path, device="cpu") as file:
        item = next(iter(file.values())).item
        tensors = parameters(item)
        kept = sum(map(len, file.tensor_streams(item.number)))
        size = file.file_bytes
    dense = sum(tensor.size for tensor in tensors)
    note = f"{dense:,} parameters; only the {kept:,} coded ones: {4 * kept / size:.2f}"
    found = [Figure("size", encoded.volume, "float32 parameters / file", 4 * dense / size,
                    "x", ">=", 4, note)]  # fmt: skip
    what = "gzip -9 of fp16 parameters / file"
    if encoded.floats:
        zipped = len(gzip.compress(encoded.floats, 9))
        note = f"as fitted, not pruned or quantised: {zipped:,} bytes; file {size:,} bytes"
        found.append(Figure("size", encoded.volume, what, zipped / size, "x", ">=", 2, note))
    halves = b"".join(tensor.astype("<f2").tobytes() for tensor in tensors)
    zipped = len(gzip.compress(halves, 9))
    note = f"as decoded, so after our pruning and quantisation: {zipped:,} bytes"
    found.append(Figure("size", encoded.volume, what, zipped / size, "x", note=note))
    return found


def encode_cost(encoded: Encoded, effort: int) -> list[Figure]:
    """(d) Time and memory of the whole encode command."""
    cost = encoded.cost
    what = f"encode at effort {effort}, {THREADS} threads"
    return [
        Figure("encode", encoded.volume, what, cost.seconds, "s", "<", 180, "whole command"),
        Figure("encode", encoded.volume, "peak memory of encode", cost.peak_bytes / MIB, "MiB",
               "<", 2048, f"VmHWM; anonymous {cost.anonymous_bytes / MIB:.0f} MiB"),
    ]  # fmt: skip


def decode_speed(encoded: Encoded) -> list[Figure]:
    """(d) Decoding, warm in one process, and as a command."""
    with codec.open(encoded.path, threads=THREADS, device="cpu") as file:
        view = next(iter(file.values()))
        seconds = []
        for _ in range(4):
            started = time.perf_counter()
            view[...]
            seconds.append(time.perf_counter() - started)
        samples = view.size
    target = encoded.path.with_suffix(".back.npy")
    whole = run_inrc(
        "decode", encoded.path, "-o", target, "--threads", str(THREADS), "--force",
        "--device", "cpu",
    )  # fmt: skip
    target.unlink()
    note = f"best of 4; whole command {whole.seconds:.2f} s"
    return [
        Figure("decode", encoded.volume, f"decode speed, {THREADS} threads",
               samples / min(seconds) / 1e6, "M voxels/s", ">=", 3, note)
    ]  # fmt: skip


def threads_speedup(volume: str, source: Path) -> list[Figure]:
    """(d) The same training steps with one and with two threads, in turns."""
    values = np.load(source).astype(np.float32)
    values = 2 * (values - values.min()) / np.ptp(values) - 1
    rates: dict[int, list[float]] = {1: [], THREADS: []}
    cores = free_cores()
    for _ in range(3):
        for threads in rates:
            rates[threads].append(_training_rate(values, threads))
    best = {threads: max(found) for threads, found in rates.items()}
    note = ", ".join(f"{threads} threads: {best[threads]:.1f} steps/s" for threads in best)
    note += f"; the machine had {cores:.1f} cores to spare"
    ratio = best[THREADS] / best[1]
    return [Figure("threads", volume, "training, 2 threads / 1", ratio, "x", ">=", 1.6, note)]


def _training_rate(values: Float32Array, threads: int, steps: int = 100) -> float:
    family = FvsrnFamily(values.shape, 1)
    config = family.sized(200_000)
    tensors = family.start(config, torch.Generator().manual_seed(0))
    sampler = AxisSampler(values[np.newaxis], None, SHARD_POINTS["cpu"], "cpu")
    trainer = Trainer(family.network(config), sampler, 0, threads)
    trainer.run(tensors, steps // 4, family.rates(config))
    started = time.perf_counter()
    trainer.run(tensors, steps, family.rates(config))
    return steps / (time.perf_counter() - started)


def block_memory(work: Path, side: int = 512) -> list[Figure]:
    """(e) Memory of decoding a large field: an untrained model, which costs what a trained does."""
    source, target = work / f"random-{side}.inrc", work / f"random-{side}.npy"
    source.write_bytes(random_file(side))
    done = run_inrc("decode", source, "-o", target, "--force", "--device", "cpu")
    if done.code:
        raise RuntimeError(f"decode of {side}^3: exit code {done.code}: {done.errors.strip()}")
    output = target.stat().st_size
    target.unlink()
    note = (
        f"VmHWM {done.peak_bytes / MIB:.0f} MiB with the output mapped, "
        f"output {output / MIB:.0f} MiB, {done.seconds:.0f} s"
    )
    name = f"untrained-{side}"
    return [
        Figure("memory", name, "anonymous memory at its peak", done.anonymous_bytes / MIB, "MiB",
               "<", 1024, "RssAnon; " + note),
        Figure("memory", name, "VmHWM minus output", (done.peak_bytes - output) / MIB, "MiB",
               "<", 1024, note),
    ]  # fmt: skip


def random_file(side: int) -> bytes:
    """A file of one cubic float32 field whose `fvsrn` network was never trained."""
    family = FvsrnFamily((side,) * 3, 1)
    config = family.sized(100_000)
    tensors = family.start(config, torch.Generator().manual_seed(0))
    rounding = quantiser("uniform")
    flat = {name: torch.ones_like(tensor) for name, tensor in tensors.items()}
    chosen = rounding.steps(tensors, flat, 0.01)
    coded = tuple(
        CodedTensor(rounding.quantise(tensor, chosen[name]), chosen[name])
        for name, tensor in tensors.items()
    )
    network = architecture("fvsrn")
    parts = FileParts()
    parts.keep("npy", {}, {})
    parts.add_item(
        encode_item(
            0,
            network,
            Model(config.to_map(), coded),
            [Component("random", "f4", 0.0, 1.0)],
            [Dim(side)] * 3,
            first_mask=0,
            coder="auto",
        ),
        side**3 * config.multiply_adds(1),
        config.parameters(1),
    )
    return parts.to_bytes()
