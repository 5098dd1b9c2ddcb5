"""Where samples lie in space survives cutting, turning and the way through a file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from codec.errors import CorruptError
from codec.media.geometry import Geometry

TURNED = Geometry(
    (1, 2, 3),
    (2.0, 0.75, 0.5),
    (10.0, -20.0, 5.0),
    ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    ("mm", "mm", "mm"),
    "RAS",
)


def place(geometry: Geometry, index: tuple[int, ...]) -> Any:
    """World position of a sample, by the definition."""
    steps = zip(index, geometry.spacing, geometry.vectors(), strict=True)
    return np.array(geometry.position()) + sum(
        number * spacing * np.array(vector) for number, spacing, vector in steps
    )


def test_straight_axes_run_along_z_y_x() -> None:
    geometry = Geometry((0, 1, 2), (3.0, 2.0, 1.0), (10.0, 20.0, 30.0))
    np.testing.assert_array_equal(place(geometry, (1, 0, 0)), (10, 20, 33))
    np.testing.assert_array_equal(place(geometry, (0, 0, 4)), (14, 20, 30))
    assert geometry.is_straight
    assert not TURNED.is_straight


def test_a_part_lies_where_its_samples_did() -> None:
    part = TURNED.cut(((0, 1), (1, 1), (4, 2), (7, -3)))
    np.testing.assert_allclose(place(part, (1, 2, 2)), place(TURNED, (2, 8, 1)))
    assert part.spacing == (2.0, 1.5, 1.5)
    assert min(part.spacing) > 0


def test_the_matrix_and_back() -> None:
    found = Geometry.from_matrix(TURNED.axes, TURNED.matrix(), TURNED.origin, TURNED.units, "RAS")
    assert found == TURNED
    assert Geometry.from_matrix((0, 1), np.diag([0.0, 1.0]), (0.0, 0.0)) is None
    assert Geometry.from_matrix((0,), [[np.nan]], (0.0,)) is None


def test_signs_turn_between_anatomical_spaces_and_nowhere_else() -> None:
    other = TURNED.in_space("LPS")
    assert other.origin == (-10.0, 20.0, 5.0)
    np.testing.assert_allclose(place(other, (1, 1, 1)) * (-1, -1, 1), place(TURNED, (1, 1, 1)))
    assert other.in_space("RAS") == TURNED
    assert Geometry((0, 1, 2), (1.0,) * 3).in_space("RAS").space == ""


def test_the_tree_and_back() -> None:
    assert Geometry.from_tree(TURNED.to_tree()) == TURNED
    bare = Geometry((0,), (1.0,))
    assert bare.to_tree() == {0: [1.0], 5: [0]}
    assert Geometry.from_tree(bare.to_tree()) == bare


@pytest.mark.parametrize(
    "change",
    [
        {0: [1.0]},
        {0: [1.0, 1.0, 0.0]},
        {0: [1.0, 1.0, float("inf")]},
        {1: [0.0]},
        {2: [1.0] * 8},
        {3: ["mm"]},
        {4: 1},
        {5: [3, 2, 1]},
        {5: []},
        {9: 0},
    ],
)
def test_a_tree_that_breaks_a_rule_is_corrupt(change: dict[int, Any]) -> None:
    with pytest.raises(CorruptError, match="geometry"):
        Geometry.from_tree(TURNED.to_tree() | change)
