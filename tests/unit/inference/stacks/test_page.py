"""What came of a stack as a page."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from bridgetune.config import StackConfig
from bridgetune.inference import fuse_stack
from bridgetune.inference.stacks.page import stack_page
from bridgetune.pictures import HeldFrames


@pytest.mark.parametrize("deep", [np.uint8, np.uint16])
def test_the_picture_is_beside_a_frame_and_its_depth_and_every_frame_is_told_of(deep: type):
    rng = np.random.default_rng(0)
    sharp = rng.integers(0, 256, (96, 128, 3)).astype(deep) * (np.iinfo(deep).max // 255)
    frames = [sharp.copy(), sharp.copy(), np.full_like(sharp, 120)]
    blurred = cv2.GaussianBlur(sharp, (0, 0), 2)
    frames[0][:, 64:], frames[1][:, :64] = blurred[:, 64:], blurred[:, :64]
    held = HeldFrames(frames)
    fusion = fuse_stack(None, held, StackConfig(align="none"))
    told = fusion.as_dict() | {"seconds": 1.25}
    for one in told["used"]:
        one["displacement"] = 0.0
    made = stack_page("<beetle>", fusion, held, told)
    assert "<h1>&lt;beetle&gt;</h1>" in made
    sides = re.findall(r"<span>◂ (.*?)</span><span>drag the line</span><span>(.*?) ▸</span>", made)
    assert sides[0] == (f"one frame, {fusion.reference}", "fused")
    assert sides[1][0] == "fused"
    for name in fusion.used:
        assert f">{name}</td>" in made
    assert fusion.left_out
    for frame in fusion.left_out:
        assert f">{frame.name}</td>" in made.partition("<h2>Left out</h2>")[2]
    assert f"{fusion.pixels.shape[1]}×{fusion.pixels.shape[0]} pixels" in made
