from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.config import StackMaking
from bridgetune.data import disk_blurs, make_stack, to_tensor
from bridgetune.errors import RequestError

HEIGHT, WIDTH = 48, 72


def photograph(dtype=np.uint8) -> np.ndarray:
    """Coarse noise, which a shift by parts of a pixel leaves much of."""
    coarse = np.random.default_rng(0).random((HEIGHT // 4, WIDTH // 4, 3))
    fine = np.repeat(np.repeat(coarse, 4, axis=0), 4, axis=1)
    return np.rint((0.1 + 0.8 * fine) * np.iinfo(dtype).max).astype(dtype)


def two_planes() -> np.ndarray:
    """The left half near, the right half far."""
    return np.repeat([[0.0] * (WIDTH // 2) + [1.0] * (WIDTH // 2)], HEIGHT, axis=0).astype(np.float32)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_each_frame_is_the_truth_where_it_is_the_sharpest(dtype):
    stack = make_stack(photograph(dtype), 3, StackMaking(blur=6), depth=two_planes())
    assert np.array_equal(stack.clear, photograph(dtype))
    assert set(np.unique(stack.index)) == {0, 2}
    for index in (0, 2):
        off = np.abs(stack.frame(index).astype(int) - stack.clear)
        clear = (stack.index == index) & (np.abs(np.arange(WIDTH) - WIDTH / 2 + 0.5) > 7)
        assert off[clear].max() <= np.iinfo(dtype).max / 255
        assert off[stack.index == 2 - index].mean() > np.iinfo(dtype).max / 50
    middle = np.abs(stack.frame(1).astype(int) - stack.clear)
    assert middle.mean() > np.iinfo(dtype).max / 100  # no plane is in focus half-way


def test_frames_are_blurred_in_linear_light():
    bright = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    bright[HEIGHT // 2, WIDTH // 2] = 255
    flat = np.ones((HEIGHT, WIDTH), np.float32)
    frame = make_stack(bright, 2, StackMaking(blur=9), depth=flat).frame(0)
    expected = disk_blurs(to_tensor(bright)[None], [9])[0, 0].numpy() ** (1 / 2.2) * 255
    assert np.abs(frame[..., 0] - expected).max() <= 1
    assert frame.max() > 20


@given(st.sampled_from(["ramp", "steps", "hills"]), st.integers(0, 1000), st.integers(2, 6))
def test_the_index_names_the_frame_whose_focus_is_nearest(shape, seed, frames):
    stack = make_stack(photograph(), frames, StackMaking(depth_shape=shape, shift=2), seed=seed)
    distances = np.abs(stack.depth[..., None] - np.array(stack.focus))
    chosen = np.take_along_axis(distances, stack.index[..., None].astype(int), axis=-1)[..., 0]
    assert np.allclose(chosen, distances.min(axis=-1), atol=1e-6)
    assert stack.index.shape == stack.depth.shape == stack.clear.shape[:2] == stack.size


def test_a_frame_is_the_same_whenever_it_is_asked_for_and_noise_is_each_ones_own():
    making = StackMaking(blur=0, noise=0.05)
    one, other = (make_stack(photograph(), 3, making, seed=4) for _ in range(2))
    frames = [one.frame(index) for index in range(3)]
    assert np.array_equal(other.frame(2), frames[2])
    assert np.array_equal(one.frame(0), frames[0])
    apart = (frames[0].astype(float) - frames[1]) / 255
    assert apart.std() == pytest.approx(0.05 * np.sqrt(2), rel=0.1)
    assert not np.array_equal(make_stack(photograph(), 3, making, seed=5).frame(0), frames[0])


def test_the_middle_frame_is_where_the_truth_is_and_breathing_goes_evenly_from_first_to_last():
    stack = make_stack(photograph(), 5, StackMaking(breathing=0.04))
    scales = [transform[0, 0] for transform in stack.transforms]
    assert np.allclose(scales, [0.98, 0.99, 1, 1.01, 1.02])
    assert np.array_equal(stack.transforms[2], np.eye(3))
    centre = [(stack.size[1] - 1) / 2, (stack.size[0] - 1) / 2, 1]
    assert all(np.allclose(transform @ centre, centre) for transform in stack.transforms)


def test_a_frame_shows_the_truth_at_the_places_that_its_transform_says():
    """A smooth picture, so that interpolation is exact to a level."""
    rows, columns = np.mgrid[:200, :240]
    smooth = 128 + 60 * np.sin(rows / 9) + 60 * np.cos(columns / 11)
    picture = np.repeat(np.rint(smooth).astype(np.uint8)[..., None], 3, axis=2)
    stack = make_stack(picture, 3, StackMaking(blur=0, breathing=0.03, shift=4, rotation=1), seed=7)
    height, width = stack.size
    assert 0 < stack.margin < 20
    rows, columns = np.mgrid[20 : height - 20, 20 : width - 20]
    for index in (0, 2):
        x, y, _ = np.einsum("ij,jhw->ihw", stack.transforms[index], [columns, rows, np.ones_like(rows)])
        frame = stack.frame(index)[..., 0].astype(float)
        near = frame[np.rint(y).astype(int), np.rint(x).astype(int)]
        # to a pixel's rounding the slope of the picture is 60/9 + 60/11 levels
        assert np.abs(near - stack.clear[rows, columns, 0]).max() < 0.5 * (60 / 9 + 60 / 11) + 2
        assert np.abs(frame - stack.clear[..., 0]).max() > 20


def test_frames_that_move_see_more_of_the_scene_instead_of_a_mirrored_edge():
    """The outermost columns of the photograph are white: only a frame that looks there shows them."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    picture[:, :2] = 255
    stack = make_stack(picture, 3, StackMaking(blur=0, shift=3), seed=1)
    assert not stack.clear.any()
    edges = [stack.frame(index)[:, :1].max() for index in range(3)]
    assert edges[1] == 0
    assert stack.margin >= 3


@pytest.mark.parametrize("frames", [1, 0, 1001])
def test_too_few_and_too_many_frames_are_refused(frames):
    with pytest.raises(RequestError, match="frames: got"):
        make_stack(photograph(), frames)


def test_a_depth_of_another_size_or_range_is_refused():
    for depth in (np.zeros((3, 3), np.float32), two_planes() * 2, two_planes() * np.float32("nan")):
        with pytest.raises(RequestError, match=r"depth: got shape .* expected \(48, 72\), 0 to 1"):
            make_stack(photograph(), 3, depth=depth)


def test_frames_that_move_beyond_the_photograph_are_refused():
    with pytest.raises(RequestError, match="photograph: 72x48 pixels, and its frames move by up to"):
        make_stack(photograph(), 3, StackMaking(shift=40))
