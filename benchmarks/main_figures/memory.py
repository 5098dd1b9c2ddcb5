"""Memory of decoding a large field."""

from __future__ import annotations

from pathlib import Path

import torch
from measuring.processes import run_inrc

from codec.coding.item_sections import encode_item
from codec.coding.write_file import FileParts
from codec.format.headers import Component, Dim
from codec.plugin_api.models import CodedTensor, Model
from codec.plugin_api.registry import architecture, quantiser
from inrc_plugins.architectures.fvsrn.training.family import FvsrnFamily
from main_figures.figure import MIB, Figure


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
    chosen = rounding.steps(tensors, flat, 0.01, {})
    coded = tuple(
        CodedTensor(rounding.quantise(tensor, chosen[name]), chosen[name])
        for name, tensor in tensors.items()
    )
    network = architecture("fvsrn")
    parts = FileParts()
    parts.describe("npy", {}, {})
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
