"""Where the focus measure does not tell, what is around decides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.inference.stacks import settling
from bridgetune.inference.stacks.settling import NARROW, certainty, settled

SIDE, FRAMES = 96, 9
CLEAR = 2 * NARROW[1]
"""A lead that is believed."""


def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A field of two halves, 1 and 7, with an even part in the middle of the left one in which it is chance; the field
    without that; leads; and a picture of two halves."""
    truth = np.ones((SIDE, SIDE), np.uint8)
    truth[:, SIDE // 2 :] = 7
    index, lead = truth.copy(), np.full((SIDE, SIDE), CLEAR, np.float32)
    part = slice(30, 66), slice(6, 40)
    index[part] = np.random.default_rng(0).integers(0, FRAMES, (36, 34))
    lead[part] = 1
    picture = np.where(truth[..., None] == 1, 60, 180).repeat(3, 2).astype(np.uint8)
    return index, truth, lead, picture


def test_an_even_part_follows_what_is_around_it_and_an_edge_of_the_picture_parts():
    index, truth, lead, picture = scene()
    field, untold = settled(index, lead, picture, FRAMES)
    assert untold[34:62, 10:36].all()
    assert np.abs(field - truth)[:, : SIDE // 2].max() < 1
    assert np.abs(index.astype(int) - truth).max() >= 6


def test_what_leads_clearly_stays_to_the_pixel():
    index, _, lead, picture = scene()
    field, untold = settled(index, np.full_like(lead, CLEAR), picture, FRAMES)
    assert not untold.any()
    assert np.array_equal(field, index)


@given(seed=st.integers(0, 99), frames=st.integers(2, 300))
def test_told_pixels_stay_and_the_others_are_between_the_first_frame_and_the_last(seed: int, frames: int):
    rng = np.random.default_rng(seed)
    index = rng.integers(0, frames, (24, 30)).astype(np.uint16)
    lead = rng.exponential(40, (24, 30)).astype(np.float32)
    lead[:, :15] = 0
    picture = rng.integers(0, 65536, (24, 30, 3), np.uint16)
    field, untold = settled(index, lead, picture, frames)
    assert np.array_equal(field[~untold], index[~untold])
    assert np.isfinite(field).all()
    assert 0 <= field.min() <= field.max() <= frames - 1
    assert untold[:, :12].mean() > 0.9


def test_nothing_is_changed_where_a_frame_holds_nothing():
    index, _, lead, picture = scene()
    holds = np.ones((SIDE, SIDE), bool)
    holds[:48] = False
    field, untold = settled(index, lead, picture, FRAMES, holds)
    assert np.array_equal(field[:48], index[:48])
    assert untold[48:].any()


def test_a_slope_is_not_scattered_and_stays():
    slope = (np.arange(SIDE) * FRAMES // SIDE)[None].repeat(SIDE, 0).astype(np.uint8)
    assert not settled(slope, np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE, 3), np.uint8), FRAMES)[1].any()


@pytest.mark.parametrize("side", [1, 4])
def test_an_island_stays_where_it_leads_clearly_and_is_given_to_its_surroundings_where_it_does_not(side: int):
    index, picture = np.full((SIDE, SIDE), 2, np.uint8), np.zeros((SIDE, SIDE, 3), np.uint8)
    island = slice(40, 40 + side), slice(50, 50 + side)
    index[island] = FRAMES - 1
    lead = np.full((SIDE, SIDE), 3, np.float32)
    field, untold = settled(index, lead, picture, FRAMES)
    assert untold[island].all()
    assert np.abs(field - 2).max() < 0.5
    lead[island] = CLEAR
    assert (settled(index, lead, picture, FRAMES)[0][island] == FRAMES - 1).all()


@pytest.mark.parametrize("strip", [10, 33])
def test_strips_change_nothing(strip: int, monkeypatch: pytest.MonkeyPatch):
    index, _, lead, _ = scene()
    whole = certainty(index, lead, FRAMES)
    monkeypatch.setattr(settling, "STRIP", strip)
    np.testing.assert_allclose(certainty(index, lead, FRAMES), whole, atol=1e-5)
