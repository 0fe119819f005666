"""The running best of a stack."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.inference.stacks.combining import RunningBest, deepened


def offered(frames: int, seed: int, bits: int = 8) -> tuple[RunningBest, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 2**bits, (frames, 7, 5, 3)).astype(f"u{bits // 8}")
    scores = rng.normal(size=(frames, 7, 5)).astype(np.float32)
    best = RunningBest(frames)
    for one, score in zip(pixels, scores, strict=True):
        best.offer(one, score)
    return best, pixels, scores


@given(frames=st.integers(1, 9), seed=st.integers(0, 99), bits=st.sampled_from([8, 16]))
def test_every_pixel_is_that_of_the_frame_of_the_highest_score(frames: int, seed: int, bits: int):
    best, pixels, scores = offered(frames, seed, bits)
    assert np.array_equal(best.index, scores.argmax(0))
    assert np.array_equal(best.pixels, np.take_along_axis(pixels, scores.argmax(0)[None, ..., None], 0)[0])
    assert best.pixels.dtype == pixels.dtype


@given(frames=st.integers(1, 9), seed=st.integers(0, 99))
def test_the_depth_is_the_frame_refined_by_half_a_frame_at_most(frames: int, seed: int):
    best, _, _ = offered(frames, seed)
    assert np.abs(best.depth - best.index).max() <= 0.5
    assert best.depth.min() >= 0
    assert best.depth.max() <= frames - 1


def test_the_depth_of_scores_that_fall_off_as_a_parabola_is_where_that_is_highest():
    peaks = np.linspace(1, 3, 21, dtype=np.float32)[None]
    best = RunningBest(5)
    for place in range(5):
        best.offer(np.zeros((1, 21, 3), np.uint8), -((place - peaks) ** 2))
    assert np.abs(best.depth - peaks).max() < 1e-6


def test_in_the_end_the_highest_score_and_the_mean_are_known_and_nothing_counts_as_the_least():
    best = RunningBest(3, least=-1.0)
    for score in ([1, -np.inf], [4, 2], [-5, -np.inf]):
        best.offer(np.zeros((1, 2, 3), np.uint8), np.array([score], np.float32))
    highest, mean = best.ended()
    assert highest.tolist() == [[4, 2]]
    assert mean == pytest.approx(np.array([[4 / 3, 0]]))


def test_of_frames_that_score_alike_the_first_is_kept():
    best = RunningBest(2)
    for level in (10, 20):
        best.offer(np.full((2, 2, 3), level, np.uint8), np.zeros((2, 2), np.float32))
    assert (best.pixels == 10).all()
    assert (best.index == 0).all()


def test_where_a_frame_holds_nothing_another_is_taken():
    best = RunningBest(3)
    for level, score in ((10, 5.0), (20, -np.inf), (30, 4.0)):
        best.offer(np.full((1, 2, 3), level, np.uint8), np.array([[score, -np.inf]], np.float32))
    assert best.pixels[0, 0, 0] == 10
    assert np.isfinite(best.depth).all()


def test_what_is_known_of_two_neighbours_counts_between_them_alone():
    best = RunningBest(3)
    for place, rise in ((0, None), (1, -2.0), (2, 2.0)):
        score = np.array([[0, 1, 3]], np.float32) * place
        best.offer(
            np.full((1, 3, 3), place, np.uint8), score, None if rise is None else np.full((1, 3), rise, np.float32)
        )
    # scores 0 0 0, 0 1 2, 0 3 6: the second frame loses by -2 unless it leads by more; the third, by 2, beats it alone
    assert best.index.tolist() == [[0, 2, 2]]


def test_beside_seams_frames_are_blended_and_within_none_is():
    best = RunningBest(2, "feather")
    score = np.zeros((8, 20), np.float32)
    score[:, 10:] = 1
    for level, one in ((0, np.zeros_like(score)), (250, score)):
        best.offer(np.full((8, 20, 3), level, np.uint8), one)
    assert best.pixels[4, 7:13, 0].tolist() == [0, 50, 100, 150, 200, 250]


def test_transparency_is_taken_as_the_pixels_are():
    best = RunningBest(2)
    clear = np.array([[0, 128]], np.uint8)
    best.offer(np.zeros((1, 2, 3), np.uint8), np.array([[1, 0]], np.float32))
    assert best.alpha is None
    best.offer(np.zeros((1, 2, 3), np.uint8), np.array([[0, 1]], np.float32), alpha=clear)
    assert best.alpha.tolist() == [[255, 128]]


@pytest.mark.parametrize(("frames", "kind"), [(256, np.uint8), (257, np.uint16)])
def test_the_index_has_as_many_bytes_as_it_needs(frames: int, kind: type):
    best = RunningBest(frames)
    best.offer(np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.float32))
    assert best.index.dtype == kind


def test_white_stays_white_in_sixteen_bits():
    assert deepened(np.array([0, 1, 255], np.uint8), 16).tolist() == [0, 257, 65535]
    assert deepened(np.array([7], np.uint16), 16).tolist() == [7]
