"""Frames that a stack is better off without."""

from __future__ import annotations

import cv2
import numpy as np

from bridgetune.inference.stacks.looking import Look, look
from bridgetune.inference.stacks.misfits import nowhere_sharp, other_sizes, repeated, shows_another_scene
from bridgetune.pictures import Picture


def seen(pixels: np.ndarray) -> Look:
    return look(Picture(np.rint(pixels).clip(0, 255).astype(np.uint8), gray=False))


def scene(seed: int = 0) -> np.ndarray:
    """Things of all sizes, (96, 128, 3) float."""
    rng = np.random.default_rng(seed)
    fields = (cv2.GaussianBlur(rng.normal(0, 30 * size, (96, 128)), (0, 0), size) for size in (0.8, 3, 12))
    return 128 + sum(fields)[..., None].repeat(3, 2)


def noisy(pixels: np.ndarray, seed: int) -> np.ndarray:
    return pixels + np.random.default_rng(seed).normal(0, 1, pixels.shape)


def blurred(pixels: np.ndarray, deviation: float) -> np.ndarray:
    return cv2.GaussianBlur(pixels, (0, 0), deviation)


def test_those_of_another_size_than_most_are_named():
    found = other_sizes(["a", "b", "c"], [(4, 6), (3, 6), (4, 6)])
    assert found == {1: "it is 6×3, not 6×4 as the others"}


def test_what_repeats_an_earlier_frame_is_named_and_a_second_shot_is_not():
    frames = [noisy(scene(), 1), noisy(scene(), 2), noisy(scene(), 1)]
    assert repeated([seen(frame) for frame in frames], ["a.jpg", "b.jpg", "c.jpg"]) == {2: "it repeats a.jpg"}


def test_what_is_blurred_wherever_another_is_sharp_is_named():
    sharp = scene()
    upper, lower = sharp.copy(), sharp.copy()
    upper[48:], lower[:48] = blurred(sharp, 3)[48:], blurred(sharp, 3)[:48]
    frames = [noisy(frame, seed) for seed, frame in enumerate((upper, blurred(sharp, 4), lower))]
    assert nowhere_sharp([seen(frame) for frame in frames]) == {1: "it is nowhere sharp"}


def test_of_frames_in_which_nothing_is_sharp_none_is_named():
    assert nowhere_sharp([seen(np.full((50, 50, 3), level)) for level in (90, 91)]) == {}


def test_another_scene_is_told_from_one_out_of_focus():
    one = seen(noisy(scene(), 1))
    assert not shows_another_scene(one, seen(noisy(blurred(scene(), 6), 2)))
    assert shows_another_scene(one, seen(noisy(scene(7), 2)))
    assert not shows_another_scene(one, seen(np.full((96, 128, 3), 80)))
