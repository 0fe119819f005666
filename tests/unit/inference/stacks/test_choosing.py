"""Which frames a stack is made of."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bridgetune import RequestError, StackConfig
from bridgetune.inference.stacks.choosing import choose
from bridgetune.pictures import HeldFrames, Picture, UnreadableFrameError

STILL = StackConfig(align="none")


def frames(seed: int = 0, count: int = 3) -> list[np.ndarray]:
    """Of a scene whose things are sharp in one band of rows after the other."""
    rng = np.random.default_rng(seed)
    fields = (cv2.GaussianBlur(rng.normal(0, 30 * size, (90, 90)), (0, 0), size) for size in (0.8, 3, 12))
    sharp = (128 + sum(fields)[..., None].repeat(3, 2)).clip(0, 255).astype(np.uint8)
    blurs = np.stack([sharp, *(cv2.GaussianBlur(sharp, (0, 0), 1.0 + apart) for apart in range(1, count))])
    bands = np.arange(90)[:, None].repeat(90, 1) * count // 90
    return [np.take_along_axis(blurs, abs(bands - place)[None, ..., None], 0)[0] for place in range(count)]


def test_frames_that_go_together_are_taken_in_their_order():
    chosen, _ = choose(HeldFrames(frames()), STILL)
    assert chosen.places == (0, 1, 2)
    assert chosen.left_out == ()
    assert (chosen.gray, chosen.bits) == (False, 8)
    assert chosen.noise > 0


def test_each_misfit_is_left_out_with_its_reason():
    good = frames()
    smaller, other, dull = good[0][:80], frames(5)[1], cv2.GaussianBlur(good[0], (0, 0), 8)
    chosen, _ = choose(HeldFrames([*good, smaller, good[1], other, dull]), STILL)
    assert chosen.places == (0, 1, 2)
    assert {frame.name: frame.reason for frame in chosen.left_out} == {
        "frame 4": "it is 90×80, not 90×90 as the others",
        "frame 5": "it repeats frame 2",
        "frame 6": "it shows another scene",
        "frame 7": "it is nowhere sharp",
    }


class Damaged(HeldFrames):
    """Frames of which the first has no size, and the third shows when it is read that it is damaged."""

    def size(self, index: int) -> tuple[int, int]:
        if index == 0:
            raise UnreadableFrameError("a.png", "no header")
        return super().size(index)

    def read(self, index: int) -> Picture:
        if index == 2:
            raise UnreadableFrameError("c.png", "cut off")
        return super().read(index)


def test_what_cannot_be_read_is_left_out_where_the_stack_can_do_without():
    good = frames()
    chosen, _ = choose(Damaged([good[0], good[0], good[1], good[1][:80], good[2]]), STILL)
    assert chosen.places == (1, 4)
    assert [(frame.name, frame.reason) for frame in chosen.left_out] == [
        ("frame 1", "no header"),
        ("frame 3", "cut off"),
        ("frame 4", "it is 90×80, not 90×90 as the others"),
    ]
    with pytest.raises(RequestError, match=r"of 3 frames 1 can be used, .*frame 1: no header; frame 3: cut off"):
        choose(Damaged(good), STILL)


def test_a_first_frame_of_another_scene_does_not_drive_the_others_out():
    chosen, _ = choose(HeldFrames([frames(5)[0], *frames()]), STILL)
    assert chosen.places == (1, 2, 3)


def test_too_few_that_remain_are_refused_with_the_reasons():
    one = frames()[0]
    with pytest.raises(RequestError, match=r"of 2 frames 1 can be used, expected two or more \(frame 2: it repeats"):
        choose(HeldFrames([one, one]), STILL)


def test_the_order_is_measured_where_that_is_asked_for():
    stack = frames(count=6)
    mixed = [stack[place] for place in (0, 3, 1, 4, 2, 5)]
    assert choose(HeldFrames(mixed), STILL)[0].places == (0, 1, 2, 3, 4, 5)
    config = StackConfig(align="none", order="depth")
    assert choose(HeldFrames(mixed), config)[0].places in ((0, 2, 4, 1, 3, 5), (5, 3, 1, 4, 2, 0))
