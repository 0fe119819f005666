"""Frames of a stack, laid upon each other."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bridgetune import RequestError, StackConfig
from bridgetune.inference.stacks.aligning import Aligning, Alignment, still
from bridgetune.pictures.transforms import IDENTITY, Transform, shift, spread

SIZE = (120, 160)


def scene(seed: int = 0) -> np.ndarray:
    """Things of all sizes, with a margin of 20 pixels around what is shown."""
    rng = np.random.default_rng(seed)
    shape = SIZE[0] + 40, SIZE[1] + 40
    fields = (cv2.GaussianBlur(rng.normal(0, 30 * size, shape), (0, 0), size) for size in (1, 3, 12))
    return (128 + sum(fields)[..., None].repeat(3, 2)).clip(0, 255).astype(np.uint8)


def shown(pixels: np.ndarray, right: int = 0, down: int = 0) -> np.ndarray:
    return np.ascontiguousarray(pixels[20 + down : 20 + down + SIZE[0], 20 + right : 20 + right + SIZE[1]])


def seen(frames: list[np.ndarray], **settings: object) -> Aligning:
    aligning = Aligning(StackConfig(**settings))
    for place, frame in enumerate(frames):
        aligning.see(place, frame)
    return aligning


def test_shifts_are_composed_to_the_reference_and_what_all_show_is_left():
    pixels = scene()
    frames = [shown(pixels, 3 * place, 2 * place) for place in range(4)]
    found = seen(frames, align="translation").alignment([0, 1, 2, 3], 2, SIZE)
    expected = [(6, 4), (3, 2), (0, 0), (-3, -2)]
    moved = [tuple(transform.matrix[:2, 2]) for transform in found.transforms]
    assert np.abs(np.subtract(moved, expected)).max() < 0.1
    assert found.transforms[2].is_identity
    rows, columns = found.area
    assert (columns.stop - columns.start, rows.stop - rows.start) == pytest.approx((160 - 9, 120 - 6), abs=2)
    laid = [found.shown(at, frame)[0] for at, frame in enumerate(frames)]
    assert np.abs(np.subtract(laid, laid[2], dtype=float)).mean() < 3
    assert np.array_equal(laid[2], frames[2][rows, columns])


def test_edges_that_are_kept_are_told_where_frames_hold_nothing():
    pixels = scene()
    frames = [shown(pixels), shown(pixels, 5, 0)]
    found = seen(frames, align="translation", edges="keep").alignment([0, 1], 0, SIZE)
    assert found.area == (slice(0, 120), slice(0, 160))
    assert found.shown(0, frames[0])[1] is None
    holds = found.shown(1, frames[1])[1]
    assert holds is not None
    assert 3 <= (~holds).all(0).sum() <= 7


def test_what_cannot_be_registered_is_in_no_ones_way():
    pixels = scene()
    frames = [
        scene(9)[20:140, 20:180],
        shown(pixels),
        np.full((*SIZE, 3), 90, np.uint8),
        shown(pixels, 2),
        shown(pixels, 4),
    ]
    aligning = seen(frames, align="translation")
    assert aligning.registered() == [1, 3, 4]
    assert aligning.alignment([1, 4], 1, SIZE).transforms[1].matrix[0, 2] == pytest.approx(-4, abs=0.1)


def test_brightness_is_evened_where_that_is_asked_for():
    pixels = scene()
    frames = [shown(pixels) // 2 + 20, ((shown(pixels) // 2 + 20) * 1.2).astype(np.uint8)]
    even = seen(frames, align="none", exposure="even").alignment([0, 1], 0, SIZE)
    assert abs(float(even.shown(1, frames[1])[0].mean()) - frames[0].mean()) < 1
    assert np.array_equal(even.transforms[1].matrix, np.eye(3))
    plain = seen(frames, align="none").alignment([0, 1], 0, SIZE)
    assert np.array_equal(plain.shown(1, frames[1])[0], frames[1])


@pytest.mark.parametrize(("brighter", "evened"), [(1.005, False), (1.06, True)])
def test_frames_that_are_aligned_are_evened_where_it_shows(brighter: float, evened: bool):
    pixels = scene()
    frames = [shown(pixels) // 2 + 20, np.rint((shown(pixels) // 2 + 20) * [1, 1, brighter]).astype(np.uint8)]
    (_, gains), keep = (
        seen(frames, exposure=exposure).alignment([0, 1], 0, SIZE).gains for exposure in ("auto", "keep")
    )
    assert (gains != 1).any() == evened
    assert abs(gains[2] - (1 / brighter if evened else 1)) < 0.01
    assert (keep[1] == 1).all()


def test_frames_that_are_taken_as_they_are_are_their_own_pixels():
    frame = scene()
    laid, holds = still(3, frame.shape[:2]).shown(1, frame)
    assert np.array_equal(laid, frame)
    assert holds is None


def test_an_area_of_a_frame_is_cut_out_where_it_lies():
    pixels = scene()
    area = slice(10, 60), slice(20, 90)
    found = Alignment((IDENTITY, shift(2, 1)), (np.ones(3),) * 2, area)
    assert np.array_equal(found.shown(0, pixels)[0], pixels[area])
    assert np.abs(found.shown(1, pixels)[0].astype(int) - pixels[11:61, 22:92]).max() <= 1
    assert found.shown(1, pixels[..., 0])[0].shape == (50, 70)


def test_frames_without_a_common_part_are_refused():
    aligning = seen([shown(scene()), shown(scene(), 3)], align="translation")
    (chain,) = aligning._chains
    chain.registrations *= 80  # as if many frames were shifted on and on
    chain.places = list(range(81))
    with pytest.raises(RequestError, match="no part of the scene in common"):
        aligning.alignment(aligning.registered(), 0, SIZE)


def test_breathing_that_no_two_neighbours_show_adds_up_over_a_stack():
    rng = np.random.default_rng(3)
    fields = (cv2.GaussianBlur(rng.normal(0, 30 * size, (480, 600)), (0, 0), size) for size in (2, 4, 12))
    large = (128 + sum(fields)[..., None].repeat(3, 2)).clip(0, 255).astype(np.uint8)
    size, middle = (360, 480), shift(239.5, 179.5)
    truths, frames = [], []
    for place in range(6):
        scale = Transform(np.diag([1.003**place, 1.003**place, 1]))
        truth = shift(2 * place, 0) @ middle @ scale @ middle.inverse()
        back = (shift(60, 60) @ truth.inverse()).matrix
        frame = cv2.warpPerspective(large, back, size[::-1], flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
        half = slice(0, 240) if place % 2 else slice(240, 480)  # what is sharp in one is not in the next
        frame[:, half] = cv2.GaussianBlur(frame, (0, 0), 5)[:, half]
        truths.append(truth)
        frames.append(frame)
    found = seen(frames).alignment(list(range(6)), 0, size).transforms
    points = spread(size)
    apart = [
        np.linalg.norm(one.places(points) - other.places(points), axis=1)
        for one, other in zip(found, truths, strict=True)
    ]
    assert np.sqrt((apart[-1] ** 2).mean()) < 0.5


def test_where_one_frame_differs_so_that_it_shows_all_are_evened():
    frames = [np.rint((shown(scene()) // 2 + 20) * light).astype(np.uint8) for light in (1, 1.02, 1.06)]
    gains = seen(frames).alignment([0, 1, 2], 0, SIZE).gains
    assert [gain.mean() for gain in gains] == pytest.approx([1, 1 / 1.02, 1 / 1.06], abs=0.005)
