"""Self-check of the reference decoder: damaged files end in one of its three exceptions.

`python -m inrc_conformance.vectors.robustness [NUMBER]`; the number is that of random mutations.
"""

from __future__ import annotations

import sys
import time
from collections import Counter

import numpy as np

from ..builders.amgsrn import Amgsrn
from ..builders.border import scattered
from ..builders.file import File, Index, MaskSpec, constant_item, float_bits, verbatim
from ..builders.fvsrn import Fvsrn, simple_file
from ..builders.miner import Miner
from ..builders.network import Hashgrid, Latent, Neurcomp, Siren
from ..builders.pyramid import Pyramid
from ..builders.shell import Scattered, Shell
from ..builders.static import Choice, static_array, static_stream_of
from ..builders.streams import raw_stream
from ..console import say
from ..decoder import DecodeError, Limits, Malformed, decode_bytes
from ..mutants.mutant import fix_crcs
from .case import Case
from .cases import all_cases
from .mask import ball
from .overlap import even, networks, places
from .residual import mixed as residuals_mixed
from .residual import randomly, residual_item
from .tile import boxes, tiled

SMALL = Limits(
    samples=2**16,
    tensor_entries=2**18,
    multiply_adds=2**26,
    mask_samples=2**18,
    mixed=2**12,
    payload_bytes=2**22,
    header_bytes=2**20,
    cbor_items=2**16,
    total_payload_bytes=2**23,
)


def small_files() -> list[bytes]:
    """Return small files that use most of the format."""
    masked = File().item(constant_item([5, 4], [["a", 7, 1.0, 0.0, 0]]))
    bits = ball((5, 4))
    indices = [i % 2 for i in range(bits.size - int(np.count_nonzero(bits)))]
    masked.mask(MaskSpec(bits, patterns=(7, float_bits(-1.0, "f")), indices=indices))
    other = File().add("VERB", verbatim([["a", 2, [2], 2, b"\1\2\3\4"]]), 1).add("abCd", b"xy")
    other.item(constant_item([2]), 2)
    pyramid = Pyramid((5, 4), (2, 1), [["a", 7, 0.0, 1.0, 0]], extra={3: [1, 2, 3]})
    mixed = pyramid.file(pyramid.streams(pyramid.ends())).mask(MaskSpec(bits, method=2))
    model = Pyramid((5, 4), (0, 1), [["a", 3, 0.0, 90.0, 0]], seed=2)
    residual = model.file(k6=[0.5], k7=[1.0]).mask(MaskSpec(bits, pattern_bytes=2))
    values = randomly(20, 3)
    residual.resd([raw_stream([]), residuals_mixed((5, 4), values)], values)
    tiles = tiled(boxes((2, 1), (3,)))
    tiles.item(residual_item((2, 3), [["b", 7, 1.0, 0.0], ["c", 0, 9.0, 0.0]]))
    tiles.resd([raw_stream(values[:5])], values[:5], 2).resd(
        [raw_stream(values[5:12])], values[5:12], 2
    )
    return [
        simple_file(Fvsrn()).build(),
        masked.build(),
        other.build(digest_size=8),
        mixed.build(),
        residual.build(index=Index()),
        tiles.build(digest_size=16, index=Index(1)),
        Shell((2, 1, 1), 1, 16, Scattered(3, 50)).file().build(),
        Neurcomp((3, 2), width=2).file().build(),
        Siren((3, 2), width=2, encoding=(3, 1, 900, 1)).file().build(),
        Hashgrid((3, 2), levels=2, width=2).file().build(),
        Latent((3, 2), octaves=0, extra={5: [1, 1], 6: [0, 1, 1], 7: [1, 9, 1]}).file().build(),
        scattered((2, 1, 1), 1, 1, 3).file().build(),
        Amgsrn((4, 3), 1, 1, (2, 2), 2).file().build(),
        Miner((5, 3), 3, (1, 2)).file().build(),
        networks(places(even((2, 2), 1))).build(),
        *_static_files(),
    ]


def _static_files() -> list[bytes]:
    """Return small files of the static coder."""
    pyramid = Pyramid((5, 4), (2, 1), seed=5)
    values = [3, 14, -2, 0, 0, 7, -20, 1]
    choice = Choice((0, 0, 1, 1), 1, lanes=(2, 1))
    array = static_array((2, 4), values, choice).stream()
    return [
        pyramid.file([static_stream_of(pyramid.lattice, pyramid.integers(), choice)]).build(),
        File().item(residual_item((8,))).resd([array], values).build(),
    ]


def outcome(data: bytes) -> str:
    """Return the outcome of a file; any other exception than a `DecodeError` goes through."""
    try:
        decode_bytes(data, SMALL)
    except DecodeError as error:
        return error.outcome
    return "ok"


def prefixes() -> int:
    """Count the prefixes that are not malformed."""
    wrong = 0
    for data in small_files():
        for size in range(len(data)):
            try:
                decode_bytes(data[:size], SMALL)
            except Malformed:
                continue
            wrong += 1
    return wrong


def bit_flips() -> Counter[str]:
    """Flip every bit of the small files, one at a time."""
    counts: Counter[str] = Counter()
    for data in small_files():
        for bit in range(8 * len(data)):
            changed = bytearray(data)
            changed[bit // 8] ^= 1 << (bit % 8)
            counts[outcome(bytes(changed))] += 1
    return counts


def mutations(number: int, seed: int = 1) -> tuple[Counter[str], float]:
    """Change random bytes of the valid and the bad vectors and correct the CRCs."""
    random = np.random.RandomState(seed)
    sources = [case for case in all_cases() if 12 < len(case.data) < 5000]
    counts: Counter[str] = Counter()
    slowest = 0.0
    for _ in range(number):
        data = _mutated(sources[int(random.randint(len(sources)))], random)
        started = time.monotonic()
        counts[outcome(data)] += 1
        slowest = max(slowest, time.monotonic() - started)
    return counts, slowest


def _mutated(source: Case, random: np.random.RandomState) -> bytes:
    """Overwrite, insert or remove a few bytes after the header."""
    data = bytearray(source.data)
    for _ in range(int(random.randint(1, 4))):
        place = int(random.randint(12, len(data)))
        kind = int(random.randint(6))
        if kind < 3:
            data[place] = int(random.randint(256))
        elif kind < 5:
            data[place] ^= 1 << int(random.randint(8))
        elif len(data) > 20:
            data[place : place + int(random.randint(2))] = random.bytes(int(random.randint(3)))
    return fix_crcs(bytes(data))


def main(arguments: list[str] | None = None) -> int:
    """Run all checks and print their counts."""
    given = sys.argv[1:] if arguments is None else arguments
    number = int(given[0]) if given else 5000
    wrong = prefixes()
    say(f"prefixes of small files that are not malformed: {wrong}")
    flips = bit_flips()
    say(f"single bit flips: {dict(flips)}")
    counts, slowest = mutations(number)
    say(f"{number} mutations with correct CRCs: {dict(counts)}, slowest {slowest:.2f} s")
    return 1 if wrong or flips["ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
