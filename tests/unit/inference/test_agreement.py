"""What two frames of one scene do not agree in is measured, and defocus is no disagreement."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from bridgetune.inference import Agreement, measure_agreement
from bridgetune.pictures import read_image

Frame = NDArray[np.uint8]
HEIGHT, WIDTH = 300, 400


def painted(seed: int = 0) -> Image.Image:
    """Blotches of all sizes."""
    random = np.random.default_rng(seed)
    sums = np.zeros((HEIGHT, WIDTH, 3))
    for side in (4, 8, 16, 32, 100):
        noise = random.integers(0, 256, (HEIGHT // side + 1, WIDTH // side + 1, 3), np.uint8)
        sums += np.asarray(Image.fromarray(noise).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    return Image.fromarray((sums / 5 * 0.7 + 20).astype(np.uint8))


def half_blurred(image: Image.Image, left: bool, radius: float = 4) -> Frame:
    """Out of focus in one half."""
    sharp, blurred = np.asarray(image), np.asarray(image.filter(ImageFilter.GaussianBlur(radius)))
    return np.where((np.arange(WIDTH) < WIDTH / 2)[:, None] == left, blurred, sharp)


def moved(image: Image.Image, scale: float = 1, turn: float = 0, right: float = 0, down: float = 0) -> Image.Image:
    """Larger by `scale`, turned clockwise by degrees about its centre, and shifted; mirrored at its sides."""
    cosine, sine = math.cos(math.radians(turn)) / scale, math.sin(math.radians(turn)) / scale
    padded = Image.fromarray(np.pad(np.asarray(image), ((60, 60), (60, 60), (0, 0)), mode="reflect"))
    x, y = (padded.width - 1) / 2 + 0.5, (padded.height - 1) / 2 + 0.5
    matrix = (cosine, sine, x - cosine * (x + right) - sine * (y + down))
    matrix += (-sine, cosine, y + sine * (x + right) - cosine * (y + down))
    taken = padded.transform(padded.size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
    return taken.crop((60, 60, 60 + WIDTH, 60 + HEIGHT))


@settings(max_examples=10)
@given(st.floats(0.95, 1.05), st.floats(-3, 3), st.floats(-20, 20), st.floats(-20, 20), st.floats(0.6, 1.3))
def test_size_rotation_place_and_exposure_are_measured_across_defocus(
    scale: float, turn: float, right: float, down: float, exposure: float
):
    first = half_blurred(painted(), left=True)
    second = half_blurred(moved(painted(), scale, turn, right, down), left=False)
    found = measure_agreement(first, np.clip(second * exposure, 0, 255).round().astype(np.uint8))
    assert found.scale == pytest.approx(scale, abs=0.001)
    assert found.rotation == pytest.approx(turn, abs=0.05)
    assert found.shift == pytest.approx((right, down), abs=0.3)
    assert found.exposure == pytest.approx(exposure, rel=0.02)
    assert found.exposed_alike == (abs(math.log(found.exposure)) < math.log(1.08))


@pytest.mark.parametrize("radius", [1, 3, 6, 10])
@pytest.mark.parametrize("seed", range(3))
def test_defocus_alone_is_no_disagreement(seed: int, radius: float):
    frames = (half_blurred(painted(seed), left, radius) for left in (True, False))
    found = measure_agreement(*frames)
    assert found.aligned
    assert found.exposed_alike
    assert found.remark("a.png", "b.png") is None


def test_the_line_says_what_differs_and_how_to_mend_it():
    away = Agreement(1.03, (4.0, -2.5), 0.5, 0.75, 9.0, aligned=False)
    assert away.remark("a.png", "b.png") == (
        "b.png: compared with a.png the scene is 3.0 % larger, 4.0 px to the right, 2.5 px up, turned 0.5° clockwise,"
        " 25.0 % darker; align the frames and bring them to one exposure first (--align auto --exposure)"
    )
    darker = Agreement(1.03, (4.0, -2.5), 0.5, 0.75, 9.0, aligned=True).remark("a.png", "b.png")
    assert darker == (
        "b.png: compared with a.png the scene is 25.0 % darker; bring the frames to one exposure first (--exposure)"
    )
    coloured = Agreement(1, (0, 0), 0, 1.02, 0, aligned=True, channels=(1.002, 0.998, 1.062))
    assert coloured.remark("a.png", "b.png") == (
        "b.png: compared with a.png the scene is 6.2 % brighter in blue; bring the frames to one exposure first"
        " (--exposure)"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda image: moved(image, scale=1.03), " % larger; align the frames first"),
        (lambda image: moved(image, scale=0.98), "2.0 % smaller; align the frames first"),
        (lambda image: moved(image, right=-3), " px to the left; align the frames first"),
        (lambda image: moved(image, turn=1), "turned 1.0° clockwise; align the frames first"),
        (lambda image: image.point(lambda level: round(level * 0.75)), "darker; bring the frames to one exposure"),
        (lambda image: image.point(lambda level: round(level * 1.12)), "brighter; bring the frames to one exposure"),
        (
            lambda image: Image.merge("RGB", [*image.split()[:2], image.split()[2].point(lambda level: level * 1.07)]),
            "in blue; bring the frames to one exposure",
        ),
    ],
)
def test_what_matters_is_said(change: Callable[[Image.Image], Image.Image], said: str):
    first, second = half_blurred(painted(), left=True), half_blurred(change(painted()), left=False)
    assert said in measure_agreement(first, second).remark("a.png", "b.png")


def test_the_other_way_round_is_the_opposite():
    first, second = np.asarray(painted()), np.asarray(moved(painted(), scale=1.02, right=5))
    one, other = measure_agreement(first, second), measure_agreement(second, first)
    assert one.scale * other.scale == pytest.approx(1, abs=0.001)
    assert other.shift[0] == pytest.approx(-5 / 1.02, abs=0.3)


def test_sixteen_bits_and_eight_are_compared_by_their_own_scales():
    first = np.asarray(painted())
    found = measure_agreement(first, first.astype(np.uint16) * 257)
    assert found.exposure == pytest.approx(1, abs=0.001)
    assert found.displacement < 0.1


def test_a_border_that_aligning_left_is_not_compared():
    first = np.asarray(painted())
    second = first.copy()
    second[:40] = 0
    second[:, -30:] = 0
    found = measure_agreement(first, second)
    assert found.remark("a.png", "b.png") is None


@pytest.mark.parametrize(
    "frames",
    [
        (np.asarray(painted(0)), np.asarray(painted(1))),
        (np.full((HEIGHT, WIDTH, 3), 90, np.uint8), np.full((HEIGHT, WIDTH, 3), 120, np.uint8)),
        (np.asarray(painted(0))[:20], np.asarray(painted(0))[:20]),
        (np.full((30, 20_000, 3), 90, np.uint8), np.full((30, 20_000, 3), 90, np.uint8)),
        (np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.asarray(painted(0))),
        tuple(np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8) for seed in (0, 1)),
    ],
    ids=["two scenes", "even", "small", "narrow", "black", "noise"],
)
def test_nothing_is_said_of_frames_that_have_nothing_in_common(frames: tuple[Frame, Frame]):
    assert measure_agreement(*frames) is None


def test_the_frames_of_the_cases_are_told_apart(shared: Any):
    folder: Path = shared("cases/pictures")
    first, breathing, bordered = (
        read_image(folder / name).pixels for name in ("A.png", "B_breath.png", "B_border.png")
    )
    assert not measure_agreement(first, breathing).aligned
    assert measure_agreement(first, bordered).remark("A", "B") is None


@pytest.mark.parametrize("name", ["eval/lytro", "eval/nyu", "eval/real_mff", "microscopy"])
def test_real_pairs_are_not_warned_of(shared: Any, name: str):
    folder: Path = shared(f"data/{name}")
    for path in sorted((folder / "A").iterdir())[::7]:
        found = measure_agreement(*(read_image(folder / side / path.name).pixels for side in "AB"))
        assert found is None or found.remark("A", "B") is None, path.name


def test_of_a_gray_frame_and_a_coloured_one_brightness_alone_is_told():
    tinted = Agreement(1.0, (0.0, 0.0), 0.0, 0.75, 0.0, aligned=True, channels=(1.0, 0.75, 0.5625))
    assert "in red" not in tinted.in_gray.remark("a.png", "b.png")
    assert "the scene is 25.0 % darker;" in tinted.in_gray.remark("a.png", "b.png")
    as_bright = Agreement(1.0, (0.0, 0.0), 0.0, 1.0, 0.0, aligned=True, channels=(1.25, 1.0, 0.8))
    assert as_bright.in_gray.remark("a.png", "b.png") is None
