"""Pictures as a page holds them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from bridgetune.pages.pictures import shown


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_a_map_is_kept_to_a_level(kind: type):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    given = {np.uint8: levels, np.uint16: levels.astype(np.uint16) * 257, np.float32: levels / np.float32(255)}[kind]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(shown(given)))), levels)


def test_a_picture_is_a_small_file_that_looks_the_same():
    rows, columns = np.mgrid[:64, :64]
    pixels = np.stack([rows * 4, columns * 4, rows + columns], -1).astype(np.uint8)
    found = shown(pixels)
    image = Image.open(io.BytesIO(found))
    assert image.format == "JPEG"
    assert np.abs(np.asarray(image).astype(int) - pixels).mean() < 2
