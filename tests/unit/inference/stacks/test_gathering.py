"""Pixels are taken as a field says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.inference.stacks import gathering
from bridgetune.inference.stacks.gathering import PARTS, gathered
from bridgetune.inference.stacks.seams import REACH, Blend


def noise(frames: int, side: int, kind: type, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, np.iinfo(kind).max, (frames, side, side, 3), kind, endpoint=True)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("blend", ["none", "feather", "pyramid"])
def test_beyond_seams_every_pixel_is_the_frames_own(kind: type, blend: Blend):
    frames = noise(3, 90, kind)
    right = np.zeros((90, 90), np.uint8)
    right[:, 45:] = 2
    picture = gathered(iter(frames), right, blend)
    reach = {"none": 0, "feather": REACH, "pyramid": 16}[blend]
    inside = np.abs(np.arange(90) - 44.5) > reach
    hard = np.take_along_axis(frames, right[None, ..., None].astype(int), 0)[0]
    assert np.array_equal(picture[:, inside], hard[:, inside])
    assert picture.dtype == kind


@given(seed=st.integers(0, 99), frames=st.integers(1, 5), kind=st.sampled_from([np.uint8, np.uint16]))
def test_white_frames_stay_white_whatever_the_field(seed: int, frames: int, kind: type):
    white = np.iinfo(kind).max
    field = np.random.default_rng(seed).uniform(0, frames - 1, (20, 20)).astype(np.float32)
    assert (gathered([np.full((20, 20, 3), white, kind)] * frames, field, "feather") == white).all()


def test_between_two_frames_both_have_their_share():
    frames = noise(3, 12, np.uint8).astype(np.float64)
    even = frames[:, :1, :1].repeat(12, 1).repeat(12, 2)
    for place in (0.5, 1.25, 1.5 + 0.4 / PARTS):
        mixed = gathered(even.astype(np.uint8), np.full((12, 12), place, np.float32), "feather")
        below = int(place)
        share = round((place - below) * PARTS) / PARTS
        assert np.abs(mixed - ((1 - share) * even[below] + share * even[below + 1])).max() <= 0.5
        nearest = gathered(even.astype(np.uint8), np.full((12, 12), place, np.float32), "none")
        assert np.array_equal(nearest, even[round(place)])


def test_strips_change_nothing(monkeypatch: pytest.MonkeyPatch):
    frames = noise(3, 40, np.uint16)
    field = np.random.default_rng(0).uniform(0, 2, (40, 40)).astype(np.float32)
    whole = gathered(frames, field, "feather")
    monkeypatch.setattr(gathering, "STRIP", 7)
    assert np.array_equal(gathered(frames, field, "feather"), whole)
