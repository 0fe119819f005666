"""Pairs are brought to one place and one light before they are fused."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from torch import Tensor

from bridgetune import Generator, RequestError
from bridgetune.inference import aligned_pair, fuse_files, fuse_folder
from bridgetune.pictures import Picture, read_image, write_image

HEIGHT, WIDTH, RIGHT, DOWN = 150, 200, 7, 4


class TakesTheSecond(Generator):
    """The second image is in focus, everywhere and for sure."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return -9 + 0 * first[:, :1]


def painted() -> NDArray[np.uint8]:
    """Blotches of all sizes, with 20 pixels around a picture."""
    random = np.random.default_rng(0)
    sums = np.zeros((HEIGHT + 40, WIDTH + 40, 3))
    for side in (4, 8, 16, 40):
        noise = random.uniform(30, 220, ((HEIGHT + 40) // side + 1, (WIDTH + 40) // side + 1, 3))
        sums += cv2.resize(noise, (WIDTH + 40, HEIGHT + 40), interpolation=cv2.INTER_CUBIC)
    return (sums / 4).clip(20, 235).astype(np.uint8)


SCENE = painted()
FIRST = SCENE[20:-20, 20:-20]
SECOND = SCENE[20 - DOWN : -20 - DOWN, 20 - RIGHT : -20 - RIGHT]
"""Shows the scene 7 pixels to the right and 4 down."""


def picture(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8] | None = None) -> Picture:
    return Picture(np.ascontiguousarray(pixels), gray=False, alpha=alpha)


def test_the_second_is_laid_upon_the_first_and_both_are_cut_to_what_both_show():
    pair = aligned_pair(picture(FIRST), picture(SECOND))
    assert pair.first.size == pair.second.size == (HEIGHT - DOWN, WIDTH - RIGHT)
    assert np.array_equal(pair.first.pixels, FIRST[:-DOWN, :-RIGHT])
    apart = pair.second.pixels.astype(int) - pair.first.pixels
    assert abs(apart).mean() < 1
    assert pair.unshown is None
    assert pair.line == (
        "compared with the first picture the scene is 7.0 px to the right, 4.0 px down; aligned; cropped to 193×146"
        " pixels"
    )


def test_what_the_second_does_not_show_is_the_firsts_where_the_whole_is_kept():
    clear = np.full((HEIGHT, WIDTH), 200, np.uint8)
    pair = aligned_pair(picture(FIRST), picture(SECOND, clear), edges="keep")
    assert np.array_equal(pair.first.pixels, FIRST)
    expected = np.ones((HEIGHT, WIDTH), bool)
    expected[:-DOWN, :-RIGHT] = False
    assert np.array_equal(pair.unshown, expected)
    assert np.array_equal(pair.second.pixels[expected], FIRST[expected])
    assert set(np.unique(pair.second.alpha[expected])) == {255}
    assert set(np.unique(pair.second.alpha[~expected])) == {200}


def test_depths_may_differ():
    deep = Picture(FIRST.astype(np.uint16) * 257, gray=False)
    pair = aligned_pair(deep, picture(SECOND), edges="keep")
    assert (pair.first.bits, pair.second.bits) == (16, 8)
    assert np.array_equal(pair.second.pixels[pair.unshown], FIRST[pair.unshown])
    pair = aligned_pair(picture(FIRST), Picture(SECOND.astype(np.uint16) * 257, gray=False), edges="keep")
    assert np.array_equal(pair.second.pixels[pair.unshown], FIRST[pair.unshown].astype(np.uint16) * 257)


def test_brightness_is_evened_a_channel_in_the_scenes_place():
    darker = (SECOND * np.array([0.8, 0.9, 1])).round().astype(np.uint8)
    pair = aligned_pair(picture(FIRST), picture(darker), exposure=True)
    assert abs(pair.second.pixels.astype(float) - pair.first.pixels).mean((0, 1)) == pytest.approx(0, abs=1.5)
    assert "20.0 % darker in red" in pair.line or "19.9 % darker in red" in pair.line
    assert "; aligned and evened" in pair.line


def test_a_gray_picture_is_evened_as_a_whole_and_not_tinted():
    gray = FIRST.mean(2, keepdims=True).astype(np.uint8).repeat(3, 2)
    tinted = (FIRST * np.array([1, 0.8, 0.6])).astype(np.uint8)
    pair = aligned_pair(picture(tinted), picture(gray), "none", exposure=True)
    assert np.ptp(pair.second.pixels, axis=2).max() == 0
    assert pair.line.endswith("brighter; evened")
    assert "in red" not in pair.line


def test_light_alone_is_evened_where_nothing_is_aligned():
    darker = (FIRST * 0.8).round().astype(np.uint8)
    pair = aligned_pair(picture(FIRST), picture(darker), "none", exposure=True)
    assert pair.first.size == (HEIGHT, WIDTH)
    assert abs(pair.second.pixels.astype(float) - FIRST).mean() < 1
    assert pair.line.endswith("% darker; evened")


def test_a_pair_that_goes_together_is_left_as_it_is():
    one = picture(FIRST)
    pair = aligned_pair(one, picture(FIRST.copy()), exposure=True)
    assert np.array_equal(pair.second.pixels, FIRST)
    assert pair.line == "compared with the first picture the scene has the same place and brightness; left as it is"


def test_sizes_may_differ_where_pictures_are_aligned_and_only_there():
    smaller = picture(SECOND[:-10, :-6])
    pair = aligned_pair(picture(FIRST), smaller)
    assert pair.first.size == pair.second.size == (HEIGHT - DOWN - 10, WIDTH - RIGHT - 6)
    with pytest.raises(RequestError, match=r"a\.png is 200×150, b\.png is 194×140; align them \(--align auto\)"):
        aligned_pair(picture(FIRST), smaller, "none", exposure=True, names=("a.png", "b.png"))


def test_two_scenes_are_refused():
    other = np.random.default_rng(1).integers(0, 255, FIRST.shape).astype(np.uint8)
    with pytest.raises(RequestError, match=r"b\.png: cannot be registered with a\.png"):
        aligned_pair(picture(FIRST), picture(other), names=("a.png", "b.png"))


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    for side, pixels in (("A", FIRST), ("B", SECOND)):
        write_image(tmp_path / "pairs" / side / "one.png", np.ascontiguousarray(pixels))
    return tmp_path / "pairs"


def test_files_and_folders_are_fused_aligned(
    pairs: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    files = pairs / "A" / "one.png", pairs / "B" / "one.png"
    fusion = fuse_files(TakesTheSecond(), *files, align="translation")
    assert fusion.pixels.shape == (HEIGHT - DOWN, WIDTH - RIGHT, 3)
    assert abs(fusion.pixels.astype(int) - FIRST[:-DOWN, :-RIGHT]).mean() < 1
    assert f"{files[1]}: compared with one.png the scene is 7.0 px to the right, 4.0 px down; aligned" in caplog.text
    assert "align the frames" not in caplog.text
    assert fusion.area == (slice(0, HEIGHT - DOWN), slice(0, WIDTH - RIGHT))
    assert fusion.transform.places(np.zeros((1, 2))) == pytest.approx(np.array([[RIGHT, DOWN]]), abs=0.1)
    list(fuse_folder(TakesTheSecond(), pairs, tmp_path / "out", align="translation"))
    assert np.array_equal(read_image(tmp_path / "out" / "one.png").pixels, fusion.pixels)


def test_the_map_takes_the_first_where_it_alone_shows_something(pairs: Path):
    fusion = fuse_files(TakesTheSecond(), pairs / "A" / "one.png", pairs / "B" / "one.png", align="auto", edges="keep")
    assert fusion.decision[-DOWN:].all()
    assert fusion.decision[:, -RIGHT:].all()
    assert not fusion.decision[:-DOWN, :-RIGHT].any()
