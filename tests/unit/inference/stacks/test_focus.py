"""The focus measure of frames."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.inference.stacks.focus import lead, least, responses, scores
from bridgetune.inference.stacks.looking import look
from bridgetune.pictures import Picture


def texture(height: int = 80, width: int = 60, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 0.8)


def response(pixels: np.ndarray) -> np.ndarray:
    return np.concatenate([strip for _, strip in responses(pixels)])


@pytest.mark.parametrize("deviation", [0.7, 1.5, 3.0])
def test_what_is_blurred_scores_less_everywhere(deviation: float):
    sharp = texture()
    blurred = cv2.GaussianBlur(sharp, (0, 0), deviation)
    assert (scores(sharp, 0.5) > scores(blurred, 0.5)).mean() > 0.99


def test_the_score_is_blind_to_brightness_and_depth_of_samples():
    pixels = texture() // 2
    assert np.allclose(response(pixels), response(pixels + 100), atol=1e-3)
    assert np.allclose(response(pixels), response(pixels.astype(np.uint16) * 257), atol=1e-3)


def test_an_even_frame_scores_alike_everywhere():
    found = scores(np.full((40, 50, 3), 90, np.uint8), 0.5)
    assert found.shape == (40, 50)
    assert np.ptp(found) < 1e-4


def test_where_there_is_but_noise_the_sharp_things_beside_it_decide():
    rng = np.random.default_rng(0)
    even = np.full((200, 200, 3), 128.0)
    frames = [even + rng.normal(0, 1, even.shape) for _ in range(2)]
    frames[1][:, 96:104] += texture(200, 8) - 128.0
    pictures = [frame.clip(0, 255).astype(np.uint8) for frame in frames]
    one, other = (scores(picture, look(Picture(pictures[0], gray=False)).noise) for picture in pictures)
    beside = np.abs(np.arange(200) - 100) < 40
    assert (other > one)[:, beside].mean() > 0.95


def test_where_a_frame_shows_nothing_the_score_is_the_least_and_noise_adds_little():
    assert scores(np.full((40, 50, 3), 90, np.uint8), 0.5) == pytest.approx(float(least(0.5)))
    assert scores(texture(), 0.5).min() >= least(0.5)


def test_the_lead_is_in_multiples_of_the_noise():
    best, mean = np.log(np.array([[3.0, 1.0]], np.float32)), np.log(np.array([[1.0, 1.0]], np.float32))
    assert lead(best, mean, 0.5) == pytest.approx(np.array([[4.0, 0.0]]), abs=1e-6)


@given(height=st.integers(1, 70), width=st.integers(1, 70), seed=st.integers(0, 9))
def test_frames_of_any_size_are_scored(height: int, width: int, seed: int):
    found = scores(texture(height, width, seed), 0.5)
    assert found.shape == (height, width)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch):
    pixels = texture(300, 40)
    whole = scores(pixels, 0.5), response(pixels)
    monkeypatch.setattr("bridgetune.inference.stacks.focus.STRIP", 64)
    assert np.allclose(scores(pixels, 0.5), whole[0], atol=1e-4)
    assert np.allclose(response(pixels), whole[1], atol=1e-4)
