"""Places in frames: composed, turned round, warped, and what all frames show."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgetune import RequestError
from bridgetune.pictures.transforms import IDENTITY, LARGEST, Transform, common_area, shift, warped

CORNERS = np.array([[0.0, 0], [39, 0], [0, 29], [39, 29]])


@st.composite
def transforms(draw: st.DrawFn) -> Transform:
    scale, turn = draw(st.floats(0.8, 1.25)), draw(st.floats(-0.3, 0.3))
    right, down = draw(st.floats(-9, 9)), draw(st.floats(-9, 9))
    bend = draw(st.floats(-1e-3, 1e-3))
    cosine, sine = scale * math.cos(turn), scale * math.sin(turn)
    return Transform(np.array([[cosine, -sine, right], [sine, cosine, down], [bend, 0, 1]]))


@given(transforms(), transforms())
def test_a_product_is_one_after_the_other_and_the_inverse_leads_back(one: Transform, other: Transform):
    assert (other @ one).places(CORNERS) == pytest.approx(other.places(one.places(CORNERS)), abs=1e-8)
    assert (one.inverse() @ one).places(CORNERS) == pytest.approx(CORNERS, abs=1e-8)


@given(transforms(), st.floats(0.2, 9))
def test_pictures_that_are_larger_have_their_corners_in_one_place(transform: Transform, factor: float):
    def larger(points):
        return (points + 0.5) * factor - 0.5

    found = transform.enlarged(factor).places(larger(CORNERS))
    assert found == pytest.approx(larger(transform.places(CORNERS)), abs=1e-6)


def test_displacement_is_the_root_of_the_mean_square():
    assert IDENTITY.displacement((30, 40)) == 0
    assert IDENTITY.is_identity
    assert shift(3, -4).displacement((30, 40)) == pytest.approx(5)
    assert not shift(3, -4).is_identity
    larger = Transform(np.diag([1.01, 1.01, 1]))
    right, down = np.meshgrid(np.arange(400), np.arange(300))
    assert larger.displacement((300, 400)) == pytest.approx(np.sqrt((0.01**2 * (right**2 + down**2)).mean()), rel=0.01)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(12, 17), (12, 17, 3)])
def test_a_whole_shift_takes_the_frames_own_pixels(kind: type, shape: tuple[int, ...]):
    frame = np.random.default_rng(0).integers(0, 200, shape).astype(kind)
    moved, shown = warped(frame, shift(3, -2), (12, 17))
    assert moved.dtype == kind
    assert np.array_equal(moved[2:, :14], frame[:10, 3:])
    expected = np.zeros((12, 17), bool)
    expected[2:, :14] = True
    assert np.array_equal(shown, expected)


def test_the_identity_changes_nothing_and_the_reference_may_have_another_size():
    frame = np.random.default_rng(0).integers(0, 255, (12, 17, 3)).astype(np.uint8)
    same, shown = warped(frame, IDENTITY, (12, 17))
    assert same is frame
    assert shown.all()
    larger, shown = warped(frame, IDENTITY, (14, 20))
    assert np.array_equal(larger[:12, :17], frame)
    assert shown.sum() == 12 * 17


@given(transforms())
def test_what_is_shown_lies_inside_of_the_frame(transform: Transform):
    _, shown = warped(np.zeros((30, 40), np.uint8), transform, (25, 45))
    down, right = np.mgrid[:25, :45]
    places = transform.places(np.stack([right, down], -1).reshape(-1, 2))
    inside = ((places > -0.03) & (places < np.array([39, 29]) + 0.03)).all(1).reshape(25, 45)
    surely = ((places > -0.04) & (places < np.array([39, 29]) + 0.04)).all(1).reshape(25, 45)
    assert (shown >= inside).all()
    assert (shown <= surely).all()


def test_what_opencv_cannot_warp_is_refused():
    with pytest.raises(RequestError, match=f"sides of at most {LARGEST}"):
        warped(np.zeros((1, LARGEST + 1), np.uint8), shift(1, 0), (1, LARGEST + 1))


@settings(max_examples=25)
@given(st.lists(transforms(), max_size=4))
def test_the_common_area_is_the_largest_rectangle_that_all_show(others: list[Transform]):
    size = (30, 40)
    shown = np.all([warped(np.zeros(size, np.uint8), one, size)[1] for one in (IDENTITY, *others)], axis=0)
    try:
        rows, columns = common_area([IDENTITY, *others], [size] * (len(others) + 1))
    except RequestError:
        assert not shown.any()
        return
    assert shown[rows, columns].all()
    best = 0
    for top in range(30):
        along = np.ones(40, bool)
        for bottom in range(top, 30):
            along &= shown[bottom]
            runs = np.split(along, np.flatnonzero(np.diff(along)) + 1)
            best = max(best, max(int(run.sum()) for run in runs) * (bottom - top + 1))
    assert shown[rows, columns].size == best


def test_frames_of_several_sizes_are_cut_to_what_all_show():
    assert common_area([IDENTITY, shift(2, 0), IDENTITY], [(30, 40), (30, 40), (20, 40)]) == (
        slice(0, 20),
        slice(0, 38),
    )


def test_frames_without_a_common_place_are_refused():
    with pytest.raises(RequestError, match="no part of the scene in common"):
        common_area([IDENTITY, shift(50, 0)], [(30, 40)] * 2)
