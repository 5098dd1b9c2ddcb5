"""Train a restoration network of `pyramid` on photographs, and write it as shipped integers.

    python benchmarks/train_restoration.py TRAIN... --test TEST... --seconds 1800 --out image-2.json
    python benchmarks/train_restoration.py ... --fold 1 --channels 16 --layers 4 --out image-1.json

Every photograph is encoded at several rates without a network; the network learns the difference
between what is decoded and the original, in units of the quantisation step. Those under --test are
only looked at.
"""

from __future__ import annotations

import itertools
import json
import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from PIL import Image

import codec
from codec.arrays import Float32Array
from codec.reading.contents import FileContents

TARGETS = (25, 28, 31, 34, 37, 40)
BATCH, PATCH = 16, 64
RATE = 1.5e-3
# Share of the time in which the learning rate rises; without it all rectifiers may die at once.
WARM_UP = 0.02
BITS = 12


@dataclass(frozen=True)
class Design:
    """Blocks of `fold` x `fold` pixels become channels; `channels` are those between `layers`."""

    fold: int
    channels: int
    layers: int


@dataclass(frozen=True)
class Pair:
    """A decoded photograph and its original, (3, rows, columns) float32 in 0..255, and the step."""

    decoded: Float32Array
    original: Float32Array
    step: float


def pairs_of(path: Path) -> list[Pair]:
    """One pair per target rate, from files that were written and read again."""
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "trial.inrc"
        for psnr in TARGETS:
            codec.encode(path, target, psnr=psnr, effort=0, overwrite=True)
            with FileContents(target) as file:
                item = file.items[0]
                axes = [np.arange(size, dtype=np.float64) for size in item.header.shape]
                decoded = item.evaluator.on_axes(axes) * np.float32(127.5) + np.float32(127.5)
                step = float(item.header.config[1]) * 127.5
            original = np.asarray(Image.open(path).convert("RGB"), np.float32).transpose(2, 0, 1)
            pairs.append(Pair(decoded, original, step))
    return pairs


class Restoration(torch.nn.Module):
    """Convolutions of 3 x 3 between folding and unfolding.

    The first does not see a colour's mean, the last starts at zero.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        self.design = design
        folded = 3 * design.fold**2
        widths = [folded] + [design.channels] * (design.layers - 1) + [folded]
        self.layers = torch.nn.ModuleList(
            torch.nn.Conv2d(inputs, outputs, 3) for inputs, outputs in itertools.pairwise(widths)
        )
        torch.nn.init.zeros_(self.layers[-1].weight)
        torch.nn.init.zeros_(self.layers[-1].bias)

    def weights(self, number: int) -> torch.Tensor:
        """Weights of a layer, (out, in, 3, 3)."""
        weight: torch.Tensor = self.layers[number].weight
        if number:
            return weight
        by_colour = weight.unflatten(1, (3, self.design.fold**2))
        return (by_colour - by_colour.mean((2, 3, 4), keepdim=True)).flatten(1, 2)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        rows, columns = values.shape[2:]
        fold = self.design.fold
        margins = (0, -columns % fold, 0, -rows % fold)
        values = torch.nn.functional.pad(values, margins, mode="replicate")
        values = torch.nn.functional.pixel_unshuffle(values, fold)
        for number, layer in enumerate(self.layers):
            values = torch.nn.functional.pad(values, (1, 1, 1, 1), mode="replicate")
            values = torch.nn.functional.conv2d(values, self.weights(number), layer.bias)
            if number < len(self.layers) - 1:
                values = torch.relu(values)
        return torch.nn.functional.pixel_shuffle(values, fold)[:, :, :rows, :columns]


def batch(pairs: list[Pair], random: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Patches, mirrored and turned at random, and what is missing in them, in steps."""
    inputs, missing = [], []
    for _ in range(BATCH):
        pair = pairs[random.integers(len(pairs))]
        i = random.integers(pair.decoded.shape[1] - PATCH)
        j = random.integers(pair.decoded.shape[2] - PATCH)
        cut = np.s_[:, i : i + PATCH, j : j + PATCH]
        patch = np.stack([pair.decoded[cut], pair.original[cut] - pair.decoded[cut]]) / pair.step
        if random.random() < 0.5:
            patch = patch[..., ::-1]
        if random.random() < 0.5:
            patch = patch.swapaxes(-1, -2)
        inputs.append(patch[0])
        missing.append(patch[1])
    return torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack(missing))


