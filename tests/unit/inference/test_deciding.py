"""What is undecided follows what is decided around it, along the picture's edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridgetune.inference import deciding, spreading
from bridgetune.inference.deciding import settle, settled, undecided_share
from bridgetune.regions import COIN, ENOUGH, SURE

Picture = NDArray[np.uint8]


def pair(rng: np.random.Generator, height: int, width: int) -> tuple[Picture, Picture]:
    first, second = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    return first, second


def maps(rng: np.random.Generator, height: int, width: int, scale: float) -> NDArray[np.float32]:
    """Logits of which the left half is small."""
    logits = rng.standard_normal((height, width)).astype(np.float32) * 20
    logits[:, : (width + 1) // 2] *= scale
    return logits


cases = given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 40),
    width=st.integers(1, 90),
    scale=st.sampled_from([0, 1e-30, 1e-3, 0.05]),
)


@cases
def test_exchanging_the_images_exchanges_the_sign_and_nothing_else(seed: int, height: int, width: int, scale: float):
    rng = np.random.default_rng(seed)
    (first, second), logits = pair(rng, height, width), maps(rng, height, width, scale)
    assert np.array_equal(settled(-logits, second, first), -settled(logits, first, second))


@cases
def test_confident_pixels_stay_bit_for_bit_and_all_are_finite(seed: int, height: int, width: int, scale: float):
    rng = np.random.default_rng(seed)
    logits = maps(rng, height, width, scale)
    found = settled(logits, *pair(rng, height, width))
    confident = np.abs(logits) >= deciding.CERTAIN
    stays = confident | ~unsure(logits, slack=1e-6)
    assert np.array_equal(found[stays], logits[stays])
    assert np.isfinite(found).all()
    assert found.dtype == logits.dtype


@given(seed=st.integers(0, 2**32 - 1), logit=st.floats(-100, 100, width=32), height=st.integers(1, 20))
def test_a_constant_map_keeps_its_sign(seed: int, logit: float, height: int):
    logits = np.full((height, 40), logit, np.float32)
    found = settled(logits, *pair(np.random.default_rng(seed), height, 40))
    assert np.array_equal(np.sign(found), np.sign(logits))


@pytest.mark.parametrize("strip", [7, 1000])
def test_it_is_the_formula_whatever_the_strips(strip: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deciding, "STRIP", strip)
    monkeypatch.setattr(spreading, "STRIP", strip)
    monkeypatch.setattr(spreading, "PIECE", 5)
    rng = np.random.default_rng(3)
    logits = maps(rng, 50, 70, 0.05)
    first, second = (picture // 20 for picture in pair(rng, 50, 70))
    expected = by_the_formula(logits.astype(np.float64), (first.astype(np.float64) + second) / 2 / 255)
    np.testing.assert_allclose(settled(logits, first, second), expected, atol=1e-5)
    assert not np.allclose(expected, logits, atol=0.1)


def test_pictures_of_any_type_decide_alike():
    rng = np.random.default_rng(4)
    logits, pictures = maps(rng, 40, 60, 0.05), pair(rng, 40, 60)
    expected = settled(logits, *pictures)
    deeper = settled(logits, *(picture.astype(np.uint16) * 257 for picture in pictures))
    as_float = settled(logits, *(picture / 255 for picture in pictures))
    np.testing.assert_allclose(deeper, expected, atol=1e-4)
    np.testing.assert_allclose(as_float, expected, atol=1e-4)


def test_an_undecided_region_takes_the_side_of_what_it_is_not_parted_from():
    """Known far to the left as the first image's and far to the right as the second's; an edge at column 150."""
    logits = np.zeros((60, 200), np.float32)
    logits[:, :20], logits[:, 180:] = 8, -8
    picture = np.zeros((60, 200, 3), np.uint8)
    picture[:, 150:] = 255
    found = settled(logits, picture, picture)
    settled_there = unsure(logits)
    assert (found[:, :150][settled_there[:, :150]] > 0).all()
    assert (found[:, 150:][settled_there[:, 150:]] < 0).all()
    assert settled_there[:, 40:160].all()


def test_in_place_is_the_same():
    rng = np.random.default_rng(5)
    logits, pictures = maps(rng, 40, 60, 0.05), pair(rng, 40, 60)
    expected = settled(logits, *pictures)
    settle(logits, *pictures)
    assert np.array_equal(logits, expected)


def test_the_undecided_share_is_of_logits_below_a_half():
    assert undecided_share(np.array([[0.0, 0.49, -0.49, 0.5], [-0.5, 3, -3, 0.1]], np.float32)) == 0.5


def test_a_coin_among_the_sure_follows_them_and_a_sign_of_its_own_stays():
    logits = np.full((60, 60), 8, np.float32)
    logits[30, 20], logits[30, 40] = -0.2, -0.3
    found = settled(logits, *pair(np.random.default_rng(6), 60, 60))
    assert found[30, 20] > 0
    assert found[30, 40] == np.float32(-0.3)


def unsure(logits: NDArray[np.floating], slack: float = 0.0) -> NDArray[np.bool_]:
    """`regions.unsure`; with slack, where shares are so little above that rounding decides, too."""
    return (box_mean(np.abs(logits) > SURE) < ENOUGH + slack) | (np.abs(logits) <= COIN)


def box_mean(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of the square of 33 pixels around each, of what of it is inside."""
    for axis in (0, 1):
        length = values.shape[axis]
        near = np.abs(np.subtract.outer(np.arange(length), np.arange(length))) <= 16
        values = np.moveaxis(np.tensordot(near / near.sum(1, keepdims=True), values, (1, axis)), 0, axis)
    return values


def by_the_formula(logits: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float64]:
    def transformed(values: NDArray[np.float64]) -> NDArray[np.float64]:
        values = values.copy()
        for deviation in (np.sqrt(3) * 60 * 2 ** (3 - k - 1) / np.sqrt(4**3 - 1) for k in range(3)):
            for turn in ((1, 0), (0, 1)):
                lines, picture = values.transpose(turn), mean.transpose(*turn, 2)
                distance = 1 + 60 / 0.3 * np.abs(np.diff(picture, axis=0)).sum(2)
                feedback = np.exp(-np.sqrt(2) / deviation) ** distance
                for n in range(1, len(lines)):
                    lines[n] += feedback[n - 1] * (lines[n - 1] - lines[n])
                for n in reversed(range(len(lines) - 1)):
                    lines[n] += feedback[n] * (lines[n + 1] - lines[n])
        return values

    confidence = np.minimum(np.abs(logits) / 4, 1)
    around = transformed(confidence * logits.clip(-4, 4)) / transformed(confidence)
    unknown = (box_mean(np.abs(logits) > 2) < 0.4) | (np.abs(logits) <= 0.25)
    return np.where(unknown, logits + 3 * (1 - confidence) * around, logits)
