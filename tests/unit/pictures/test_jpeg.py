"""JPEG that is cut off, with and without an end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridgetune.errors import RequestError
from bridgetune.pictures import image_size, read_image
from tests.support.hostile import encoded

END = b"\xff\xd9"


@pytest.fixture
def noise(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, (96, 96, 3), np.uint8)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("end", [b"", END], ids=["without an end", "with one"])
@pytest.mark.parametrize("keep", [0.4, 0.7, 0.95])
def test_a_jpeg_whose_last_pixels_are_missing_is_refused(
    tmp_path: Path, noise: np.ndarray, progressive: bool, end: bytes, keep: float
):
    whole = encoded(noise, "JPEG", progressive=progressive)
    (tmp_path / "a.jpg").write_bytes(whole)
    read_image(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").write_bytes(whole[: int(len(whole) * keep)] + end)
    with pytest.raises(RequestError, match="cannot be read"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": "4:4:4"}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("gray", [False, True])
def test_a_jpeg_that_ends_in_one_colour_is_read(tmp_path: Path, noise: np.ndarray, options: dict, gray: bool):
    noise[48:] = 90
    whole = encoded(noise[..., 0] if gray else noise, "JPEG", **options)
    (tmp_path / "a.jpg").write_bytes(whole + b"what a camera leaves behind the end")
    assert np.abs(read_image(tmp_path / "a.jpg").pixels[-1].astype(int) - 90).max() <= 2


def test_segments_that_say_nothing_of_pixels_are_passed_over(tmp_path: Path, noise: np.ndarray):
    whole = encoded(noise, "JPEG")
    broken = b"\xff\xe1\0\x10Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff\xe2\0\x10ICC_PROFILE\0\5\xff" + b"\xff\xed\0\x04PS"
    (tmp_path / "a.jpg").write_bytes(whole[:2] + broken + whole[2:])
    (tmp_path / "b.jpg").write_bytes(whole)
    np.testing.assert_array_equal(read_image(tmp_path / "a.jpg").pixels, read_image(tmp_path / "b.jpg").pixels)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: data[:2] + b"\xff\xe1\0\2" * 10_000 + data[2:], "more than .* segments"),
        (lambda data: data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 200 + END, "more than 100 scans"),
        (lambda data: b"\xff\xd8" + b"\xff" * 5000, "cut off"),
        (lambda data: data[:2] + END, "it has no pixels"),
        (lambda data: data[: data.index(b"\xff\xda")], "cut off"),
        (lambda data: data.replace(b"\xff\xc2", b"\xff\xc3"), "process 3"),
    ],
)
def test_a_jpeg_that_does_not_add_up_is_refused(tmp_path: Path, noise: np.ndarray, change, said: str):
    (tmp_path / "a.jpg").write_bytes(change(encoded(noise, "JPEG", progressive=True)))
    with pytest.raises(RequestError, match=said):
        read_image(tmp_path / "a.jpg")


def test_the_size_is_that_of_the_frame(tmp_path: Path, noise: np.ndarray):
    (tmp_path / "a.jpg").write_bytes(encoded(noise[:50], "JPEG"))
    assert image_size(tmp_path / "a.jpg") == (50, 96)