def gains(network: Restoration, pairs: list[Pair]) -> list[float]:
    """Decibels won on whole photographs."""
    decibels = []
    with torch.no_grad():
        for pair in pairs:
            correction = network(torch.from_numpy(pair.decoded / pair.step)[None])[0].numpy()
            errors = [
                np.square(np.rint(values.clip(0, 255)) - pair.original).mean(dtype=np.float64)
                for values in (pair.decoded, pair.decoded + pair.step * correction)
            ]
            decibels.append(10 * math.log10(errors[0] / errors[1]))
    return decibels


def train(design: Design, pairs: list[Pair], tests: list[Pair], seconds: float) -> Restoration:
    """A network after so many seconds, the learning rate falling to 0 over them."""
    torch.manual_seed(0)
    random = np.random.default_rng(0)
    network = Restoration(design).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    started = reported = time.monotonic()
    reach = design.fold * design.layers
    margin = slice(reach, -reach)
    while (passed := (time.monotonic() - started) / seconds) < 1:
        for group in optimiser.param_groups:
            rising = min(1.0, passed / WARM_UP)
            group["lr"] = RATE * rising * 0.5 * (1 + math.cos(math.pi * passed)) + 1e-6
        inputs, missing = batch(pairs, random)
        errors = (network(inputs) - missing).square()[:, :, margin, margin].mean((1, 2, 3))
        before = missing.square()[:, :, margin, margin].mean((1, 2, 3))
        # Relative to each patch, so that all rates count alike.
        loss = (errors / (before + 1e-3)).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        if time.monotonic() - reported > 60:
            reported = time.monotonic()
            click.echo(
                f"{passed:4.0%} loss {loss.item():.3f} test {np.mean(gains(network, tests)):.3f} dB"
            )
    return network


def as_integers(network: Restoration) -> dict[str, Any]:
    """The network as its file has it: (out, row, column, in) integers in 2^-BITS.

    Channel f^2 c + f i + j of what is folded by f is colour c of row i and column j of a block.
    """
    rows = []
    fold = network.design.fold
    for number, layer in enumerate(network.layers):
        weights = torch.round(network.weights(number).detach() * 2**BITS).permute(0, 2, 3, 1)
        biases = torch.round(layer.bias.detach() * 2**BITS)
        if number == 0:
            # Rounding must not let a colour's mean in.
            sums = weights.unflatten(3, (3, fold**2)).sum((1, 2, 4))
            weights[:, 1, 1, :: fold**2] -= sums
        rows.append(
            {
                "bits": BITS,
                "shape": list(weights.shape),
                "weights": weights.int().flatten().tolist(),
                "biases": biases.int().tolist(),
            }
        )
    return {"fold": fold, "layers": rows}


@click.command()
@click.argument("photographs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--test", "tests", multiple=True, type=click.Path(path_type=Path))
@click.option("--seconds", type=float, default=1500.0, show_default=True)
@click.option("--threads", type=int, default=1, show_default=True)
@click.option("--fold", type=int, default=2, show_default=True)
@click.option("--channels", type=int, default=32, show_default=True)
@click.option("--layers", type=int, default=5, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(
    photographs: tuple[Path, ...],
    tests: tuple[Path, ...],
    seconds: float,
    threads: int,
    fold: int,
    channels: int,
    layers: int,
    out: Path,
) -> None:
    """Train on PHOTOGRAPHS and write the network to OUT."""
    torch.set_num_threads(threads)
    pairs = [pair for path in photographs for pair in pairs_of(path)]
    held_out = [pair for path in tests for pair in pairs_of(path)]
    network = train(Design(fold, channels, layers), pairs, held_out, seconds)
    if held_out:
        by_rate = np.reshape(gains(network, held_out), (-1, len(TARGETS))).mean(0)
        click.echo(
            "gain at "
            + ", ".join(f"{t} dB: {g:.2f}" for t, g in zip(TARGETS, by_rate, strict=True))
        )
    integers = as_integers(network)
    rows = integers["layers"]
    out.write_text(
        f'{{"fold": {integers["fold"]}, "layers": [\n'
        + ",\n".join(json.dumps(row) for row in rows)
        + "\n]}\n",
        "utf-8",
    )


if __name__ == "__main__":
    main()
