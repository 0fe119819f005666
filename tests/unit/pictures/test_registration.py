"""A frame's place, size, rotation, shear and perspective upon another are found, whatever is sharp in either."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from bridgetune.pictures import read_image
from bridgetune.pictures.registration import (
    Alignment,
    Compared,
    Registration,
    Transform,
    chained,
    register,
    registered,
    warped,
)
from bridgetune.pictures.transforms import IDENTITY, shift, spread

Frame = NDArray[np.uint8]
SIZE = HEIGHT, WIDTH = 360, 480
AROUND = 60


def painted(seed: int = 0, around: int = AROUND) -> NDArray[np.float32]:
    """Blotches of all sizes, with something around the picture."""
    random = np.random.default_rng(seed)
    height, width = HEIGHT + 2 * around, WIDTH + 2 * around
    sums = np.zeros((height, width, 3), np.float32)
    for side in (4, 8, 16, 32, 100):
        noise = random.uniform(0, 255, (height // side + 1, width // side + 1, 3)).astype(np.float32)
        sums += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    return (sums / 5 * 0.7 + 20).clip(0, 255)


SCENE = painted()


def shown(transform: Transform, blur: float = 0, left: float = 0, right: float = 1, noise: float = 1) -> Frame:
    """The scene as a frame shows it, of focus between two shares of its width."""
    around = shift(AROUND, AROUND)
    ahead = (around @ transform.inverse()).matrix
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    frame = cv2.warpPerspective(SCENE, ahead, (WIDTH, HEIGHT), flags=how, borderMode=cv2.BORDER_REFLECT)
    if blur:
        blurred = cv2.GaussianBlur(frame, (0, 0), blur)
        columns = np.arange(WIDTH)[:, None] / WIDTH
        frame = np.where((columns >= left) & (columns < right), blurred, frame)
    frame = frame + np.random.default_rng(int(left * 8)).normal(0, noise, frame.shape)
    return frame.clip(0, 255).round().astype(np.uint8)


def about_the_centre(
    scale: float = 1, turn: float = 0, right: float = 0, down: float = 0, shear: float = 0, bend: float = 0
) -> Transform:
    cosine, sine = scale * math.cos(math.radians(turn)), scale * math.sin(math.radians(turn))
    middle = shift((WIDTH - 1) / 2, (HEIGHT - 1) / 2)
    moved = Transform(np.array([[cosine + shear, -sine, right], [sine, cosine - shear, down], [bend, bend / 2, 1]]))
    return middle @ moved @ middle.inverse()


def apart(found: Registration | None, truth: Transform, size: tuple[int, int] = SIZE) -> float:
    """Pixels, root mean square over the picture."""
    assert found is not None
    points = spread(size)
    return float(np.sqrt(((found.transform.places(points) - truth.places(points)) ** 2).sum(1).mean()))


KINDS = {
    "translation": {"right": 6.3, "down": -4.6},
    "similarity": {"scale": 1.02, "turn": 0.8, "right": 6.3, "down": -4.6},
    "affine": {"scale": 1.02, "turn": 0.8, "right": 6.3, "shear": 0.012},
    "homography": {"scale": 1.02, "turn": 0.8, "right": 6.3, "shear": 0.012, "bend": 8e-5},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blur", [0, 4], ids=["sharp", "each half out of focus in one"])
def test_what_frames_differ_by_is_found_within_a_tenth_of_a_pixel_by_the_simplest_model(kind: str, blur: float):
    truth = about_the_centre(**KINDS[kind])
    found = register(shown(IDENTITY, blur, 0, 0.5), shown(truth, blur, 0.5, 1))
    assert apart(found, truth) < 0.1
    assert found.model == kind
    assert found.correlation > 0.8 > found.unaligned


@settings(max_examples=8, deadline=None)
@given(st.floats(0.96, 1.04), st.floats(-2, 2), st.floats(-20, 20), st.floats(-20, 20), st.sampled_from([0, 2, 5]))
@example(0.99609375, 0, 0, 0, 5)
def test_any_similarity_is_found_within_a_tenth_of_a_pixel(
    scale: float, turn: float, right: float, down: float, blur: float
):
    """By itself, but for less than a pixel where nothing is sharp in both."""
    truth = about_the_centre(scale, turn, right, down)
    frames = shown(IDENTITY, blur, 0, 0.5), shown(truth, blur, 0.5, 1)
    found = register(*frames)
    if blur == 5 and truth.displacement(SIZE) < 1 and found.transform.is_identity:
        found = register(*frames, "similarity")
    assert apart(found, truth) < 0.1


@pytest.mark.parametrize("blurs", [(0, 0), (0, 3), (5, 5), (3, 6)])
def test_frames_that_differ_in_sharpness_alone_are_left_as_they_are(blurs: tuple[float, float]):
    found = register(shown(IDENTITY, blurs[0], 0, 0.5), shown(IDENTITY, blurs[1], 0.5, 1))
    assert found.transform.is_identity
    assert found.model == "identity"
    assert found.correlation == found.unaligned


def test_frames_out_of_focus_in_all_places_are_registered():
    truth = about_the_centre(0.99, 0.3, -3.2, 2.1)
    assert apart(register(shown(IDENTITY, 3, 0, 1), shown(truth, 5, 0, 1)), truth) < 0.1


@pytest.mark.parametrize(
    "truth",
    [about_the_centre(turn=20), about_the_centre(turn=180), about_the_centre(1.3), about_the_centre(right=150)],
    ids=["turned", "upside down", "larger", "far away"],
)
def test_frames_that_lie_far_apart_are_found(truth: Transform):
    assert apart(register(shown(IDENTITY), shown(truth)), truth) < 0.2


def test_sides_of_a_frame_may_differ_from_the_references():
    whole = shown(about_the_centre(1.01, right=2))
    found = register(shown(IDENTITY), np.ascontiguousarray(whole[:-11, 7:]))
    assert apart(found, shift(-7, 0) @ about_the_centre(1.01, right=2)) < 0.1


def test_large_frames_are_compared_reduced_and_found_in_their_own_pixels():
    large = [
        cv2.resize(frame, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
        for frame in (shown(IDENTITY), shown(about_the_centre(1.01, 0.2, 3, 1)))
    ]
    truth = about_the_centre(1.01, 0.2, 3, 1).enlarged(3)
    assert apart(register(*large), truth, (3 * HEIGHT, 3 * WIDTH)) < 0.1


def test_pictures_that_are_prepared_are_registered_as_they_are_themselves():
    reference, frame, small = shown(IDENTITY), shown(about_the_centre(1.01, 0.3, 2)), np.zeros((23, 400, 3), np.uint8)
    found = registered(Compared.of(reference), Compared.of(frame))
    expected = register(reference, frame)
    assert found is not None
    assert expected is not None
    assert np.array_equal(found.transform.matrix, expected.transform.matrix)
    assert np.array_equal(found.gains, expected.gains)
    assert found.model == expected.model == "similarity"
    assert Compared.of(small) is None
    assert registered(Compared.of(reference), Compared.of(small)) is None


@pytest.mark.parametrize("model", ["translation", "similarity", "affine", "homography"])
def test_a_model_that_is_asked_for_is_fitted(model: Alignment):
    truth = about_the_centre(right=4, down=2)
    found = register(shown(IDENTITY), shown(truth), model)
    assert found.model == model
    assert apart(found, truth) < 0.1


def test_by_none_only_brightness_is_measured():
    darker = (shown(about_the_centre(right=4)) * np.array([0.8, 0.9, 1])).astype(np.uint8)
    found = register(shown(IDENTITY), darker, "none")
    assert found.transform.is_identity
    assert found.correlation == found.unaligned < 0.9
    assert found.gains == pytest.approx([1.25, 1.11, 1], rel=0.03)


def test_brightness_is_measured_a_channel_in_the_place_of_the_scene():
    truth = about_the_centre(1.02, right=9)
    frame = (shown(truth, 4, 0.5, 1) * np.array([0.8, 0.9, 1.05])).clip(0, 255).round().astype(np.uint8)
    found = register(shown(IDENTITY, 4, 0, 0.5), frame)
    assert apart(found, truth) < 0.1
    assert found.gains == pytest.approx([1 / 0.8, 1 / 0.9, 1 / 1.05], rel=0.01)


def test_eight_bits_are_registered_upon_sixteen():
    truth = about_the_centre(right=4, down=2)
    found = register(shown(IDENTITY).astype(np.uint16) * 257, shown(truth))
    assert apart(found, truth) < 0.1
    assert found.gains == pytest.approx(1, abs=0.005)


@pytest.mark.parametrize(
    "frames",
    [
        (painted(0, 0), painted(1, 0)),
        (np.full((*SIZE, 3), 90), np.full((*SIZE, 3), 120)),
        (np.zeros((*SIZE, 3)), painted(0, 0)),
        (painted(0, 0)[:20], painted(0, 0)[:20]),
        (np.full((30, 20_000, 3), 90), np.full((30, 20_000, 3), 90)),
        tuple(np.random.default_rng(seed).integers(0, 256, (*SIZE, 3)) for seed in (0, 1)),
    ],
    ids=["two scenes", "even", "black", "small", "narrow", "noise"],
)
def test_frames_with_nothing_in_common_are_not_registered(frames: tuple[NDArray[Any], NDArray[Any]]):
    assert register(*(frame.astype(np.uint8) for frame in frames)) is None


def test_neighbours_are_chained_upon_any_of_them():
    steps = [about_the_centre(1.01, right=1), about_the_centre(turn=1), about_the_centre(0.98, down=2)]
    gains = [np.array([1, 1.1, 1]), np.array([1, 1, 0.9]), np.array([1.2, 1, 1])]
    given_ones = [
        Registration(step, "similarity", 0.9 - 0.1 * at, 0.5, gain)
        for at, (step, gain) in enumerate(zip(steps, gains, strict=True))
    ]
    found = chained(given_ones, 1)
    assert len(found) == 4
    assert found[1].transform.is_identity
    assert apart(found[0], steps[0].inverse()) < 1e-9
    assert apart(found[3], steps[2] @ steps[1]) < 1e-9
    assert found[0].gains == pytest.approx([1, 1 / 1.1, 1])
    assert found[3].gains == pytest.approx([1.2, 1, 0.9])
    assert found[3].correlation == pytest.approx(0.7)


def test_a_chain_ends_where_it_is_broken():
    step = Registration(shift(1, 0), "translation", 0.9, 0.5, np.ones(3))
    found = chained([step, None, step], 0)
    assert [one is None for one in found] == [False, False, True, True]
    with pytest.raises(ValueError, match="expected 0 to 1"):
        chained([step], 2)


@pytest.mark.parametrize("stack", ["pcb", "pcb_deep"])
def test_neighbours_of_real_stacks_that_breathe_agree_better_when_aligned(shared: Any, stack: str):
    folder: Path = shared(f"data/stacks/{stack}")
    first, second = (read_image(path).pixels for path in sorted(folder.iterdir())[2:4])
    found = register(first, second)
    assert found.model == "similarity"
    assert found.correlation > found.unaligned + 0.05


def test_what_defocus_displaces_in_a_microscope_is_no_displacement(shared: Any):
    # What is sharp in both frames lies in one place, to the pixel; half of the picture is blurred wide, and moves.
    folder: Path = shared("data/stacks/coffee")
    first, second = (read_image(path).pixels for path in sorted(folder.iterdir())[:2])
    assert register(first, second).transform.is_identity


def test_a_frame_that_breathes_is_laid_upon_the_other(shared: Any):
    folder: Path = shared("cases/pictures")
    first, breathing = (read_image(folder / name).pixels for name in ("A.png", "B_breath.png"))
    found = register(first, breathing)
    assert found.transform.matrix[0, 0] == pytest.approx(1.03, abs=0.002)
    moved, _ = warped(breathing, found.transform, first.shape[:2])
    again = register(first, moved)
    assert again.transform.displacement(first.shape[:2]) < 0.5
