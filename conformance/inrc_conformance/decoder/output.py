"""The files that a decoder under test writes: arrays and `info.json`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .result import Decoded


def write_outputs(decoded: Decoded, directory: Path) -> None:
    """Write `values-I-C.npy`, `real-I-C.npy` and `info.json` for all components."""
    directory.mkdir(parents=True, exist_ok=True)
    entries: list[dict[str, object]] = []
    for i, item in enumerate(decoded.items):
        if item.border is not None:
            np.save(directory / f"border-{i}.npy", item.border, allow_pickle=False)
        for c, component in enumerate(item.components):
            np.save(directory / f"values-{i}-{c}.npy", component.values, allow_pickle=False)
            np.save(directory / f"real-{i}-{c}.npy", component.real, allow_pickle=False)
            entries.append(
                {
                    "item": i,
                    "component": c,
                    "name": component.name,
                    "dtype": component.dtype,
                    "shape": list(component.shape),
                }
            )
    info = {
        "kind": decoded.kind,
        "level": decoded.level,
        "minor": decoded.minor,
        "items": len(decoded.items),
        "components": entries,
        "integers_sha256": decoded.digest.hex(),
        "verbatim": {path: v.sha256() for path, v in decoded.verbatim.items()},
        "provenance": decoded.provenance,
        "metadata": decoded.state,
        "warnings": decoded.warnings,
    }
    text = json.dumps(info, indent=1, ensure_ascii=True) + "\n"
    (directory / "info.json").write_text(text, encoding="ascii")
