"""What registration is made of: reduced pictures, details, correlation, features."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bridgetune.pictures._matching import (
    agreement_at,
    by_features,
    correlated,
    correlation_at,
    details,
    laid,
    margin,
    reduced,
)
from bridgetune.pictures.transforms import IDENTITY, Transform, shift


def scene(height: int = 120, width: int = 160) -> np.ndarray:
    random = np.random.default_rng(0)
    sums = np.zeros((height, width), np.float32)
    for side in (4, 8, 16, 40):
        noise = random.uniform(0, 1, (height // side + 1, width // side + 1)).astype(np.float32)
        sums += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return sums / 4


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_reduced_pictures_are_means_of_squares_in_shares_of_full_scale(kind: type):
    full = np.iinfo(kind).max
    pixels = np.random.default_rng(0).integers(0, full, (13, 17, 3)).astype(kind)
    found = reduced(pixels, 3)
    means = pixels[:12, :15].reshape(4, 3, 5, 3, 3).mean((1, 3)) / full
    assert found.shape == (4, 5, 3)
    assert found == pytest.approx(means, abs=0.51 / full)
    assert reduced(pixels, 1) == pytest.approx(pixels / full)


def test_details_have_one_contrast_where_the_picture_has_several():
    contrast = np.where(np.arange(160) < 80, 0.2, 1).astype(np.float32)
    found = details((scene() - 0.5) * contrast)
    assert found.shape == (120 - 2 * margin((120, 160)), 160 - 2 * margin((120, 160)))
    middle = found.shape[1] // 2
    assert found[:, : middle - 10].std() > 0.5 * found[:, middle + 10 :].std()


def test_a_picture_is_laid_upon_its_shifted_self():
    whole = scene(200, 240)
    found, correlation = laid(whole[30:150, 40:200], whole[20:140, 60:220])
    assert found.places(np.array([[80.0, 60]])) == pytest.approx(np.array([[60.0, 70]]), abs=0.1)
    assert correlation > 0.95


def test_correlation_is_of_what_both_show():
    whole = scene(130, 160)
    assert correlation_at(whole[:120], whole[10:], shift(0, -10)) == pytest.approx(1)
    assert correlation_at(whole[:120], whole[10:], IDENTITY) < 0.9
    assert correlation_at(whole, whole, shift(500, 0)) == 0


def test_what_cannot_be_correlated_is_not():
    even = np.zeros((50, 60), np.float32)
    assert correlated(even, even, IDENTITY, "affine") is None
    assert correlated(scene(), scene(), shift(900, 0), "affine") is None


def test_features_find_a_picture_however_it_is_turned_and_too_few_find_nothing():
    image = scene()
    upside_down = Transform(np.array([[-1.0, 0, 159], [0, -1, 119], [0, 0, 1]]))
    found = by_features(image, np.ascontiguousarray(image[::-1, ::-1]))
    corners = np.array([[0.0, 0], [159, 119]])
    assert found.places(corners) == pytest.approx(upside_down.places(corners), abs=1)
    assert by_features(image, np.zeros_like(image)) is None


def test_what_is_blurred_and_displaced_in_one_has_no_say_in_agreement():
    whole = scene(160, 240)
    blurred = cv2.GaussianBlur(whole, (0, 0), 6)
    first = np.where(np.arange(240) < 120, whole, blurred)
    second = np.where(np.arange(240) < 120, whole, np.roll(whole, 3, 1))
    fine = details(first), details(second)
    assert agreement_at(*fine, IDENTITY) > agreement_at(*fine, shift(3, 0))
    assert agreement_at(*fine, IDENTITY) > agreement_at(*fine, shift(1.5, 0))
    assert agreement_at(fine[0], fine[0], IDENTITY) == pytest.approx(1, abs=0.001)
    assert agreement_at(*fine, shift(900, 0)) == 0
