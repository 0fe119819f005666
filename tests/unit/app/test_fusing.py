"""What comes of pictures on the page: files of full depth, and layers that lie upon each other."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from bridgetune.app import fusing
from bridgetune.app.choices import Methods
from bridgetune.app.fusing import DIFFERENCE, Result, difference, fused
from bridgetune.app.work import StoppedError, Task
from bridgetune.config import StackConfig
from bridgetune.errors import RequestError
from bridgetune.pictures import open_frames, read_image, read_whole_image, register
from tests.support.pages import frames_of

STILL = StackConfig(align="none")


def fuse(folder: Path, frames: list[np.ndarray], method: str = "sharpness", config: StackConfig = STILL) -> Result:
    folder = folder / "stack"
    (folder / "out").mkdir(parents=True)
    for number, frame in enumerate(frames):
        extratags = [(271, "s", 0, "Maker", True)]
        tifffile.imwrite(folder / f"{number}.tif", frame, photometric="rgb", metadata=None, extratags=extratags)
    found = open_frames(sorted(folder.glob("*.tif")))
    return fused(found, Methods().open(method), config, folder / "out", "title", Task(lambda task: None))


def test_a_stack_keeps_its_16_bits_and_what_it_carries(tmp_path: Path):
    frames = [frame.astype(np.uint16) * 257 for frame in frames_of(3)]
    result = fuse(tmp_path, frames)
    assert list(result.files) == ["fused.tif", "fused.png", "fused.jpg", "depth.tif", "depth.png"]
    for name, bits in {"fused.tif": 16, "fused.png": 16, "fused.jpg": 8}.items():
        picture = read_whole_image(result.file(name))
        assert (picture.bits, picture.size) == (bits, (48, 96))
        assert picture.metadata.exif is not None
    assert (read_image(result.file("fused.png")).pixels == read_image(result.file("fused.tif")).pixels).all()
    assert tifffile.imread(result.file("depth.tif")).dtype == np.float32
    assert "keeps Exif" in result.facts[0]


def test_every_layer_has_the_size_of_the_picture_and_is_what_it_says(tmp_path: Path):
    frames = frames_of(3)
    result = fuse(tmp_path, frames)
    assert (result.layer("fused") == read_image(result.file("fused.tif")).pixels).all()
    assert (result.layer("map") == read_image(result.file("depth.png")).pixels).all()
    for number, frame in enumerate(frames):
        assert (result.layer(f"frame-{number}") == frame).all()
        apart = np.abs(result.layer("fused").astype(int) - frame)
        assert (result.layer(f"difference-{number}") == np.minimum(DIFFERENCE * apart, 255)).all()
    assert sum(frame.share or 0 for frame in result.used) == pytest.approx(1, abs=1e-5)
    assert result.shape == (48, 96)


@pytest.mark.parametrize("name", ["", "frame-3", "frame--1", "frame-x", "frame-²", "../fused", "difference-", "depth"])
def test_a_layer_that_is_not_there_is_refused(tmp_path: Path, name: str):
    with pytest.raises(RequestError, match="reload"):
        fuse(tmp_path, frames_of(3)).layer(name)


@pytest.mark.parametrize("name", ["", "choice.png", "../0.tif", "map.png", "/etc/passwd"])
def test_a_file_that_is_not_offered_is_refused(tmp_path: Path, name: str):
    with pytest.raises(RequestError, match="reload"):
        fuse(tmp_path, frames_of(3)).file(name)


def test_a_pair_by_a_method_with_a_map_has_that_map(tmp_path: Path):
    result = fuse(tmp_path, frames_of(2), "modified-laplacian")
    assert "map.png" in result.files
    assert "depth.tif" not in result.files
    decision = read_image(result.file("map.png")).pixels[..., 0]
    assert set(np.unique(decision)) <= {0, 255}
    assert result.used[0].share == pytest.approx((decision == 255).mean())
    dark, bright = (result.layer("map")[decision == value].mean() for value in (255, 0))
    assert dark < bright  # the first frame's colour is the dark end, as a depth's


def test_a_pair_is_smoothed_and_its_seam_softened_where_that_is_asked_for(tmp_path: Path):
    made = {
        (blend, smooth): fuse(tmp_path / blend / smooth, frames_of(2), "modified-laplacian", config).layer("fused")
        for blend in ("none", "feather")
        for smooth in ("none", "guided")
        for config in [StackConfig(align="none", blend=blend, smooth=smooth)]
    }
    first, second = frames_of(2)
    hard = made["none", "none"]
    assert ((hard == first) | (hard == second)).all()
    assert not any((hard == other).all() for names, other in made.items() if names != ("none", "none"))


def test_a_pair_without_a_map_has_none_to_show(tmp_path: Path):
    result = fuse(tmp_path, frames_of(2), "laplacian-pyramid")
    assert (result.map, [frame.share for frame in result.used]) == ("", [None, None])
    assert "map.png" not in result.files


def test_a_second_picture_that_was_moved_is_shown_where_it_was_laid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    monkeypatch.setattr(
        "bridgetune.inference.aligning.register", lambda *given: asked.append(given[2]) or register(*given)
    )
    scene = cv2.GaussianBlur(frames_of(1, 200, 240)[0], (0, 0), 1)
    pair = [np.ascontiguousarray(scene[10:170, 12:212]), np.ascontiguousarray(scene[16:176, 5:205])]
    result = fuse(tmp_path, pair, "modified-laplacian", StackConfig(align="translation"))
    first, second = result.layer("frame-0"), result.layer("frame-1")
    assert result.shape == first.shape[:2] == second.shape[:2] == result.layer("fused").shape[:2] == (154, 193)
    assert np.abs(first.astype(int) - second)[8:-8, 8:-8].mean() < 2
    assert asked == ["translation"]
    assert "register" not in vars(fusing)  # it is not registered a second time to be shown


def test_it_stops_when_it_is_asked_to(tmp_path: Path):
    task = Task(lambda task: None)
    task.stop()
    for number, frame in enumerate(frames_of(2)):
        tifffile.imwrite(tmp_path / f"{number}.tif", frame, photometric="rgb")
    frames = open_frames(sorted(tmp_path.glob("*.tif")))
    with pytest.raises(StoppedError):
        fused(frames, None, STILL, tmp_path, "title", task)


def test_a_difference_is_black_where_there_is_none():
    first = np.array([[[10, 10, 10]]], np.uint8)
    assert difference(first, first).tolist() == [[[0, 0, 0]]]
    assert difference(first, np.array([[[12, 9, 200]]], np.uint8)).tolist() == [[[8, 4, 255]]]
