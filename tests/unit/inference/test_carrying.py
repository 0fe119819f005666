"""What a fused image has of its sources: metadata of the first, transparency by the map."""

from __future__ import annotations

import numpy as np

from bridgetune.inference.carrying import carried, disagreements, fused_alpha
from bridgetune.pictures import Calibration, Metadata, Picture

PIXELS = np.zeros((2, 2, 3), np.uint8)


def picture(**metadata: object) -> Picture:
    return Picture(PIXELS, gray=False, metadata=Metadata(**metadata))


def test_each_part_is_the_firsts_or_the_seconds_where_the_first_has_none():
    first = picture(resolution=(300, 300), broken=("Exif",))
    second = picture(resolution=(72, 72), profile=b"profile")
    assert carried(first, second) == Metadata(resolution=(300, 300), profile=b"profile")
    assert carried(picture(), picture()) == Metadata()


def test_a_profile_that_one_of_both_lacks_and_anything_that_differs_is_named():
    assert list(disagreements(picture(profile=b"a"), picture(profile=b"a"))) == []
    assert list(disagreements(picture(profile=b"a"), picture())) == ["colour profile"]
    one, other = (picture(resolution=(dots, dots), calibration=Calibration((dots, 1), "µm")) for dots in (72, 300))
    assert list(disagreements(one, other)) == ["resolution", "calibration"]
    assert list(disagreements(one, picture())) == []


def test_transparency_is_taken_as_the_pixels_are_or_the_more_opaque():
    alpha = np.array([[0, 100], [200, 255]], np.uint8)
    decision = np.array([[1, 0], [1, 0]], np.float32)
    assert fused_alpha((None, None), decision) is None
    assert fused_alpha((alpha, None), decision).tolist() == [[0, 255], [200, 255]]
    assert fused_alpha((alpha, 255 - alpha), None).tolist() == [[255, 155], [200, 255]]
    assert fused_alpha((alpha, 255 - alpha), np.full((2, 2), 0.5, np.float32)).dtype == np.uint8
