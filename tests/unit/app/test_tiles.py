"""Pictures for deep zoom: the tiles of the largest level are the picture to the bit."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgetune.app.tiles import TILE, Kept, Pyramid, as_png, fitted, halved, in_8_bits
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


def test_a_half_is_the_mean_of_four_pixels_and_of_what_there_is_of_a_last_one():
    pixels = np.repeat(np.array([[[0], [4], [10]], [[8], [4], [20]]], np.uint8), 3, axis=2)
    assert halved(pixels)[..., 0].tolist() == [[4, 15]]


def test_what_was_asked_for_last_is_kept_as_far_as_there_is_room():
    made: list[str] = []

    def ask(name: str) -> Pyramid:
        return kept.of(name, lambda: made.append(name) or picture(6, 6))

    kept = Kept(room=2 * Pyramid(picture(6, 6)).room)
    for name in ("a", "b", "a", "c", "a", "b"):
        ask(name)
    assert made == ["a", "b", "c", "b"]
    kept.forget(lambda key: key == "a")
    ask("a")
    assert made[-1] == "a"


def test_one_that_has_no_room_is_shown_all_the_same():
    assert Kept(room=1).of("a", lambda: picture(6, 6)).size == (6, 6)


def test_a_picture_fits_and_is_never_enlarged():
    assert fitted(picture(100, 50), 10).shape == (10, 5, 3)
    assert fitted(picture(4, 5), 10).shape == (4, 5, 3)
    assert fitted(picture(300, 1), 10).shape == (10, 1, 3)


def test_16_bits_are_shown_by_their_upper_half_and_gray_in_three_channels():
    assert in_8_bits(np.array([[0, 255, 256, 65535]], np.uint16)).tolist() == [[[each] * 3 for each in (0, 0, 1, 255)]]


def test_png_keeps_every_pixel():
    pixels = picture(5, 7)
    assert (read(as_png(pixels)) == pixels).all()
