"""Vectors of items that name a prior, with priors beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..builders.file import File, MaskSpec, Raw, cbor
from ..builders.network import Siren
from ..builders.prior import SIGNATURE, Learnt, prior_file, prior_name
from ..builders.streams import raw_stream, uleb
from .case import Case, case
from .mask import ball
from .network import THREE
from .siren import GAUSS, NERF, POSITIONAL

_TOPIC = "priors"
_SPEC = "SIREN-3 PRIOR-3 PRIOR-4"
_FILE = "one.inrcprior"


def prior_cases() -> Iterator[Case]:
    """All valid cases."""

    def vector(name: str, file: File, priors: Sequence[bytes], ids: str = _SPEC) -> Case:
        files = tuple((f"{n}.inrcprior", data) for n, data in enumerate(priors))
        return replace(case(_TOPIC, name, file, ids), priors=files)

    plain = Siren((6, 5))
    models = {
        "float32": plain,
        "dims-1": Siren((11,)),
        "dims-3": Siren((3, 4, 3)),
        "dims-4": Siren((2, 3, 2, 3)),
        "axes-of-size-1": Siren((1, 4, 1, 3)),
        "nerf": replace(plain, encoding=NERF),
        "positional": replace(plain, encoding=POSITIONAL),
        "gauss": replace(plain, encoding=GAUSS),
        "omega": replace(plain, extra={3: 12}),
        "layers-0": replace(plain, hidden=0),
        "layers-3": replace(plain, hidden=3),
        "three-components": replace(plain, components=THREE),
    }
    for seed, (name, model) in enumerate(models.items()):
        learnt = Learnt(replace(model, seed=seed + 1), seed=900 + seed)
        yield vector(name, learnt.using(), [prior_file(learnt.core())])
    for name in ("dims-3", "nerf", "gauss", "three-components"):
        learnt = Learnt(replace(models[name], seed=31), 6, 930)
        yield vector(f"float16-of-{name}", learnt.using(), [prior_file(learnt.core())])
    yield from [*_number_cases(plain), *_folder_cases(plain), *_ancillary_cases(plain)]


def _number_cases(plain: Siren) -> Iterator[Case]:
    """Sums of priors and differences."""

    def vector(name: str, learnt: Learnt, file: File, ids: str = _SPEC, tags: str = "") -> Case:
        added = case(_TOPIC, name, file, ids, tags=tags)
        return replace(added, priors=((_FILE, prior_file(learnt.core())),))

    learnt = Learnt(plain)
    item = learnt.item()
    count = sum(item.counts())
    yield vector("all-0", learnt, learnt.using(integers=[0] * count))
    zeros = [[0, step, n + 3] for n, step in enumerate(item.steps())]
    yield vector("zero-not-0", learnt, learnt.using(k3=zeros), f"{_SPEC} ITEM-9")
    counts, shapes = item.counts(), item.shapes()
    bits = np.arange(counts[2]).reshape(shapes[2]) % 3 == 0
    nothing = np.zeros(shapes[4], np.bool_)
    counts[2], counts[4] = int(np.count_nonzero(bits)), 0
    some = item.integers(sum(counts))
    file = learnt.using(integers=some, k4={2: 0, 4: 1})
    file.mask(MaskSpec(bits, 1, method=0)).mask(MaskSpec(nothing, 1, method=0))
    yield vector("sparse", learnt, file, f"{_SPEC} ITEM-8")
    for dtype, name in ((7, "float32"), (6, "float16")):
        far = [{7: 1000.0, 6: 500.0}[dtype] + n for n in range(count)]
        steps = plain.steps()
        near, number, integers = iter(item.integers()), iter(far), []
        for step, entries in zip(steps, item.counts(), strict=True):
            integers += [next(near) - round(next(number) / step) for _ in range(entries)]
        other = Learnt(plain, dtype, values=far)
        file = other.item().file([raw_stream(integers)], integers, k3=steps)
        yield vector(f"differences-cancel-{name}", other, file, _SPEC, "precision")
    tiny = Learnt(plain, 6, values=[2.0**-24 * (n % 7 - 3) for n in range(count)])
    yield vector("float16-subnormal", tiny, tiny.using(k3=plain.steps()))
    largest = Learnt(plain, 6, values=[65504.0 * (-1) ** n for n in range(count)])
    back = [q - 2**7 * 65504 * (-1) ** n for n, q in enumerate(item.integers())]
    file = largest.item().file([raw_stream(back)], back, k3=[2.0**-7] * 6)
    yield vector("float16-largest", largest, file, _SPEC, "precision")


def _folder_cases(plain: Siren) -> Iterator[Case]:
    """Several priors, several items."""

    def vector(name: str, file: File, priors: dict[str, bytes]) -> Case:
        added = case(_TOPIC, name, file, _SPEC)
        return replace(added, priors=tuple(priors.items()))

    first = Learnt(plain, seed=951)
    parts = [["b", 7, 0.0, 1.0]]
    second = Learnt(Siren((4, 3), parts, 8, width=4, encoding=NERF), 6, 952)
    files = {
        "first.inrcprior": prior_file(first.core()),
        "second.inrcprior": prior_file(second.core()),
    }
    yield vector("two-priors", _items([first.item(), second.item()]), files)
    third = replace(first.item(), dims=(3, 7), components=parts, seed=9)
    yield vector(
        "two-items-one-prior",
        _items([first.item(), third]),
        {"a.inrcprior": files["first.inrcprior"]},
    )
    alone = replace(plain, components=parts)
    yield vector(
        "one-item-without", _items([first.item(), alone]), {"a.inrcprior": files["first.inrcprior"]}
    )
    tiles = [replace(first.item(), dims=(6, width), seed=width) for width in (5, 3)]
    origins: list[dict[int, Any]] = [{5: [0, 0]}, {5: [0, 5]}]
    yield vector("tiles", _items(tiles, origins), {"a.inrcprior": files["first.inrcprior"]})
    masked = replace(first.item(), components=[["a", 7, 0.5, 2.0, 0]])
    more: list[dict[int, Any]] = [{7: [0.125]}]
    whole = _items([masked], more).mask(MaskSpec(ball((6, 5))))
    whole.resd([raw_stream(range(-15, 15))], range(-15, 15))
    yield vector("masked-with-residuals", whole, {"a.inrcprior": files["first.inrcprior"]})
    others = {f"{n}.inrcprior": prior_file(Learnt(plain, seed=960 + n).core()) for n in range(3)}
    others["named.inrcprior"] = files["first.inrcprior"]
    yield vector("others-beside", first.using(), others)


def _items(models: Sequence[Siren], more: Sequence[dict[int, Any]] = ()) -> File:
    """Return a file of several items, with more keys."""
    file = File()
    for number, model in enumerate(models):
        values = model.integers()
        keys = more[number] if more else {}
        file.item(model.header() | keys).tens([raw_stream(values)], values, number)
    return file


def _ancillary(learnt: Learnt) -> dict[str, dict[Any, Any]]:
    """Legal ancillary maps."""
    entries = len(learnt.numbers())
    return {
        "static": {0: "static", 1: 3, 2: 7, 3: bytes(4)},
        "global": {0: "global", 1: 1, 2: 6, 3: b"\0\x3c"},
        "per-step": {0: "per-step", 1: 5, 2: 7, 3: bytes(20)},
        "per-parameter": {0: "per-parameter", 1: 2, 2: 6, 3: bytes(2 * entries)},
        "per-parameter-per-step": {0: "per-parameter-per-step", 1: 2, 2: 6, 3: bytes(4 * entries)},
    }


def _ancillary_cases(plain: Siren) -> Iterator[Case]:
    """Ancillary maps of all kinds."""
    learnt = Learnt(plain)
    maps = _ancillary(learnt) | {
        "text": {4: "made of nothing"},
        "all": _ancillary(learnt)["static"] | {4: "ü"},
        "other-keys": {5: [1, {"a": None}], -7: 1.5, "x": b"y"},
    }
    for name, value in maps.items():
        yield replace(
            case(_TOPIC, f"ancillary-{name}", learnt.using(), "PRIOR-5 PRIOR-2"),
            priors=((_FILE, prior_file(learnt.core(), cbor(value))),),
        )


def prior_faults() -> list[Case]:
    """All refused cases."""
    learnt = Learnt(Siren((6, 5)))
    return [
        *_missing_faults(learnt),
        *_frame_faults(learnt),
        *_core_faults(learnt.model),
        *_number_faults(learnt.model),
        *_ancillary_faults(learnt),
        *_other_items(learnt.model),
    ]


def _bad(
    name: str, learnt: Learnt, prior: bytes, spec: str, expect: str = "malformed", accept: str = ""
) -> Case:
    """Return a case whose only prior is bad; it may count as none."""
    other = {"malformed": "unsupported", "unsupported": ""}[expect] if accept == "" else accept
    fault = case(_TOPIC, name, learnt.using(), spec, expect)
    also = ("PRIOR-6",) if other else ()
    return replace(
        fault, priors=((_FILE, prior),), accept=tuple(other.split()), spec=(*fault.spec, *also)
    )


def _missing_faults(learnt: Learnt) -> list[Case]:
    """Items whose prior is not there."""
    fault = case(_TOPIC, "missing", learnt.using(), "SIREN-3", "unsupported")
    other = prior_file(Learnt(learnt.model, seed=1).core())
    half = prior_file(Learnt(learnt.model, 6).core())
    digest_of_file = replace(learnt.item(), extra={4: prior_name(prior_file(learnt.core()))})
    named = case(_TOPIC, "named-by-file", digest_of_file.file(), "PRIOR-4", "unsupported")
    return [
        fault,
        replace(fault, name="other-numbers", priors=((_FILE, other),)),
        replace(fault, name="other-dtype", priors=((_FILE, half),)),
        replace(named, priors=((_FILE, prior_file(learnt.core())),)),
    ]


def _frame_faults(learnt: Learnt) -> Iterator[Case]:
    """Signature, version, lengths and digest."""
    core = learnt.core()
    good = prior_file(core)
    flipped = bytearray(good)
    flipped[-40] ^= 1
    long = SIGNATURE + b"\1" + uleb(len(core)) + core + b"\x81\0\xa0"
    out = [
        _bad("digest-wrong", learnt, good[:-1] + bytes([good[-1] ^ 1]), "PRIOR-1"),
        _bad("digest-of-core", learnt, prior_file(core, digest=prior_name(core) * 2), "PRIOR-1"),
        _bad("ancillary-changed", learnt, prior_file(core, b"\xa1\4\x61a")[:-32] + good[-32:],
             "PRIOR-1"),
        _bad("byte-behind", learnt, good + b"\0", "PRIOR-1"),
        _bad("digest-of-16-bytes", learnt, good[:-16], "PRIOR-1"),
        _bad("cut-in-core", learnt, good[: len(core) // 2], "PRIOR-1"),
        _bad("empty", learnt, b"", "PRIOR-1"),
        _bad("length-not-shortest", learnt, _signed(long), "NUM-1 PRIOR-1"),
        _bad("version-2", learnt, prior_file(core, version=2), "PRIOR-1", "unsupported"),
        _bad("version-0", learnt, prior_file(core, version=0), "PRIOR-1", "unsupported"),
        _bad("signature-of-inrc", learnt,
             prior_file(core, signature=bytes.fromhex("89494E520D0A1A0A")), "PRIOR-1"),
    ]  # fmt: skip
    for fault in out:
        yield _as_decoded(fault)


def _as_decoded(fault: Case) -> Case:
    """Files in which this decoder finds no core are as if they were not there."""
    if fault.name in ("cut-in-core", "empty"):
        return replace(fault, expect="unsupported", accept=("malformed",))
    return fault


def _signed(data: bytes) -> bytes:
    return data + hashlib.sha256(data).digest()


def _core_faults(model: Siren) -> Iterator[Case]:
    """Keys and values of the core."""
    changes: dict[str, dict[Any, Any]] = {
        **{f"key-{key}-missing": {key: None} for key in range(6)},
        "architecture-not-an-array": {0: 7},
        "architecture-one-entry": {0: [7]},
        "architecture-three-entries": {0: [7, 1, 0]},
        "architecture-text": {0: ["siren", 1]},
        "config-not-a-map": {1: []},
        "axes-0": {2: 0},
        "axes-5": {2: 5},
        "axes-float": {2: 2.0},
        "components-0": {3: 0},
        "components-4097": {3: 4097},
        "dtype-8": {4: 8},
        "dtype-5": {4: 5},
        "dtype-text": {4: "f4"},
        "numbers-array": {5: [1.0]},
        "numbers-text": {5: "x"},
    }
    for name, change in changes.items():
        learnt = Learnt(model, changes=change)
        yield _bad(f"core-{name}", learnt, prior_file(learnt.core()), "PRIOR-2")
    for key in (6, -1, "x"):
        learnt = Learnt(model, changes={key: 0})
        name = f"core-key-{key}".replace("--", "-minus-")
        yield _bad(name, learnt, prior_file(learnt.core()), "PRIOR-2", "unsupported")
    core = Learnt(model).core()
    reordered = core[:1] + _rotated(core[1:])
    for name, some, ids in (
        ("core-then-byte", core + b"\0", "CBOR-4"),
        ("core-keys-not-ascending", reordered, "CBOR-2"),
        ("core-cut", core[:-1], "CBOR-4"),
        ("core-tagged", b"\xc0" + core, "CBOR-1"),
    ):
        given = _Given(model, core=some)
        yield _bad(name, given, prior_file(some), f"PRIOR-2 {ids}")


class _Given(Learnt):
    """A prior whose core is given as bytes."""

    def __init__(self, model: Siren, core: bytes) -> None:
        super().__init__(model)
        self._bytes = core

    def core(self) -> bytes:
        """Return the bytes."""
        return self._bytes


def _rotated(pairs: bytes) -> bytes:
    """Move the entry of key 0, [7, 1], behind the others."""
    first = cbor(0) + cbor([7, 1])
    return pairs.removeprefix(first) + first


def _number_faults(model: Siren) -> Iterator[Case]:
    """Numbers that are too many, too few or not finite."""
    good = Learnt(model).numbers()
    for name, dtype, data in (
        ("one-less", 7, Learnt(model).data()[:-4]),
        ("one-more", 7, Learnt(model).data() + bytes(4)),
        ("one-byte-more", 7, Learnt(model).data() + b"\0"),
        ("none", 7, b""),
        ("float32-as-float16", 6, Learnt(model).data()),
        ("float16-as-float32", 7, Learnt(model, 6).data()),
    ):
        learnt = Learnt(model, changes={4: dtype, 5: data})
        yield _bad(f"numbers-{name}", learnt, prior_file(learnt.core()), "PRIOR-3")
    for dtype in (6, 7):
        for name, value in (("nan", np.nan), ("infinite", np.inf), ("minus-infinite", -np.inf)):
            learnt = Learnt(model, dtype, values=[*good[:-1], value])
            yield _bad(f"number-{name}-{dtype}", learnt, prior_file(learnt.core()), "PRIOR-3")
    largest = Learnt(model, values=[*good[:-1], 3.4e38])
    count = len(good)
    top = [*[0] * (count - 1), 2**24 - 1]
    file = largest.item().file([raw_stream(top)], top, k3=[1.0] * 5 + [2.0**103])
    fault = case(_TOPIC, "sum-overflows", file, "SIREN-4", "malformed")
    yield replace(fault, priors=((_FILE, prior_file(largest.core())),))


def _ancillary_faults(learnt: Learnt) -> Iterator[Case]:
    """Faults of the ancillary map, which decoders do not need."""
    good = _ancillary(learnt)
    static = good["static"]
    maps: dict[str, Any] = {
        "array": [],
        "integer": 0,
        "cut": Raw(b"\xa1\4"),
        "then-byte": Raw(b"\xa0\0"),
        "nothing": Raw(b""),
        "keys-not-ascending": Raw(b"\xa2\5\0\4\x61a"),
        "rates-missing": {k: v for k, v in static.items() if k != 3},
        "kind-missing": {k: v for k, v in static.items() if k != 0},
        "rates-longer": static | {3: bytes(8)},
        "rates-shorter": static | {3: bytes(3)},
        "per-step-shorter": good["per-step"] | {1: 6},
        "per-parameter-shorter": good["per-parameter"] | {3: bytes(2)},
        "per-parameter-per-step-shorter": good["per-parameter-per-step"] | {1: 3},
    }
    for name, value in maps.items():
        yield _bad(f"ancillary-{name}", learnt, prior_file(learnt.core(), cbor(value)),
             "PRIOR-5" if isinstance(value, dict) else "PRIOR-2")  # fmt: skip


def _other_items(model: Siren) -> Iterator[Case]:
    """Priors that are not of the item that names them."""
    gauss = replace(model, encoding=GAUSS)
    two = replace(model, components=THREE[:2])

    def vector(name: str, item: Siren, learnt: Learnt) -> Case:
        named = replace(item, extra=item.extra | {4: prior_name(learnt.core())})
        fault = case(_TOPIC, name, named.file(), "SIREN-3 PRIOR-4", "malformed")
        return replace(fault, priors=((_FILE, prior_file(learnt.core())),))

    yield vector("of-another-architecture", model, Learnt(model, changes={0: [4, 1]}))
    yield vector("of-an-unknown-architecture", model, Learnt(model, changes={0: [100, 1], 5: b"x"}))
    yield vector(
        "of-an-unknown-config-key", model, Learnt(model, changes={1: model.config() | {9: 0}})
    )
    yield vector("of-another-version", model, Learnt(model, changes={0: [7, 2]}))
    yield vector("of-another-width", model, Learnt(replace(model, width=6)))
    yield vector("of-more-layers", model, Learnt(replace(model, hidden=2)))
    yield vector("of-another-omega", model, Learnt(replace(model, extra={3: 31})))
    yield vector("of-another-seed", gauss, Learnt(replace(gauss, encoding=(*GAUSS[:3], 8))))
    yield vector("of-another-scale", gauss, Learnt(replace(gauss, encoding=(3, 4, 1501, 7))))
    yield vector("of-another-encoding", model, Learnt(gauss))
    named = model.config() | {4: bytes(16)}
    yield vector("of-config-with-prior", model, Learnt(model, changes={1: named}))
    yield vector("of-more-axes", gauss, Learnt(replace(gauss, dims=(3, 3, 3))))
    yield vector("of-fewer-axes", replace(gauss, dims=(3, 3, 3)), Learnt(gauss))
    yield vector("of-more-components", model, Learnt(two))
    yield vector("of-fewer-components", two, Learnt(model))
