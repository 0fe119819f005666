"""Fusing stacks from frames to a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

import bridgetune
from bridgetune import Evaluator, Generator, RequestError, StackConfig
from bridgetune.inference.stacks import Progress
from bridgetune.pictures import write_image

FLAT = StackConfig(align="none", blend="none")
KEPT = StackConfig(align="none", blend="none", undecided="keep")


class Brighter(Generator):
    """The first image is in focus where it is brighter, and that for sure."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return 100 * (first - second).mean(1, keepdim=True)


def lit(frames: int = 4, kind: type[np.uint8 | np.uint16] = np.uint8) -> list[NDArray[np.uint8 | np.uint16]]:
    """Frames of noise of which each is brightest in a band of columns of its own."""
    full = np.iinfo(kind).max
    stack = np.random.default_rng(0).integers(0, full // 4, (frames, 12, 5 * frames, 3), kind)
    for place, frame in enumerate(stack):
        frame[:, 5 * place : 5 * place + 5] += kind(full // 2)
    return list(stack)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_every_pixel_is_of_the_frame_that_is_sharpest_there(kind: type[np.uint8 | np.uint16]):
    frames = lit(kind=kind)
    fusion = bridgetune.fuse_stack(Brighter(), frames, KEPT)
    bands = np.repeat(np.arange(4), 5)[None].repeat(12, 0)
    assert np.array_equal(fusion.index, bands)
    assert np.array_equal(fusion.pixels, np.take_along_axis(np.stack(frames), bands[None, ..., None], 0)[0])
    assert fusion.pixels.dtype == kind
    assert fusion.used == ("frame 1", "frame 2", "frame 3", "frame 4")
    assert fusion.left_out == ()


def test_files_are_fused_as_what_they_hold_is(tmp_path: Path):
    frames = lit()
    places = [tmp_path / f"Blüte {number}.png" for number in range(4)]
    for place, frame in zip(places, frames, strict=True):
        write_image(place, frame)
    fusion = bridgetune.fuse_stack(Brighter(), places, KEPT)
    assert np.array_equal(fusion.pixels, bridgetune.fuse_stack(Brighter(), frames, KEPT).pixels)
    assert fusion.used[0] == "Blüte 0.png"
    assert fusion.reference == "Blüte 2.png"


def test_gray_frames_make_a_gray_picture_and_one_in_colour_makes_a_coloured_one():
    gray = [frame[..., 0] for frame in lit()]
    assert bridgetune.fuse_stack(Brighter(), gray, KEPT).pixels.shape == (12, 20)
    assert bridgetune.fuse_stack(Brighter(), [*gray[:3], lit()[3]], KEPT).pixels.shape == (12, 20, 3)


def test_one_deep_frame_makes_a_deep_picture():
    frames = lit()
    mixed = [frames[0], frames[1].astype(np.uint16) * 257, *frames[2:]]
    fusion = bridgetune.fuse_stack(Brighter(), mixed, KEPT)
    assert np.array_equal(fusion.pixels, bridgetune.fuse_stack(Brighter(), frames, KEPT).pixels.astype(np.uint16) * 257)


def test_each_pair_of_neighbours_is_asked_once_and_no_fused_picture_is():
    asked: list[tuple[float, float]] = []

    class Noting(Brighter):
        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            asked.append((float(first.mean()), float(second.mean())))
            return super().forward(first, second)

    frames = [np.full((4, 4, 3), 51 * level, np.uint8) for level in range(4)]
    bridgetune.fuse_stack(Noting(), frames, KEPT)
    assert np.allclose(asked, [(0.2, 0.0), (0.4, 0.2), (0.6, 0.4)])


def test_an_evaluators_pictures_are_fused_one_after_the_other():
    lighter = Evaluator("lighter", lambda first, second: torch.maximum(first, second))
    frames = lit()
    fusion = bridgetune.fuse_stack(lighter, frames, FLAT)
    assert np.array_equal(fusion.pixels, np.max(frames, axis=0))
    assert fusion.index is None
    assert fusion.depth is None


def test_progress_is_told_frame_by_frame():
    told: list[Progress] = []
    bridgetune.fuse_stack(Brighter(), lit(), KEPT, progress=told.append)
    assert [one.done for one in told] == [1, 2, 3, 4]
    assert {one.total for one in told} == {4}


@pytest.mark.parametrize(("asked", "found"), [("first", 1), ("middle", 3), ("last", 4), ("frame 2", 2)])
def test_the_reference_is_named_by_place_or_name(asked: str, found: int):
    config = StackConfig(align="none", reference=asked)
    assert bridgetune.fuse_stack(Brighter(), lit(), config).reference == f"frame {found}"


def test_what_is_no_stack_is_refused_in_a_line():
    frames = lit()
    with pytest.raises(RequestError, match="got 1 frames, expected two or more"):
        bridgetune.fuse_stack(Brighter(), frames[:1])
    with pytest.raises(RequestError, match=r"got 'frame 9', expected first, middle, last or one of frame 1, frame 2"):
        bridgetune.fuse_stack(Brighter(), frames, StackConfig(reference="frame 9"))
    with pytest.raises(RequestError, match="frame 4 is 19×12; leave it out"):
        bridgetune.fuse_stack(Brighter(), [*frames[:3], frames[3][:, :19]])
    with pytest.raises(RequestError, match="frame 2: got float64 of shape"):
        bridgetune.fuse_stack(Brighter(), [frames[0], frames[1] / 255])
