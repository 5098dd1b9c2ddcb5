"""Values between the samples, whatever axes a field has."""

from __future__ import annotations

import numpy as np

import codec
from tests.building import pyramid_file


def test_components_of_one_sample_each_have_a_value_at_any_point() -> None:
    fields = [np.full((1, 1), value, np.float32) for value in (0.25, -0.5, 1.0)]
    data = pyramid_file(fields, (0,), 1 / 64)
    with codec.open(data, device="cpu") as file:
        for name, expected in zip(file, (0.25, -0.5, 1.0), strict=True):
            found = file[name].at([[0, 0]] * 5)
            assert np.allclose(found, [expected] * 5, atol=1 / 32)
