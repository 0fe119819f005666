"""A brush says which frame is where: strokes are undone to the bit, and what is kept is what was seen."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bridgetune.app.fusing import Result
from bridgetune.app.painting import Painting, Stroke
from bridgetune.data import FolderPairs
from bridgetune.errors import RequestError
from bridgetune.pictures import read_image
from tests.support.pages import frames_of, fused_frames


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return fused_frames(tmp_path_factory.mktemp("stack"), frames_of(3), "sharpness")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Result:
    deep = [frame.astype(np.uint16) * 257 for frame in frames_of(2)]
    return fused_frames(tmp_path_factory.mktemp("pair"), deep, "modified-laplacian")


def state(painting: Painting) -> tuple[np.ndarray, np.ndarray]:
    return painting.layer("fused"), painting.layer("map")


def same(one: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray]) -> bool:
    return all((first == second).all() for first, second in zip(one, other, strict=True))


places = st.tuples(st.floats(-50, 150), st.floats(-50, 100))
strokes = st.builds(
    Stroke,
    points=st.lists(places, min_size=1, max_size=4).map(tuple),
    size=st.floats(1, 60),
    softness=st.floats(0, 1),
    frame=st.integers(0, 2),
)


@given(st.lists(strokes, min_size=1, max_size=4))
@settings(max_examples=25)
def test_what_is_undone_is_as_if_it_had_never_been_and_done_again_as_it_was(stack: Result, drawn: list[Stroke]):
    painting = Painting(stack)
    seen = [state(painting)]
    for stroke in drawn:
        painting.paint(stroke)
        seen.append(state(painting))
    for before in reversed(seen[:-1]):
        painting.undo()
        assert same(state(painting), before)
    for after in seen[1:]:
        painting.redo()
        assert same(state(painting), after)
    assert painting.strokes == (len(drawn), 0)


def test_under_a_hard_brush_the_frame_is_taken_and_nothing_changes_elsewhere(stack: Result):
    painting = Painting(stack)
    before = state(painting)
    painting.paint(Stroke(points=((20, 24), (70, 24)), size=20, frame=2))
    picture, chosen = state(painting)
    assert (picture[18:30, 20:71] == stack.layer("frame-2")[18:30, 20:71]).all()
    assert (chosen[18:30, 20:71] == (253, 231, 37)).all()  # the last frame's colour
    far = np.ones(picture.shape[:2], bool)
    far[10:39, 6:85] = False
    assert (picture[far] == before[0][far]).all()
    assert (chosen[far] == before[1][far]).all()


def test_a_hard_brush_ends_and_a_soft_one_fades_out():
    hard, soft = (Stroke(points=((50, 50),), size=40, softness=each, frame=0).cover((100, 100))[1] for each in (0, 1))
    assert hard.shape == soft.shape == (81, 81)
    assert (hard >= 0.5).sum() == pytest.approx(np.pi * 20**2, rel=0.1)
    between = [((cover > 0.02) & (cover < 0.98)).sum() / (cover > 0.02).sum() for cover in (hard, soft)]
    assert between[0] < 0.2
    assert between[1] > 0.7
    assert soft[40, 40] > 0.98
    assert soft[40, 40 + 20] < 0.1


def test_a_stroke_beside_the_picture_changes_nothing(stack: Result):
    painting = Painting(stack)
    before = state(painting)
    painting.paint(Stroke(points=((-500, -500), (-400, -500)), size=20, frame=2))
    assert same(state(painting), before)


def test_a_stroke_forgets_what_was_undone(stack: Result):
    painting = Painting(stack)
    painting.redo()
    painting.undo()
    assert (painting.strokes, painting.version) == ((0, 0), 0)
    for _ in range(2):
        painting.paint(Stroke(points=((5, 5),), size=5, frame=1))
    painting.undo()
    assert painting.strokes == (1, 1)
    painting.paint(Stroke(points=((9, 9),), size=5, frame=1))
    assert painting.strokes == (2, 0)


def test_what_is_kept_of_a_stack_is_what_was_seen_and_the_first_stays(stack: Result, tmp_path: Path):
    first = stack.layer("fused")
    painting = Painting(stack)
    painting.paint(Stroke(points=((20, 24), (70, 24)), size=20, frame=2))
    kept = painting.keep(tmp_path)
    assert (kept.layer("fused") == painting.layer("fused")).all()
    assert np.abs(tifffile.imread(kept.file("depth.tif"))[18:30, 20:71] - 2).max() <= 0.5
    assert sum(frame.share or 0 for frame in kept.used) == pytest.approx(1)
    assert (stack.layer("fused") == first).all()
    again = Painting(kept)
    assert same(state(again), state(painting))


def test_what_is_kept_of_a_pair_is_a_label_that_tuning_takes(pair: Result, tmp_path: Path):
    painting = Painting(pair)
    painting.paint(Stroke(points=((10, 24), (80, 24)), size=12, frame=1))
    (tmp_path / "kept").mkdir()
    kept = painting.keep(tmp_path / "kept")
    mask = read_image(kept.file("map.png")).pixels[..., 0]
    assert (mask[20:28, 10:80] == 0).all()
    assert read_image(kept.file("fused.tif")).bits == 16
    with zipfile.ZipFile(kept.file("labels.zip")) as packed:
        assert sorted(packed.namelist()) == ["A/0.png", "B/0.png", "mask/0.png"]
        packed.extractall(tmp_path / "pairs")
    pairs = FolderPairs(tmp_path / "pairs", size=32)
    assert (len(pairs), list(pairs.skipped)) == (1, [])
    assert (read_image(tmp_path / "pairs" / "A" / "0.png").pixels == kept.aligned(0)).all()
    assert cv2.imread(str(tmp_path / "pairs" / "mask" / "0.png"), cv2.IMREAD_GRAYSCALE).tolist() == mask.tolist()


def test_a_result_without_a_map_cannot_be_mended(tmp_path: Path):
    with pytest.raises(RequestError, match="no map to correct"):
        Painting(fused_frames(tmp_path, frames_of(2), "laplacian-pyramid"))


def test_a_frame_that_is_not_there_is_refused(stack: Result):
    with pytest.raises(RequestError, match="expected 0 to 2"):
        Painting(stack).paint(Stroke(points=((1, 1),), size=5, frame=3))


@pytest.mark.parametrize(
    "odd",
    [
        {"points": []},
        {"points": [[1, float("nan")]]},
        {"points": [[1e9, 1]]},
        {"points": [[1, 1]] * 5001},
        {"size": 0},
        {"size": 1e9},
        {"softness": 2},
        {"frame": -1},
        {"more": 1},
    ],
)
def test_what_is_no_stroke_is_refused(odd: dict[str, object]):
    with pytest.raises(ValidationError):
        Stroke.model_validate({"points": [[1, 1]], "size": 5, "frame": 0, **odd})


def test_a_frame_of_another_brightness_is_brought_to_what_is_around(tmp_path: Path):
    first, second = frames_of(2, 192, 288)
    brighter = (second * np.array([1.25, 1.1, 0.9])).clip(0, 255).astype(np.uint8)
    painting = Painting(fused_frames(tmp_path, [first, brighter], "modified-laplacian"))
    stroke = Stroke(points=((72, 96),), size=60, frame=1, even=True)
    inside = slice(80, 112), slice(56, 88)

    def levels() -> np.ndarray:
        return painting.layer("fused")[inside].mean((0, 1))

    before = levels()
    painting.paint(stroke.model_copy(update={"even": False}))
    assert np.abs(levels() / before - 1).max() > 0.1
    painting.undo()
    painting.paint(stroke)
    assert levels() == pytest.approx(before, rel=0.04)
    done = state(painting)
    painting.undo()
    painting.redo()
    assert same(done, state(painting))
