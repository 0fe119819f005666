"""What comes of a stack, written and told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from bridgetune import RequestError
from bridgetune.inference.stacks import LeftOut, StackFusion
from bridgetune.pictures import read_image


def fusion() -> StackFusion:
    index = np.array([[0, 0, 1, 1]], np.uint8)
    return StackFusion(
        pixels=np.arange(12, dtype=np.uint8).reshape(1, 4, 3),
        index=index,
        depth=index + np.float32(0.25),
        used=("a.jpg", "b.jpg"),
        left_out=(LeftOut("c.jpg", "it shows another scene"),),
        transforms=(np.eye(3), np.eye(3)),
        reference="b.jpg",
        area=(slice(2, 3), slice(0, 4)),
        gains=(np.array([1, 1.1, 1]), np.full(3, 1.001)),
    )


def test_the_picture_the_depth_and_its_colours_are_written(tmp_path: Path):
    out, depth, preview = tmp_path / "a.png", tmp_path / "depth.tif", tmp_path / "depth.png"
    fusion().save(out, str(depth), preview)
    assert np.array_equal(read_image(out).pixels, fusion().pixels)
    written = tifffile.imread(depth)
    assert written.dtype == np.float32
    assert np.array_equal(written, fusion().depth)
    assert read_image(preview).size == (1, 4)


def test_a_place_that_cannot_be_is_refused_before_anything_is_written(tmp_path: Path):
    for places in (("a.png", "depth.png", None), ("a.gif", None, None), ("a.png", None, "depth.webp"), ("a.tif",) * 2):
        with pytest.raises(RequestError):
            fusion().save(*(None if place is None else tmp_path / place for place in places))
        assert not list(tmp_path.iterdir())


def test_what_it_is_made_of_is_told_in_json():
    told = json.loads(json.dumps(fusion().as_dict()))
    assert told["size"] == {"width": 4, "height": 1}
    assert [(frame["name"], frame["share"]) for frame in told["used"]] == [("a.jpg", 0.5), ("b.jpg", 0.5)]
    assert [frame["gains"] for frame in told["used"]] == [[1, 1.1, 1], [1.001, 1.001, 1.001]]
    assert told["evened"] == ["a.jpg"], "what differs by a thousandth is left alone"
    assert told["left_out"] == [{"name": "c.jpg", "reason": "it shows another scene"}]
    assert told["area"] == {"left": 0, "top": 2, "right": 4, "bottom": 3}
    assert told["used"][0]["transform"] == [[1, 0, 0], [0, 1, 2], [0, 0, 1]], "from the picture's pixels"
