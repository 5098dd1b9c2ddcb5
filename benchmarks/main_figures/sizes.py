"""Sizes of encoded volumes against what they hold, their entropy and plain storage."""

from __future__ import annotations

import gzip
from collections.abc import Iterable

from codec.arrays import Float32Array
from codec.coding.restore_parameters import restore_parameters
from codec.reading.contents import FileContents
from codec.reading.item import DecodableItem
from main_figures.entropy_cost import StreamCost, recoded_cost, stream_costs
from main_figures.figure import Encoded, Figure


def quality(encoded: Encoded) -> list[Figure]:
    """Sizes that were reached; nothing here has a target but the PSNR that was asked for."""
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
    with FileContents(encoded.path, device="cpu") as file:
        payloads = {"ITEM": 0, "TENS": 0, "MASK": 0, "VERB": 0, "mETa": 0}
        for section in file.streams.sections.sections:
            if section.type in payloads:
                payloads[section.type] += section.stored_bytes
        total = file.file_bytes - sum(payloads.values())
    note = f"with the ITEM header (names, config, steps): {total + payloads['ITEM']} bytes"
    what = "signature, header, framing, HEAD, ENDS"
    return [Figure("overhead", encoded.volume, what, total, "bytes", "<", 100, note)]


def entropy(encoded: Encoded) -> list[Figure]:
    """(b) Coded data over the information content of the integers under the tables used."""
    with FileContents(encoded.path, device="cpu") as file:
        sections = file.streams.sections
        payloads = [sections.read(part) for part in sections.of_type("TENS")]
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
    integers = item.integers.first(None)
    masks = {index: item.sparsity(index) for _, index in item.header.tensor_masks}
    return restore_parameters(item.header, item.specs, integers, masks)


def against_floats(encoded: Encoded) -> list[Figure]:
    """(c) The file against the same network stored plainly: the function, so the PSNR, is equal."""
    with FileContents(encoded.path, device="cpu") as file:
        item = file.items[0]
        tensors = parameters(item)
        coded = item.integers.count
        size = file.file_bytes
    dense = sum(tensor.size for tensor in tensors)
    note = f"{dense:,} parameters; only the {coded:,} coded ones: {4 * coded / size:.2f}"
    figures = [Figure("size", encoded.volume, "float32 parameters / file", 4 * dense / size,
                    "x", ">=", 4, note)]  # fmt: skip
    what = "gzip -9 of fp16 parameters / file"
    if encoded.floats:
        zipped = len(gzip.compress(encoded.floats, 9))
        note = f"as fitted, not pruned or quantised: {zipped:,} bytes; file {size:,} bytes"
        figures.append(Figure("size", encoded.volume, what, zipped / size, "x", ">=", 2, note))
    halves = b"".join(tensor.astype("<f2").tobytes() for tensor in tensors)
    zipped = len(gzip.compress(halves, 9))
    note = f"as decoded, so after our pruning and quantisation: {zipped:,} bytes"
    figures.append(Figure("size", encoded.volume, what, zipped / size, "x", note=note))
    return figures
