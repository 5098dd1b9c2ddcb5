"""Valid vectors: streams of coder 8 and 9 in lattices, residuals, tensors and masks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..builders.file import File, MaskSpec, constant_item
from ..builders.fvsrn import Fvsrn
from ..builders.mixing import array_stream
from ..builders.pyramid import Pyramid
from ..builders.shell import sphere
from ..builders.static import (
    PLAIN,
    Choice,
    StaticEncoder,
    all_weights,
    static_array,
    static_stream_of,
)
from ..builders.streams import Ints, raw_stream, static_stream
from .array import at_most_four
from .case import Case, case
from .mask import ball
from .residual import TWO, lattice, mixed, randomly, residual_item
from .shell import sampled

_SMALL = Choice((0, 1, 2, 2), lanes=(2,))
"""Blocks of a few integers."""


def static_cases() -> list[Case]:
    """All valid cases of places and lattices."""
    return [*_lattice_cases(), *_level_cases(), *_other_coders(), *_context_cases(),
            *_weight_cases(), *_item_cases(), *_residual_cases(), *_array_cases()]  # fmt: skip


def _valid(name: str, file: File, spec: str, tags: str = "") -> Case:
    return case("static", name, file, spec, tags=tags)


def levels(model: Pyramid, choices: Sequence[Choice], counts: Ints = ()) -> list[bytes]:
    """Return a stream for each level, or of some counts, with the choices in turns."""
    encoder, values, start = StaticEncoder(model.lattice), model.integers(), 0
    streams: list[bytes] = []
    for n, count in enumerate(counts or model.ends()):
        some = values[start : start + count]
        streams.append(encoder.stream(some, choices[n % len(choices)]))
        start += count
    return streams


def array(lengths: Sequence[int], integers: Ints, choice: Choice = PLAIN) -> bytes:
    """Return a stream of coder 9."""
    return static_array(lengths, integers, choice).stream()


def _lattice_cases() -> Iterator[Case]:
    """Lattices of one to four axes, in one stream and in one for each level."""
    models = {
        "dims-1": Pyramid((37,), (4,), seed=801),
        "dims-1-all-levels": Pyramid((33,), (6,), seed=802),
        "dims-2": Pyramid((9, 11), (3, 3), seed=803),
        "dims-3": Pyramid((5, 4, 6), (2, 2, 2), seed=804),
        "dims-4": Pyramid((3, 4, 3, 4), (1, 1, 1, 1), seed=805, spread=12),
        "dims-4-two-levels": Pyramid((3, 3, 4, 4), (2, 2, 2, 2), seed=806),
        "levels-differ": Pyramid((3, 5, 11), (1, 2, 4), seed=807),
        "one-axis-with-levels": Pyramid((2, 3, 13), (0, 0, 3), seed=808),
        "lengths-2-and-3": Pyramid((2, 3, 2), (1, 2, 1), seed=809),
        "without-transform": Pyramid((7, 6), (0, 0), seed=810),
        "one-coefficient": Pyramid((1, 1), (), values=[-5]),
        "components": Pyramid((6, 7), (-3, 2, 2), TWO, seed=811),
    }
    for name, model in models.items():
        spec = "STR-11 TENS-2 STA-3"
        whole = static_stream_of(model.lattice, model.integers(), Choice(lanes=(8,)))
        yield _valid(name, model.file([whole]), spec)
        if name in ("dims-1", "dims-2", "dims-3", "dims-4-two-levels", "levels-differ"):
            yield _valid(f"{name}-by-level", model.file(levels(model, [_SMALL])), spec)


def _level_cases() -> Iterator[Case]:
    """Levels spread over streams and sections, with other edges and differences in each."""
    model = Pyramid((10, 9), (3, 3), seed=821)
    ends, values = model.ends(), model.integers()
    edges = [Choice(k) for k in ((0, 0, 0, 0), (0, 0, 1, 2), (0, 0, 15, 1), (0, 0, 2, 15))]
    edges[0] = Choice((0, 0, 0, 1), 3)
    cuts: dict[str, Ints] = {
        "two-levels-a-stream": [ends[0] + ends[1], ends[2] + ends[3]],
        "low-band-alone": [ends[0], sum(ends[1:])],
        "last-level-alone": [sum(ends[:3]), ends[3]],
    }
    for name, counts in cuts.items():
        streams = levels(model, [_SMALL, PLAIN], counts)
        yield _valid(f"levels-{name}", model.file(streams), "STR-11 TENS-2")
    yield _valid("levels-of-other-edges", model.file(levels(model, edges)), "STR-11 STA-3")
    yield _valid(
        "levels-of-other-edges-reversed", model.file(levels(model, edges[::-1])), "STR-11 STA-3"
    )
    file, start = File().item(model.header()), 0
    for n, coded in enumerate(levels(model, [_SMALL])):
        file.tens([coded], values[start : start + ends[n]], attribute=n % 3).tens([], [])
        start += ends[n]
    yield _valid("levels-in-sections", file, "STR-11 TENS-2 TENS-3 END-2")


def _other_coders() -> Iterator[Case]:
    """Coefficients of other coders before, between and behind."""
    model = Pyramid((9, 10), (2, 2), seed=831)
    values, (low, first, last) = model.integers(), model.ends()
    front, back = values[:low], values[-last:]
    middle = values[low : low + first]

    def behind(integers: Ints, *counts: int, choice: Choice = _SMALL) -> list[bytes]:
        encoder, start = StaticEncoder(model.lattice), len(integers)
        encoder.skip(integers)
        streams: list[bytes] = []
        for count in counts:
            streams.append(encoder.stream(values[start : start + count], choice))
            start += count
        return streams

    encoder = StaticEncoder(model.lattice)
    ahead = encoder.stream(front, _SMALL)
    encoder.skip(middle)
    last_level = encoder.stream(back, _SMALL)
    mixing = model.streams([low, first])
    streams = {
        "raw-low-band-before": [raw_stream(front), *behind(front, first, last)],
        "raw-before-in-pieces": [
            raw_stream(front[:3]),
            static_stream(1, [*front[3:], *middle[:5]]),
            raw_stream(middle[5:]),
            *behind(values[: low + first], last),
        ],
        "mixing-low-band-before": [mixing[0], *behind(front, first + last)],
        "mixing-levels-before": [*mixing, *behind(values[: low + first], last)],
        "array-before": [array((low,), front), *behind(front, first, last)],
        "raw-between": [ahead, raw_stream(middle), last_level],
        "raw-in-a-band-behind": [
            ahead,
            raw_stream(values[low : low + 5]),
            raw_stream(values[low + 5 :]),
        ],
        "array-behind": [ahead, array((first + last,), values[low:])],
        "array-over-all-bands": [array((9, 10), values)],
        "empty-before": [raw_stream([]), *levels(model, [_SMALL])],
    }
    for name, some in streams.items():
        yield _valid(f"beside-{name}", model.file(some), "STR-11 STR-6 TENS-2")
    huge = Pyramid((6, 6), (2, 2), (("a", 8, 0.0, 1.0),))
    huge.values = [(-1) ** n * (2**31 - 1 - n) for n in range(9)] + [n % 5 - 2 for n in range(27)]
    coder = StaticEncoder(huge.lattice)
    coder.skip(huge.values[:9])
    some = [raw_stream(huge.values[:9]), coder.stream(huge.values[9:], PLAIN)]
    yield _valid("beside-32-bits", huge.file(some), "STR-11 STR-4")


def _context_cases() -> Iterator[Case]:
    """Surroundings, parents and siblings at their bounds."""
    alike = [60 + 60 * (n % 3) for n in range(100)]
    for name, values in (("of-hundreds", randomly(100, 841, 300)), ("alike", alike)):
        model = Pyramid((5, 5, 4), (2, 2, 2), values=values)
        high = all_weights({7: 2, 8: 63, 9: 63}, {0: 3})
        for end, choice in (
            ("", _SMALL),
            ("-whole", Choice(weights=dict.fromkeys(range(15), high), lanes=(16,))),
        ):
            coded = static_stream_of(model.lattice, model.integers(), choice)
            yield _valid(f"contexts-{name}{end}", model.file([coded]), "STR-11 STA-2")
    edge = Pyramid((9, 9), (3, 3))
    edge.values = [31 if n % 4 else -40 for n in range(81)]
    weights = {n: all_weights({8: 40, 9: 9, 7: n % 3}) for n in range(10)}
    for name, k in (("1", 0), ("4", 2)):
        choice = Choice((0, 0, k, k), weights=weights, lanes=(4,))
        file = edge.file([static_stream_of(edge.lattice, edge.integers(), choice)])
        yield _valid(f"contexts-parents-in-blocks-of-{name}", file, "STR-11 STA-3")


def _weight_cases() -> Iterator[Case]:
    """Weights that are given, not given, and those of earlier bands of the same orientation."""
    model = Pyramid((4, 3, 6), (1, 2, 3), seed=851)
    number = len(model.lattice.bands)
    given = {n: all_weights({k: (5 * n + 3 * k) % 16 for k in range(10)}, {n % 7: n % 5 - 2})
             for n in range(number)}  # fmt: skip
    choices = {
        "given": [given],
        "some-given": [{n: w for n, w in given.items() if n % 2}],
        "first-given": [{n: w for n, w in given.items() if n < 4}],
        "last-given": [{number - 1: given[number - 1]}],
    }
    for name, (weights,) in choices.items():
        coded = static_stream_of(model.lattice, model.integers(), Choice(weights=weights))
        yield _valid(f"lattice-weights-{name}", model.file([coded]), "STR-11 STA-2")
    for name, some in {
        "first-stream": [Choice(weights={n: given[n] for n in range(3)}), *[PLAIN] * 3],
        "second-stream": [PLAIN, Choice(weights={0: given[1]}), *[PLAIN] * 2],
        "all-streams": [Choice(weights={n: given[n + k] for n in range(3)}) for k in range(4)],
    }.items():
        file = model.file(levels(model, some))
        yield _valid(f"lattice-weights-of-{name}", file, "STR-11 STA-2")
    deep = Pyramid((3, 2, 2, 5), (0, 0, 0, 2), seed=852)
    deep.values = [n % 7 - 3 for n in range(60)]
    weights = {n: all_weights({6: 60, 0: 4, 7: n}, {6: -30}) for n in range(3)}
    coded = static_stream_of(deep.lattice, deep.integers(), Choice(weights=weights))
    yield _valid("lattice-weights-of-axis-0", deep.file([coded]), "STR-11 STA-2")


def _item_cases() -> Iterator[Case]:
    """Two items, and coefficients beside residuals; each have weights of their own."""
    first = Pyramid((6, 7), (2, 2), (("one", 7, 0.0, 1.0),), seed=861)
    second = Pyramid((5, 8), (2, 2), (("two", 3, 0.0, 800.0),), seed=862)
    some = [Choice(weights={0: all_weights({0: 30, 7: 5}), 1: all_weights({2: 40})}), PLAIN, PLAIN]
    file = File().item(first.header()).item(second.header())
    starts = [0, 0]
    for turn in zip(levels(first, some), levels(second, [PLAIN]), strict=True):
        for n, (coded, model) in enumerate(zip(turn, (first, second), strict=True)):
            count = coded[1]
            file.tens([coded], model.integers()[starts[n] : starts[n] + count], n)
            starts[n] += count
    yield _valid("two-items-in-turns", file, "STR-11 TENS-2 END-2")
    model = Pyramid((6, 7), (2, 2), seed=863)
    integers = randomly(42, 864)
    choice = Choice((0, 0, 1, 3), 1, {0: all_weights({0: 22, 2: 20, 7: 3}, {0: 9})})
    coded = static_stream_of(model.lattice, model.integers(), choice)
    file = model.file([coded], k7=[0.25])
    file.resd([static_stream_of(lattice((6, 7)), integers, PLAIN)], integers)
    yield _valid("beside-residuals", file, "STR-11 RESD-2")


def _residual_cases() -> Iterator[Case]:
    """Residuals by coder 8 and 9."""
    for n, dims in enumerate(((23,), (5, 6), (3, 4, 5), (2, 3, 2, 4), (2, 2, 3, 2, 2), (1, 1))):
        count = int(np.prod(dims))
        integers = randomly(count, 871 + n)
        coded = static_stream_of(lattice(dims), integers, Choice((0, 1, 1, 2), n))
        file = File().item(residual_item(dims)).resd([coded], integers)
        yield _valid(f"residuals-dims-{len(dims)}" if count > 1 else "residuals-one-sample", file,
                     "STR-11 RESD-2")  # fmt: skip
    both = randomly(60, 881)
    coded = static_stream_of(lattice((5, 6), 2), both, _SMALL)
    file = File().item(residual_item((5, 6), TWO)).resd([coded], both)
    yield _valid("residuals-of-components", file, "STR-11 RESD-2")
    parts = [both[:24], both[24:]]
    file = File().item(residual_item((5, 12))).resd([array((2, 3, 4), parts[0])], parts[0])
    file.resd([raw_stream(parts[1][:6]), array((30,), parts[1][6:], _SMALL)], parts[1])
    yield _valid("residuals-arrays-in-parts", file, "STR-12 RESD-2")
    model = Pyramid((6, 5), (1, 1), seed=882)
    file = model.file(k7=[0.5]).resd([mixed((6, 5), both[:30])], both[:30])
    file.sections[-2].stored = b"\0" + static_stream_of(model.lattice, model.integers())
    yield _valid("residuals-by-mixing-beside", file, "STR-11 RESD-2")


def _array_cases() -> Iterator[Case]:
    """Arrays of coder 9 as tensors, octrees and indices of fill patterns."""
    model = Fvsrn((6, 5), seed=891)
    values = model.integers()
    start, streams = 0, []
    for n, shape in enumerate(model.shapes()):
        count = int(np.prod(shape))
        choice = Choice(weights={0: all_weights({0: 9, 7: n})} if n % 2 else {})
        streams.append(array(at_most_four(shape), values[start : start + count], choice))
        start += count
    parts = values[:20], values[20:40], values[40:]
    several = [array((4, 5), parts[0]), array_stream((20,), parts[1]), array((19,), parts[2])]
    for name, some in {"tensors": streams, "several-coders": several}.items():
        yield _valid(f"arrays-{name}", model.file(some, values), "STR-12 TENS-2")
    shell = sampled((2, 2, 2), 1, sphere((2.2, 1.7, 2.0), 1.5))
    values = shell.integers()
    yield _valid("arrays-octree", shell.file([array((len(values),), values)]), "STR-12 STR-8")
    bits = ball((7, 8))
    indices = [n // 5 % 3 for n in range(bits.size - int(np.count_nonzero(bits)))]
    mask = MaskSpec(bits, patterns=(1, 2, 0x7FC00001), indices=indices)
    mask.stream = array((1, len(indices)), indices)
    file = File().item(constant_item((7, 8), [["a", 7, 1.5, 0.0, 0]])).mask(mask)
    yield _valid("arrays-patterns", file, "STR-12 MASK-4", "mask")
    many = [array((1,), [n % 3 - 1]) for n in range(3)]
    values = [n % 3 - 1 for n in range(1030)]
    wide = Fvsrn((3, 2), (17, 15), 4, seed=892)
    values += [0] * (sum(wide.counts()) - len(values))
    some = [*(many[n % 3] for n in range(1030)), raw_stream(values[1030:])]
    file = File().item(wide.header()).tens(some, values, attribute=1)
    yield _valid("arrays-1030", file, "STR-12 STR-10")
