"""A large field that is read whole is made in place, and is what its parts are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import codec
from codec.reading import component_decoder


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("f4", {"psnr": 40}),
        ("f4", {"max_error": 0.01}),
        ("f8", {"max_error": 0.01}),
        ("f8", {"psnr": 40}),
        ("u1", {"psnr": 40}),
    ],
)
def test_the_whole_is_its_parts(
    dtype: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    axes = np.meshgrid(*(np.linspace(0, 5, size) for size in (24, 1, 20, 18)), indexing="ij")
    values = 100 + 60 * np.sin(sum(axes)).astype("f8")
    if dtype != "u1":
        values[3:5, :, :7] = np.nan
    np.save(tmp_path / "a.npy", values.astype(dtype))
    target = tmp_path / "a.inrc"
    codec.encode(tmp_path / "a.npy", target, effort=0, threads=1, device="cpu", **options)
    with codec.open(target, device="cpu", threads=1) as file:
        expected, coarse = file["a"][...], file["a"].level(1)[...]
    monkeypatch.setattr(component_decoder, "_LARGE_SAMPLES", 1)
    for threads in (1, 2):
        with codec.open(target, device="cpu", threads=threads) as file:
            view = file["a"]
            whole = view[...]
            assert whole.tobytes() == expected.tobytes()
            # What a reader got is his own: nothing that he does to it is seen again.
            whole[...] = 0
            assert view[...].tobytes() == expected.tobytes()
            assert view.level(1)[...].tobytes() == coarse.tobytes()
            assert view[2:7].tobytes() == expected[2:7].tobytes()
            again = view[...]
            again[...] = 0
            assert view[2:7].tobytes() == expected[2:7].tobytes()
            file.check_digest()
