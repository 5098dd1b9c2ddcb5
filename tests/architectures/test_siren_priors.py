"""Priors: learnt initialisations that files hold differences to."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import codec
from codec.errors import (
    CorruptError,
    InvalidInputError,
    InvalidOptionError,
    LimitError,
    UnsupportedError,
)
from codec.format import cbor
from codec.format.leb128 import encode_uleb
from codec.format.prior_file import RATE_KINDS, SIGNATURE, Prior, Rates
from codec.limits import Limits
from codec.plugin_api.prior_lookup import VARIABLE, find_prior, read_prior
from codec.reading.contents import FileContents
from codec.training.batches import Shard
from inrc_cli.main import inrc
from inrc_plugins.architectures.siren.architecture import Siren
from inrc_plugins.architectures.siren.config import MLP, NERF, Encoding, SirenConfig
from inrc_plugins.architectures.siren.evaluation import SirenEvaluator
from inrc_plugins.architectures.siren.prior import config_of, packaged, restored, split
from inrc_plugins.architectures.siren.training.adaptation import LearntRates, adapted, mean_error
from inrc_plugins.architectures.siren.training.meta_training import outer_loss
from inrc_plugins.architectures.siren.training.network import (
    GridNetwork,
    initial_tensors,
    smooth_sine,
)

CONFIG = SirenConfig(2, 8, 1, Encoding(NERF, 4, 1400))


def prior(config: SirenConfig = CONFIG, components: int = 3, seed: int = 0) -> Prior:
    start = initial_tensors(config, components, torch.Generator().manual_seed(seed))
    values = torch.cat([tensor.reshape(-1) for tensor in start.values()]).numpy()
    rates = Rates("per-parameter", 2, np.full(len(values), 1e-3, np.float32))
    return Prior(7, 1, config.to_map(), config.axes, components, values, rates=rates)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that decoders look at, with one prior and one file that is none."""
    found = tmp_path / "priors"
    found.mkdir()
    (found / "a-broken.inrcprior").write_bytes(b"nonsense")
    (found / "own.inrcprior").write_bytes(prior().to_bytes())
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(tmp_path / "nowhere"), str(found)]))
    return found


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder of smooth colour images."""
    found = tmp_path / "pictures"
    found.mkdir()
    for number in range(4):
        rows, columns = np.meshgrid(np.linspace(0, 3, 16), np.linspace(0, 3, 20), indexing="ij")
        shifted = [np.sin(rows + columns + number / 4 + shift) for shift in (0, 0.5, 1)]
        values = np.uint8(np.rint(127.5 + 100 * np.stack(shifted, -1)))
        Image.fromarray(values).save(found / f"{number}.png")
    return found


def encoded(source: Path, target: Path, **settings: Any) -> None:
    codec.encode(
        source, target, arch="siren", bytes=900, effort=0, threads=1, device="cpu", overwrite=True,
        settings={"fit.steps": 20, "fit.finetune_steps": 5, **settings},
    )  # fmt: skip


def test_a_prior_comes_back_as_it_was() -> None:
    for half in (False, True):
        one = prior()
        if half:
            values = one.values.astype(np.float16).astype(np.float32)
            assert one.rates is not None
            short = one.rates.values.astype(np.float16).astype(np.float32)
            one = replace(one, values=values, half=True, rates=replace(one.rates, values=short))
        other = Prior.from_bytes(replace(one, trained_on="two images").to_bytes())
        assert np.array_equal(other.values, one.values)
        assert other.rates is not None
        assert one.rates is not None
        assert np.array_equal(other.rates.values, one.rates.values)
        assert (other.half, other.trained_on, other.config) == (half, "two images", one.config)


def test_what_decoding_does_not_need_is_not_in_the_name() -> None:
    one = prior()
    assert replace(one, rates=None, trained_on="something").name == one.name
    assert prior(seed=1).name != one.name
    assert len(one.name) == 16


def test_a_damaged_prior_is_refused_wherever_the_damage_is() -> None:
    data = prior().to_bytes()
    for place in range(0, len(data), 97):
        damaged = bytearray(data)
        damaged[place] ^= 1
        with pytest.raises((CorruptError, UnsupportedError)):
            Prior.from_bytes(bytes(damaged))
    for length in (0, 5, 9, 60, len(data) - 1):
        with pytest.raises(CorruptError):
            Prior.from_bytes(data[:length])


def assembled(core: Any, ancillary: Any = None, version: int = 1) -> bytes:
    parts = [cbor.encode(core), cbor.encode({} if ancillary is None else ancillary)]
    body = SIGNATURE + bytes([version])
    body += b"".join(encode_uleb(len(part)) + part for part in parts)
    return body + hashlib.sha256(body).digest()


CORE = {0: [7, 1], 1: CONFIG.to_map(), 2: 2, 3: 1, 4: 7, 5: np.zeros(3, "<f4").tobytes()}


@pytest.mark.parametrize(
    ("core", "ancillary", "error"),
    [
        ([], None, CorruptError),
        ({k: v for k, v in CORE.items() if k != 5}, None, CorruptError),
        ({**CORE, 6: 1}, None, UnsupportedError),
        ({**CORE, 0: [7]}, None, CorruptError),
        ({**CORE, 1: {"width": 3}}, None, CorruptError),
        ({**CORE, 2: 5}, None, CorruptError),
        ({**CORE, 4: [7]}, None, CorruptError),
        ({**CORE, 4: 8}, None, CorruptError),
        ({**CORE, 5: bytes(5)}, None, CorruptError),
        ({**CORE, 5: np.array([np.inf], "<f4").tobytes()}, None, CorruptError),
        (CORE, [], CorruptError),
        (CORE, {0: "global"}, CorruptError),
        (CORE, {0: "often", 1: 1, 2: 7, 3: bytes(4)}, CorruptError),
        (CORE, {0: "global", 1: 1, 2: 7, 3: bytes(8)}, CorruptError),
        (CORE, {0: "per-step", 1: 65, 2: 7, 3: bytes(260)}, CorruptError),
        (CORE, {4: 1}, CorruptError),
    ],
)
def test_priors_against_the_text_are_refused(core: Any, ancillary: Any, error: type) -> None:
    with pytest.raises(error):
        Prior.from_bytes(assembled(core, ancillary))
    assert (
        len(Prior.from_bytes(assembled(CORE, {0: "global", 1: 1, 2: 7, 3: bytes(4)})).values) == 3
    )
    with pytest.raises(UnsupportedError, match="version 2"):
        Prior.from_bytes(assembled(CORE, version=2))


@pytest.mark.parametrize("kind", RATE_KINDS)
def test_rates_are_as_many_as_their_kind_says(kind: str) -> None:
    counts = {"static": 1, "global": 1, "per-step": 3, "per-parameter": 10}
    assert Rates(kind, 3, np.zeros(0, np.float32)).count(10) == counts.get(kind, 30)


def test_no_difference_is_the_prior_bit_for_bit(folder: Path) -> None:
    config = replace(CONFIG, prior=prior().name)
    zeros = [np.zeros(spec.shape, np.float32) for spec in config.tensors(3)]
    shape = (6, 7)
    axes = [np.arange(6.0), np.arange(7.0)]
    found = Siren().evaluator(config.to_map(), shape, 3, zeros, "cpu").on_axes(axes)
    alone = SirenEvaluator(CONFIG, shape, split(prior(), CONFIG.tensors(3)))
    assert found.tobytes() == alone.on_axes(axes).tobytes()


def test_a_sum_is_rounded_once(folder: Path) -> None:
    config = replace(CONFIG, prior=prior().name)
    random = np.random.default_rng(0)
    added = [
        (random.standard_normal(spec.shape) * 1e-3).astype(np.float32) for spec in config.tensors(3)
    ]
    origin = split(prior(), CONFIG.tensors(3))
    for found, start, more in zip(restored(config, 3, added), origin, added, strict=True):
        exact = start.astype(np.float64) + more.astype(np.float64)
        assert found.dtype == np.float32
        assert np.array_equal(found, exact.astype(np.float32))
    added[0][0, 0] = np.float32(3.4e38)
    (folder / "own.inrcprior").write_bytes(
        replace(prior(), values=np.full_like(prior().values, 3e38)).to_bytes()
    )
    huge = replace(CONFIG, prior=read_prior(folder / "own.inrcprior").name)
    with pytest.raises(CorruptError, match="not finite"):
        restored(huge, 3, added)


def test_a_prior_for_another_network_is_malformed(folder: Path) -> None:
    wider = replace(CONFIG, width=9, prior=prior().name)
    for config, components in ((wider, 3), (replace(CONFIG, prior=prior().name), 1)):
        zeros = [np.zeros(spec.shape, np.float32) for spec in config.tensors(components)]
        with pytest.raises(CorruptError, match="not one for this network"):
            restored(config, components, zeros)


def test_a_missing_prior_is_named_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    assert find_prior(prior().name, []).name == prior().name
    with pytest.raises(UnsupportedError, match=rf"{bytes(16).hex()}.*{VARIABLE}"):
        find_prior(bytes(16), [])
    monkeypatch.delenv(VARIABLE)
    assert find_prior(prior().name, [folder / "own.inrcprior"]).name == prior().name
    with pytest.raises(UnsupportedError, match=prior().name.hex()):
        find_prior(prior().name, [])


def test_bad_prior_files_are_named(tmp_path: Path, folder: Path, pictures: Path) -> None:
    with pytest.raises(CorruptError, match=r"a-broken\.inrcprior: not a prior"):
        read_prior(folder / "a-broken.inrcprior")
    with pytest.raises(InvalidInputError, match=r"nowhere\.inrcprior: cannot be read"):
        read_prior(tmp_path / "nowhere.inrcprior")
    with pytest.raises(LimitError, match=r"own\.inrcprior"):
        read_prior(folder / "own.inrcprior", Limits(max_parameters=10))
    short = folder / "short.inrcprior"
    short.write_bytes(replace(prior(), values=np.zeros(3, np.float32), rates=None).to_bytes())
    with pytest.raises(InvalidOptionError, match=r"short\.inrcprior.*as many numbers"):
        encoded(pictures / "0.png", tmp_path / "out.inrc", **{"arch.prior": short})


def test_a_file_holds_differences_and_needs_its_prior(
    tmp_path: Path, folder: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, source = tmp_path / "out.inrc", pictures / "0.png"
    encoded(source, target, **{"arch.prior": folder / "own.inrcprior"})
    with FileContents(target, device="cpu") as contents:
        assert contents.decoders["red"].items[0].header.config[4] == prior().name
        before = contents.fields["red"][...]
    monkeypatch.delenv(VARIABLE)
    assert codec.info(target).file_bytes == target.stat().st_size
    with (
        codec.open(target, device="cpu") as file,
        pytest.raises(UnsupportedError, match=prior().name.hex()),
    ):
        file["red"][...]
    monkeypatch.setenv(VARIABLE, str(folder))
    with codec.open(target, device="cpu") as file:
        assert np.array_equal(file["red"][...], before)


def test_a_prior_that_decoders_would_not_find_is_refused(
    tmp_path: Path, folder: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = folder / "own.inrcprior"
    source, target = pictures / "0.png", tmp_path / "out.inrc"
    with pytest.raises(InvalidOptionError, match="has width 8"):
        encoded(source, target, **{"arch.prior": own, "arch.width": 9})
    np.save(tmp_path / "grey.npy", np.random.default_rng(0).random((8, 9)).astype(np.float32))
    with pytest.raises(InvalidOptionError, match="2 axes and 3 components"):
        encoded(tmp_path / "grey.npy", target, **{"arch.prior": own})
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(InvalidOptionError, match=f"set {VARIABLE}={folder}"):
        encoded(source, target, **{"arch.prior": own})
    assert not target.exists()


TINY = SirenConfig(1, 3, 1, Encoding(MLP), omega=5)


def tiny() -> tuple[GridNetwork, list[Shard], dict[str, torch.Tensor]]:
    """A network of float64 on seven samples."""
    start = initial_tensors(TINY, 1, torch.Generator().manual_seed(3))
    target = torch.sin(torch.linspace(0, 4, 7, dtype=torch.float64))[None]
    network = GridNetwork(TINY, (7,), torch.float64, smooth_sine)
    tensors = {name: tensor.double() for name, tensor in start.items()}
    return network, [Shard([torch.arange(7)], target, None)], tensors


@pytest.mark.parametrize("kind", [kind for kind in RATE_KINDS if kind != "static"])
def test_gradients_through_the_inner_steps_are_right(kind: str) -> None:
    """Second order: against central differences, for the initialisation and for the rates."""
    network, shards, tensors = tiny()
    rates = LearntRates.constant(kind, 3, TINY.parameters(1), 0.05, torch.float64)
    leaves = {name: tensor.requires_grad_() for name, tensor in tensors.items()}
    rates.values.requires_grad_()
    loss = outer_loss(network, shards, leaves, rates)
    learnt = [*leaves.values(), rates.values]
    gradients = torch.autograd.grad(loss, learnt)
    for leaf, gradient in zip(learnt, gradients, strict=True):
        flat = leaf.detach().reshape(-1)
        for place in {0, flat.numel() // 2, flat.numel() - 1}:
            moved = []
            for step in (1e-5, -1e-5):
                flat[place] += step
                moved.append(float(outer_loss(network, shards, leaves, rates).detach()))
                flat[place] -= step
            slope = (moved[0] - moved[1]) / 2e-5
            assert float(gradient.reshape(-1)[place]) == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_first_order_steps_are_the_same_steps() -> None:
    network, shards, tensors = tiny()
    rates = LearntRates.constant("per-step", 3, TINY.parameters(1), 0.05, torch.float64)
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in tensors.items()}
    one = adapted(network, shards, leaves, rates, differentiable=True)
    other = adapted(network, shards, tensors, rates)
    assert all(torch.allclose(one[name], other[name]) for name in tensors)
    assert mean_error(network, shards, other) < mean_error(network, shards, tensors)


def test_training_lowers_the_error_after_the_inner_steps(tmp_path: Path, pictures: Path) -> None:
    reached = []
    for steps, rate in ((1, 1e-9), (60, 3e-3)):
        losses: list[float] = []
        target = tmp_path / f"{steps}.inrcprior"
        report = codec.meta_train(
            [pictures], target, size=(8, 10), width=8, steps=steps, outer_rate=rate, threads=1,
            device="cpu", crops=1,
            on_progress=lambda progress, losses=losses: losses.append(progress.loss),
        )  # fmt: skip
        assert (report.items, report.file_bytes) == (8, target.stat().st_size)
        assert read_prior(target).name.hex() == report.name
        reached.append(losses[-1])
    assert reached[1] < 0.5 * reached[0]


def test_volumes_make_priors_too(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.random.default_rng(0).random((5, 1, 6, 7)).astype(np.float32))
    target = tmp_path / "v.inrcprior"
    codec.meta_train(
        [tmp_path / "v.npy"], target, size=(4, 4, 4), width=4, steps=2, rates="static", half=True,
        threads=1, device="cpu",
    )  # fmt: skip
    found = read_prior(target)
    assert (found.axes, found.components, found.half) == (3, 1, True)


def test_sources_of_different_kinds_are_refused(tmp_path: Path, pictures: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(pictures / "z-grey.png")
    target = tmp_path / "p.inrcprior"
    with pytest.raises(InvalidInputError, match=r"z-grey\.png: has 1 components"):
        codec.meta_train([pictures], target, steps=1, size=(4, 4))
    with pytest.raises(InvalidOptionError, match="size 4: "):
        codec.meta_train([pictures / "0.png"], target, steps=1, size=(4,))
    with pytest.raises(InvalidOptionError, match="choose static"):
        codec.meta_train([pictures], target, rates="often")
    with pytest.raises(InvalidOptionError, match="has no priors"):
        codec.meta_train([pictures], target, arch="fvsrn")
    assert not target.exists()


def test_the_command_trains_and_says_what(
    tmp_path: Path, pictures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "p.inrcprior"
    arguments = ["--steps", "2", "--size", "6,8", "--width", "4", "--json", "--quiet", "--threads"]
    inrc.main(
        ["meta-train", str(pictures), "-o", str(target), *arguments, "1"], standalone_mode=False
    )
    said = json.loads(capsys.readouterr().out)
    assert said["file_bytes"] == target.stat().st_size
    assert said["name"] == read_prior(target).name.hex()


def test_the_prior_that_comes_along_helps_on_pictures_it_has_not_seen(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Needs no INRC_PRIORS, and in as many steps and bytes it beats a start at random."""
    monkeypatch.delenv(VARIABLE, raising=False)
    for path in packaged():
        assert path.stat().st_size < 64_000
        assert config_of(read_prior(path)).width == 32
    reached = []
    for settings in ({"arch.prior": "photos-32"}, {"arch.width": 32, "arch.features": 12}):
        report = codec.encode(
            pictures / "0.png", tmp_path / "out.inrc", arch="siren", bytes=2500, effort=0,
            threads=1, device="cpu", overwrite=True,
            settings={"fit.steps": 40, "fit.finetune_steps": 5, **settings},
        )  # fmt: skip
        reached.append(report.qualities[0].psnr)
    assert reached[0] > reached[1] + 1
