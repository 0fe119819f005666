"""Pictures for deep zoom: the tiles of the largest level are the picture to the bit."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgetune.app.tiles import TILE, Kept, Outline, Pyramid, as_png, fitted, halved, in_8_bits
from bridgetune.errors import RequestError


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def read(png: bytes) -> np.ndarray:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def test_the_tiles_of_the_largest_level_are_the_picture():
    pixels = picture(TILE + 3, 2 * TILE + 1)
    pyramid = Pyramid(pixels)
    rows = [np.hstack([read(pyramid.tile(pyramid.top, column, row)) for column in range(3)]) for row in range(2)]
    assert (np.vstack(rows) == pixels).all()


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=30)
def test_every_level_has_half_the_sides_rounded_up_down_to_a_pixel(height: int, width: int):
    pyramid = Pyramid(picture(height, width))
    for level in range(pyramid.top + 1):
        factor = 2 ** (pyramid.top - level)
        assert read(pyramid.tile(level, 0, 0)).shape == (-(-height // factor), -(-width // factor), 3)
    assert read(pyramid.tile(0, 0, 0)).shape == (1, 1, 3)


@pytest.mark.parametrize("place", [(3, 0, 0), (-1, 0, 0), (2, 1, 0), (2, 0, 1), (2, -1, 0), (2, 0, -1)])
def test_a_tile_beside_the_picture_is_refused(place: tuple[int, int, int]):
    with pytest.raises(RequestError, match="reload"):
        Pyramid(picture(4, 4)).tile(*place)


def test_the_description_tells_a_viewer_size_and_tiles():
    image = ET.fromstring(Pyramid(picture(3, 5)).description())
    size = image.find("{*}Size")
    assert size is not None
    told = size.get("Width"), size.get("Height"), image.get("TileSize"), image.get("Format")
    assert told == ("5", "3", str(TILE), "png")


def seen(png: bytes) -> np.ndarray:
    """The opacity of each pixel, and whether it is bright."""
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels.shape[2] == 4
    return (pixels[..., 3] > 0) * np.where(pixels[..., :3].any(2), 2, 1)


def test_an_outline_is_bright_within_and_dark_without_across_tiles():
    region = np.zeros((TILE + 40, TILE + 40), bool)
    region[TILE - 20 : TILE + 20, TILE - 20 :] = True
    outline = Outline(region)
    tiles = [[seen(outline.tile(outline.top, column, row)) for column in (0, 1)] for row in (0, 1)]
    whole = np.vstack([np.hstack(row) for row in tiles])
    drawn = np.zeros(region.shape, int)
    drawn[TILE - 21 : TILE + 21, TILE - 21 :] = 1
    drawn[TILE - 20 : TILE + 20, TILE - 20 :] = 2
    drawn[TILE - 19 : TILE + 19, TILE - 19 :] = 0  # its inside; the picture's own edge ends nothing
    assert (whole == drawn).all()


def test_an_outline_is_as_wide_where_the_picture_is_small():
    region = np.zeros((256, 256), bool)
    region[64:192, 64:192] = True
    outline = Outline(region)
    for level in range(4, outline.top + 1):
        row = seen(outline.tile(level, 0, 0))[2 ** (level - 1)]
        assert [each for each in row.tolist() if each] == [1, 2, 2, 1]


def test_a_half_is_the_mean_of_four_pixels_and_of_what_there_is_of_a_last_one():
    pixels = np.repeat(np.array([[[0], [4], [10]], [[8], [4], [20]]], np.uint8), 3, axis=2)
    assert halved(pixels)[..., 0].tolist() == [[4, 15]]


def test_what_was_asked_for_last_is_kept_as_far_as_there_is_room():
    made: list[str] = []

    def ask(name: str) -> Pyramid:
        return kept.of(name, lambda: made.append(name) or Pyramid(picture(6, 6)))

    kept = Kept(room=2 * Pyramid(picture(6, 6)).room)
    for name in ("a", "b", "a", "c", "a", "b"):
        ask(name)
    assert made == ["a", "b", "c", "b"]
    kept.forget(lambda key: key == "a")
    ask("a")
    assert made[-1] == "a"


def test_one_that_has_no_room_is_shown_all_the_same():
    assert Kept(room=1).of("a", lambda: Pyramid(picture(6, 6))).size == (6, 6)


def test_a_picture_fits_and_is_never_enlarged():
    assert fitted(picture(100, 50), 10).shape == (10, 5, 3)
    assert fitted(picture(4, 5), 10).shape == (4, 5, 3)
    assert fitted(picture(300, 1), 10).shape == (10, 1, 3)


def test_16_bits_are_shown_by_their_upper_half_and_gray_in_three_channels():
    assert in_8_bits(np.array([[0, 255, 256, 65535]], np.uint16)).tolist() == [[[each] * 3 for each in (0, 0, 1, 255)]]


def test_png_keeps_every_pixel():
    pixels = picture(5, 7)
    assert (read(as_png(pixels)) == pixels).all()
