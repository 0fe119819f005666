"""Fusing stacks from frames to a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import bridgetune
from bridgetune import AdapterConfig, Evaluator, Generator, RequestError, StackConfig
from bridgetune.inference import asking
from bridgetune.inference.stacks import Progress
from bridgetune.pictures import Picture, write_image

PLAIN = StackConfig(align="none", blend="none")
ALONE = StackConfig(align="none", blend="none", measure="none", undecided="keep")


class Brighter(Generator):
    """The first image is in focus where it is brighter, and that for sure."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return 100 * (first - second).mean(1, keepdim=True)


class Sure(Generator):
    """As sure of the first image everywhere as it is told to be."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = logit

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.full_like(first[:, :1], self.logit)


def lit(frames: int = 4, kind: type[np.uint8 | np.uint16] = np.uint8) -> list[NDArray[np.uint8 | np.uint16]]:
    """Frames of one texture of which each is brighter in a band of columns of its own."""
    full = np.iinfo(kind).max
    texture = np.random.default_rng(0).integers(0, full // 2, (12, 5 * frames, 1), kind).repeat(3, 2)
    stack = np.stack([texture] * frames)
    for place, frame in enumerate(stack):
        frame[:, 5 * place : 5 * place + 5] += kind(full // 16)
    return list(stack)


def focused(frames: int = 4, side: int = 96) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8], NDArray[np.intp]]:
    """Frames of a texture of which each is sharp in a band of rows; the texture; and which frame is sharp where."""
    rng = np.random.default_rng(1)
    texture = rng.integers(0, 256, (side, side, 3)).astype(np.uint8)
    texture = cv2.GaussianBlur(texture, (0, 0), 0.8)
    bands = np.repeat(np.arange(frames), side // frames)[:, None].repeat(side, 1)
    stack = []
    for place in range(frames):
        blurs = [cv2.GaussianBlur(texture, (0, 0), max(1.5 * apart, 0.01)) for apart in range(frames)]
        stack.append(np.take_along_axis(np.stack(blurs), abs(bands - place)[None, ..., None], 0)[0])
    return stack, texture, bands


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_every_pixel_is_of_the_frame_that_is_sharpest_there(kind: type[np.uint8 | np.uint16]):
    frames = lit(kind=kind)
    fusion = bridgetune.fuse_stack(Brighter(), frames, ALONE)
    bands = np.repeat(np.arange(4), 5)[None].repeat(12, 0)
    assert np.array_equal(fusion.index, bands)
    assert np.array_equal(fusion.pixels, np.take_along_axis(np.stack(frames), bands[None, ..., None], 0)[0])
    assert fusion.pixels.dtype == kind
    assert fusion.used == ("frame 1", "frame 2", "frame 3", "frame 4")
    assert fusion.left_out == ()


def test_by_the_focus_measure_alone_every_pixel_is_of_the_sharpest_frame():
    frames, texture, bands = focused()
    fusion = bridgetune.fuse_stack(None, frames, PLAIN)
    inside = np.ones(bands.shape, bool)
    for seam in (24, 48, 72):
        inside[seam - 4 : seam + 4] = False
    assert np.array_equal(fusion.index[inside], bands[inside])
    assert np.array_equal(fusion.pixels[inside], texture[inside])
    assert np.array_equal(fusion.pixels, np.take_along_axis(np.stack(frames), fusion.index[None, ..., None], 0)[0])
    assert np.abs(fusion.depth - fusion.index).max() <= 0.5


def test_beside_the_measure_a_network_decides_where_neighbours_hardly_differ():
    frames, _, bands = focused()
    by_measure = bridgetune.fuse_stack(None, frames, PLAIN).index
    assert np.array_equal(bridgetune.fuse_stack(Sure(0), frames, PLAIN).index, by_measure)
    earlier, later = (bridgetune.fuse_stack(Sure(sign), frames, PLAIN).index for sign in (-5, 5))
    assert (earlier <= by_measure).all()
    assert (later >= by_measure).all()
    moved = (earlier != later).mean()
    assert 0 < moved < 0.1
    inside = np.abs(np.arange(96)[:, None] % 24 - 11.5).repeat(96, 1) < 6
    assert np.array_equal(later[inside], bands[inside])


def glowing() -> list[NDArray[np.uint8]]:
    """Frames, sharp in a band of columns each, and in the middle rows of noise of which none is sharp."""
    rng = np.random.default_rng(2)
    texture = rng.integers(0, 256, (150, 160, 3)).astype(np.float64)
    texture[50:100] = 128
    band = np.arange(160) * 5 // 160
    stack = [np.where((band == place)[:, None], texture, cv2.GaussianBlur(texture, (0, 0), 3)) for place in range(5)]
    for frame in stack:
        frame[60:90] = 128 + rng.normal(0, 3, (30, 160, 3))
    return [frame.clip(0, 255).astype(np.uint8) for frame in stack]


def test_what_is_undecided_follows_its_surroundings_and_the_share_is_told():
    frames = glowing()
    kept = bridgetune.fuse_stack(None, frames, StackConfig(align="none", undecided="keep"))
    fusion = bridgetune.fuse_stack(None, frames, StackConfig(align="none"))
    assert kept.undecided is None
    assert 0.1 < fusion.undecided < 0.3
    assert fusion.as_dict()["undecided"] == pytest.approx(fusion.undecided, abs=1e-6)
    band = np.arange(160) * 5 // 160
    wrong, few = (np.abs(one.depth[65:85] - band).mean() for one in (kept, fusion))
    assert few < wrong / 2
    decided = np.r_[0:50, 100:150]
    assert np.array_equal(fusion.index[decided], kept.index[decided])


def test_the_fast_way_leaves_undecided_places_alone_and_reads_frames_once_less():
    frames = glowing()
    steps: list[str] = []
    fast = bridgetune.fuse_stack(
        None, frames, StackConfig(align="none", quality="fast"), progress=lambda told: steps.append(told.step)
    )
    assert set(steps) == {"looking at frames", "fusing"}
    assert fast.undecided is None
    kept = bridgetune.fuse_stack(None, frames, StackConfig(align="none", undecided="keep"))
    assert np.array_equal(fast.pixels, kept.pixels)


def test_a_frame_that_is_left_out_leaves_the_picture_as_it_is_without_it():
    frames, texture, _ = focused()
    blurred = cv2.GaussianBlur(texture, (0, 0), 9)
    fusion = bridgetune.fuse_stack(None, [*frames[:2], blurred, *frames[2:]], PLAIN)
    assert np.array_equal(fusion.pixels, bridgetune.fuse_stack(None, frames, PLAIN).pixels)
    assert [frame.name for frame in fusion.left_out] == ["frame 3"]
    assert fusion.index.max() == 3
    assert fusion.used == ("frame 1", "frame 2", "frame 4", "frame 5")


def test_frames_whose_names_lie_are_ordered_by_their_depth():
    frames, _, _ = focused()
    config = StackConfig(align="none", blend="none", order="depth")
    fusion = bridgetune.fuse_stack(None, [frames[place] for place in (0, 2, 1, 3)], config)
    assert fusion.used == ("frame 1", "frame 3", "frame 2", "frame 4")
    assert np.array_equal(fusion.index, bridgetune.fuse_stack(None, frames, PLAIN).index)


def breathing(frames: int = 4) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Frames of a scene of which each is sharp in a band of rows, and larger by half a percent; and the scene."""
    rng = np.random.default_rng(1)
    fields = (cv2.GaussianBlur(rng.normal(0, 30 * size, (160, 200)), (0, 0), size) for size in (1, 3, 12))
    texture = (128 + sum(fields)[..., None].repeat(3, 2)).clip(0, 255).astype(np.uint8)
    stack = []
    for place in range(frames):
        blurred = cv2.GaussianBlur(texture, (0, 0), 2)
        rows = slice(160 // frames * place, 160 // frames * (place + 1))
        blurred[rows] = texture[rows]
        turn = cv2.getRotationMatrix2D((99.5, 79.5), 0, 1 + 0.005 * (place - frames // 2))
        stack.append(cv2.warpAffine(blurred, turn, (200, 160), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT))
    return stack, texture


def test_frames_are_aligned_to_the_reference_and_cropped_to_what_all_show():
    frames, texture = breathing()
    fusion = bridgetune.fuse_stack(None, frames, StackConfig(align="similarity"))
    rows, columns = fusion.area
    assert fusion.pixels.shape[:2] == (rows.stop - rows.start, columns.stop - columns.start)
    assert 150 <= fusion.pixels.shape[0] < 160
    errors = [
        np.abs(one.astype(float) - texture[rows, columns]).mean()
        for one in (
            fusion.pixels,
            bridgetune.fuse_stack(None, frames, StackConfig(align="none")).pixels[rows, columns],
        )
    ]
    assert errors[0] < 0.8 * errors[1]
    assert np.array_equal(fusion.transforms[2], np.eye(3))
    assert fusion.transforms[0][0, 0] == pytest.approx(0.99, abs=0.002)


def test_edges_that_are_kept_are_of_frames_that_hold_something():
    frames, texture = breathing()
    fusion = bridgetune.fuse_stack(None, frames, StackConfig(align="similarity", edges="keep", blend="none"))
    assert fusion.pixels.shape == texture.shape
    assert (fusion.index[-5, 5:-5] == 3).all()
    assert (fusion.index[-1] < 3).all()  # which the last frame, larger than the reference, does not show
    assert np.isfinite(fusion.depth).all()


def test_a_frame_that_cannot_be_registered_is_named_and_left_out():
    frames, _ = breathing()
    other = np.random.default_rng(5).integers(0, 256, frames[0].shape).astype(np.uint8)
    fusion = bridgetune.fuse_stack(None, [frames[0], other, *frames[1:]], StackConfig(align="similarity"))
    assert [(frame.name, frame.reason) for frame in fusion.left_out] == [
        ("frame 2", "it cannot be registered: it has too little in common with the others")
    ]
    assert np.array_equal(fusion.pixels, bridgetune.fuse_stack(None, frames, StackConfig(align="similarity")).pixels)


def test_a_transparent_part_of_a_frame_is_taken_from_another():
    frames, _, _ = focused()
    clear = np.full((96, 96), 255, np.uint8)
    clear[:12] = 0
    pictures = [Picture(frame, gray=False, alpha=clear if place == 0 else None) for place, frame in enumerate(frames)]
    fusion = bridgetune.fuse_stack(None, pictures, PLAIN)
    assert (fusion.index[:12] > 0).all()
    assert fusion.alpha is not None
    assert (fusion.alpha == 255).all()


@pytest.mark.parametrize("smooth", ["regions", "guided"])
def test_a_smoothed_field_has_no_islands_and_its_pixels_are_the_frames_own(smooth: str):
    frames, _, bands = focused()
    rng = np.random.default_rng(0)
    noisy = [(frame + rng.normal(0, 12, frame.shape)).clip(0, 255).astype(np.uint8) for frame in frames]
    config = StackConfig(align="none", blend="none", smooth=smooth)
    plain, fusion = bridgetune.fuse_stack(None, noisy, PLAIN), bridgetune.fuse_stack(None, noisy, config)
    assert (
        np.abs(np.diff(fusion.index.astype(int), axis=1)).sum()
        <= np.abs(np.diff(plain.index.astype(int), axis=1)).sum()
    )
    assert (fusion.index != bands).mean() < 0.1
    assert np.array_equal(fusion.pixels, np.take_along_axis(np.stack(noisy), fusion.index[None, ..., None], 0)[0])
    assert np.abs(fusion.depth - fusion.index).max() <= 0.5


def test_files_are_fused_as_what_they_hold_is(tmp_path: Path):
    frames = lit()
    places = [tmp_path / f"Blüte {number}.png" for number in range(4)]
    for place, frame in zip(places, frames, strict=True):
        write_image(place, frame)
    fusion = bridgetune.fuse_stack(Brighter(), places, ALONE)
    assert np.array_equal(fusion.pixels, bridgetune.fuse_stack(Brighter(), frames, ALONE).pixels)
    assert fusion.used[0] == "Blüte 0.png"
    assert fusion.reference == "Blüte 2.png"


def test_gray_frames_make_a_gray_picture_and_one_in_colour_makes_a_coloured_one():
    gray = [frame[..., 0] for frame in lit()]
    assert bridgetune.fuse_stack(Brighter(), gray, ALONE).pixels.shape == (12, 20)
    assert bridgetune.fuse_stack(Brighter(), [*gray[:3], lit()[3]], ALONE).pixels.shape == (12, 20, 3)


def test_one_deep_frame_makes_a_deep_picture():
    frames = lit()
    mixed = [frames[0], frames[1].astype(np.uint16) * 257, *frames[2:]]
    fusion = bridgetune.fuse_stack(Brighter(), mixed, ALONE)
    assert np.array_equal(
        fusion.pixels, bridgetune.fuse_stack(Brighter(), frames, ALONE).pixels.astype(np.uint16) * 257
    )


def test_each_pair_of_neighbours_is_asked_once_and_no_fused_picture_is():
    asked: list[tuple[float, float]] = []

    class Noting(Brighter):
        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            asked.append((float(first.sum()), float(second.sum())))
            return super().forward(first, second)

    frames = focused()[0]
    bridgetune.fuse_stack(Noting(), frames, PLAIN)
    sums = [frame.sum(dtype=np.int64) / 255 for frame in frames]
    assert np.allclose(asked, [sums[1::-1], sums[2:0:-1], sums[3:1:-1]], rtol=1e-4)


class Brightest(nn.Module):
    """Of any number of images, how bright each is; it tells how many it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[int] = []

    def forward(self, images: list[Tensor]) -> Tensor:
        self.shown.append(len(images))
        return 100 * torch.cat([image.mean(1, keepdim=True) for image in images], 1)


@pytest.mark.parametrize("most", [4 * 12 * 20, 4 * 12 * 20 - 1])
def test_a_network_of_any_number_of_images_is_shown_all_frames_at_once_where_they_fit(
    most: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(asking, "TOGETHER", most)
    network = Brightest()
    generator = bridgetune.wrap(network, AdapterConfig(call="list", frames="any", output="softmax"))
    for config in (ALONE, PLAIN):
        network.shown.clear()
        fusion = bridgetune.fuse_stack(generator, lit(), config)
        assert network.shown == ([4] if most == 4 * 12 * 20 else [2, 2, 2])
        if config == ALONE:
            assert np.array_equal(fusion.index, np.repeat(np.arange(4), 5)[None].repeat(12, 0))


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7, 8])
def test_an_evaluator_fuses_neighbours_and_then_what_has_become_of_them(count: int):
    lighter = Evaluator("lighter", lambda first, second: torch.maximum(first, second))
    frames = lit(count)
    fusion = bridgetune.fuse_stack(lighter, frames, PLAIN)
    assert np.array_equal(fusion.pixels, np.max(frames, axis=0))
    assert fusion.index is None
    assert fusion.depth is None
    calls: list[int] = []

    def half(first: Tensor, second: Tensor) -> Tensor:
        calls.append(1)
        return (first + second) / 2

    mean = bridgetune.fuse_stack(Evaluator("half", half), frames, PLAIN).pixels
    assert len(calls) == count - 1
    fewest = 2.0 ** -np.ceil(np.log2(count))  # what any frame counts for
    assert (mean >= sum(fewest * frame.astype(float) for frame in frames) - count).all()
    if count in (2, 4, 8):
        np.testing.assert_allclose(mean, np.mean(frames, axis=0), atol=2)


def test_progress_is_told_frame_by_frame():
    told: list[Progress] = []
    bridgetune.fuse_stack(Brighter(), lit(), ALONE, progress=told.append)
    assert [(one.step, one.done) for one in told] == [
        *(("looking at frames", done) for done in (1, 2, 3, 4)),
        *(("fusing", done) for done in (1, 2, 3, 4)),
    ]
    assert {one.total for one in told} == {4}


@pytest.mark.parametrize(("asked", "found"), [("first", 1), ("middle", 3), ("last", 4), ("frame 2", 2)])
def test_the_reference_is_named_by_place_or_name(asked: str, found: int):
    config = StackConfig(align="none", reference=asked)
    assert bridgetune.fuse_stack(Brighter(), lit(), config).reference == f"frame {found}"


def test_a_frame_that_is_left_out_cannot_be_the_reference():
    frames = lit()
    with pytest.raises(RequestError, match=r"reference: frame 5 is left out, it repeats frame 1; name another"):
        bridgetune.fuse_stack(Brighter(), [*frames, frames[0]], StackConfig(align="none", reference="frame 5"))


def test_what_is_no_stack_is_refused_in_a_line(tmp_path: Path):
    frames = lit()
    with pytest.raises(RequestError, match="got 1 frames, expected two or more"):
        bridgetune.fuse_stack(Brighter(), frames[:1])
    with pytest.raises(RequestError, match=r"got 'frame 9', expected first, middle, last or one of frame 1, frame 2"):
        bridgetune.fuse_stack(Brighter(), frames, StackConfig(reference="frame 9"))
    with pytest.raises(RequestError, match=r"of 2 frames 1 can be used.*frame 2: it is 19×12, not 20×12 as the others"):
        bridgetune.fuse_stack(Brighter(), [frames[0], frames[3][:, :19]])
    with pytest.raises(RequestError, match="frame 2: got float64 of shape"):
        bridgetune.fuse_stack(Brighter(), [frames[0], frames[1] / 255])
    with pytest.raises(RequestError, match="got files and pictures, expected one or the other"):
        bridgetune.fuse_stack(Brighter(), [frames[0], tmp_path / "a.png"])


@pytest.mark.parametrize(("quality", "asked"), [("auto", 2), ("fast", 1), ("good", 2), ("best", 32)])
def test_the_quality_says_how_often_a_network_is_asked_about_neighbours(quality: Any, asked: int):
    class Counting(nn.Module):
        asked = 0

        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            self.asked += len(first)
            return first[:, :1] - second[:, :1]

    network, frames = Counting(), lit()
    generator = bridgetune.wrap(network, bridgetune.AdapterConfig(symmetric=True))
    bridgetune.fuse_stack(generator, frames, ALONE.model_copy(update={"quality": quality}))
    assert network.asked == asked * (len(frames) - 1)


def test_frames_whose_order_says_nothing_of_their_depth_are_told_of():
    frames, _, _ = focused(6)
    mixed = [frames[place] for place in (3, 0, 4, 1, 5, 2)]
    assert not bridgetune.fuse_stack(None, frames, PLAIN).astray
    assert bridgetune.fuse_stack(None, mixed, PLAIN).astray
    assert not bridgetune.fuse_stack(None, mixed, PLAIN.model_copy(update={"order": "depth"})).astray
