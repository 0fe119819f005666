from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import bridgetune.data.planes as planes
from bridgetune.data import disk_blurs
from bridgetune.data.planes import focused

SIDE = 64


def noise(seed: int = 0, side: int = SIDE) -> torch.Tensor:
    return torch.rand(3, side, side, generator=torch.Generator().manual_seed(seed))


def slope(side: int = SIDE) -> torch.Tensor:
    """From 0 at the left to 1 at the right."""
    return torch.linspace(0, 1, side).expand(side, side)


def disk() -> torch.Tensor:
    """Depth of a near disk in the middle of a far plane."""
    places = torch.arange(SIDE) - (SIDE - 1) / 2
    return (torch.hypot(places[:, None], places) > 16).float()


@given(st.floats(0, 1), st.integers(0, 100))
def test_a_plane_in_focus_is_as_it_is(depth, seed):
    light = noise(seed)
    assert torch.equal(focused(light, torch.full((SIDE, SIDE), depth), depth, 20), light)


@given(st.sampled_from([3, 7, 13, 17, 21]), st.booleans())
def test_a_plane_out_of_focus_is_blurred_by_its_disk_before_and_behind(size, near):
    light = noise()
    shown = focused(light, torch.full((SIDE, SIDE), 0.0 if near else 1.0), 1.0 if near else 0.0, size)
    assert torch.allclose(shown, disk_blurs(light[None], [size])[0], atol=1e-5)


def test_between_two_diameters_the_blur_is_between_and_grows():
    light, depth = noise(), torch.ones(SIDE, SIDE)
    contrast = [float(focused(light, depth, 0, diameter).std()) for diameter in (0, 1, 2, 3, 4, 5, 6.5, 9, 30, 33, 40)]
    assert contrast == sorted(contrast, reverse=True)
    assert len(set(contrast)) == len(contrast)


def test_a_slope_is_sharp_at_its_plane_and_blurred_away_from_it_as_one_surface():
    light = noise()
    shown = focused(light, slope(), 0.5, 16)
    off = (shown - light).abs().mean(dim=(0, 1))
    assert off[31:33].max() < 0.02
    assert off[:8].min() > 0.15
    assert off[-8:].min() > 0.15
    # cut in layers or not, an even light stays even
    assert torch.allclose(focused(torch.full_like(light, 0.3), slope(), 0.5, 16), torch.tensor(0.3), atol=1e-5)


@given(st.integers(0, 1000), st.floats(0, 1), st.floats(0, 40))
def test_what_is_shown_is_between_the_darkest_and_the_brightest(seed, focus, diameter):
    depth = noise(seed + 1)[0].round(decimals=1)
    shown = focused(0.2 + 0.5 * noise(seed), depth, focus, diameter)
    assert 0.2 - 1e-4 <= shown.min() <= shown.max() <= 0.7 + 1e-4


def test_what_is_near_and_out_of_focus_spills_over_what_is_far_and_in_focus():
    near = 1 - disk()
    light = near.expand(3, -1, -1)  # white before black
    shown = focused(light, disk(), 1, 13)[0]
    assert shown[near == 0].max() > 0.3
    assert torch.allclose(shown, disk_blurs(near[None, None], [13])[0, 0], atol=1e-3)


def test_what_is_far_and_out_of_focus_leaves_what_is_near_and_in_focus_alone_and_takes_nothing_of_it():
    near = 1 - disk()
    light = torch.stack([near, 1 - near, torch.zeros_like(near)])  # red before green
    shown = focused(light, disk(), 0, 13)
    assert torch.allclose(shown, light, atol=1e-3)


def test_what_is_uncovered_is_like_what_is_around_it():
    """Behind the rim of a blurred white disk lies the gray that is seen beside it, not black and not white."""
    near = 1 - disk()
    light = torch.where(near > 0, 1.0, 0.25).expand(3, -1, -1)
    shown = focused(light, disk(), 1, 13)[0]
    matte = disk_blurs(near[None, None], [13])[0, 0]
    assert torch.allclose(shown, matte + 0.25 * (1 - matte), atol=2e-3)


def test_in_tiles_and_whole_a_picture_is_the_same(monkeypatch: pytest.MonkeyPatch):
    light, depth = noise(side=200), (slope(200) + disk().repeat(4, 4)[:200, :200]) / 2
    whole = focused(light, depth, 0.6, 25)
    monkeypatch.setattr(planes, "TILE", 64)
    assert torch.allclose(focused(light, depth, 0.6, 25), whole, atol=1e-5)
