from __future__ import annotations

import json

import numpy as np
import pytest

from bridgetune.config import StackMaking
from bridgetune.data import make_stack, make_stacks, read_image, write_image
from bridgetune.errors import RequestError, WorkError
from bridgetune.files import half_made

MAKING = StackMaking(blur=4, breathing=0.02, depth_shape="steps")


def files(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_of_photographs_becomes_frames_truths_and_a_record(scenes, tmp_path):
    told = []
    record = make_stacks(
        scenes / "image", tmp_path / "out", 3, MAKING, seed=5, progress=lambda *done: told.append(done)
    )
    frames = {f"frames/{stem}/00{index}.png" for stem in ("1", "2", "10") for index in range(3)}
    truth = {f"{what}/{stem}.png" for what in ("clear", "depth", "index") for stem in ("1", "2", "10")}
    assert set(files(tmp_path / "out")) == frames | truth | {"stacks.json"}
    assert told == [(done, 9) for done in range(1, 10)]
    written = json.loads((tmp_path / "out" / "stacks.json").read_text())
    assert written["making"] == MAKING.model_dump()
    assert (written["seed"], written["frames"], written["focus"]) == (5, 3, [0, 0.5, 1])
    assert written["transforms"] == record.transforms
    assert list(record.transforms) == ["1", "2", "10"]
    assert record.transforms["1"][1] == np.eye(3).tolist()


def test_what_is_written_is_what_is_made_in_memory(scenes, tmp_path):
    path = scenes / "image" / "1.png"
    make_stacks(path, tmp_path / "out", 3, MAKING, seed=5)
    stack = make_stack(read_image(path).pixels, 3, MAKING, seed=[5, *b"1"])
    out = tmp_path / "out"
    for index in range(3):
        assert np.array_equal(read_image(out / "frames" / "1" / f"00{index}.png").pixels, stack.frame(index))
    assert np.array_equal(read_image(out / "clear" / "1.png").pixels, stack.clear)
    assert np.array_equal(read_image(out / "index" / "1.png").pixels[..., 0], stack.index)
    depth = read_image(out / "depth" / "1.png").pixels[..., 0]
    assert np.abs(depth / 65535 - stack.depth).max() <= 0.5 / 65535 + 1e-7


def test_another_photograph_changes_no_stack(scenes, tmp_path, add_scene):
    make_stacks(scenes / "image", tmp_path / "before", 2, MAKING)
    add_scene(scenes, "0")
    make_stacks(scenes / "image", tmp_path / "after", 2, MAKING)
    before, after = files(tmp_path / "before"), files(tmp_path / "after")
    del before["stacks.json"]
    assert before.items() <= after.items()


@pytest.mark.parametrize("folders", [True, False])
def test_depth_is_taken_from_a_picture_of_the_same_stem_or_the_one_that_is_named(scenes, tmp_path, folders):
    levels = np.zeros((24, 36), np.uint8)
    levels[:, 18:] = 200
    for stem in ("1", "2", "10"):
        write_image(tmp_path / "depth" / f"{stem}.png", levels)
    images, depth = (scenes / "image", tmp_path / "depth") if folders else (scenes / "image" / "2.png", None)
    make_stacks(images, tmp_path / "out", 3, StackMaking(blur=3), depth=depth or tmp_path / "depth" / "1.png")
    expected = np.where(levels > 0, 2, 0)
    assert np.array_equal(read_image(tmp_path / "out" / "index" / "2.png").pixels[..., 0], expected)


def test_depth_is_found_in_a_folder_for_a_photograph_alone(scenes, tmp_path):
    write_image(tmp_path / "depth" / "2.png", np.tile(np.arange(36, dtype=np.uint8), (24, 1)))
    make_stacks(scenes / "image" / "2.png", tmp_path / "out", 2, depth=tmp_path / "depth", size=16)
    index = read_image(tmp_path / "out" / "index" / "2.png").pixels[..., 0]
    assert index.shape == (16, 16)
    assert set(index[:, 0]) == {0}
    assert set(index[:, -1]) == {1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"frames": 1}, "frames: got 1"),
        ({"seed": -1}, "seed: got -1"),
        ({"making": StackMaking(shift=30)}, "photograph: 36x24 pixels, and its frames move by up to"),
        ({"depth": "small"}, r"small.png: 4x4 pixels, but its photograph has 36x24"),
        ({"depth": "folder"}, "folder: holds no picture called 1"),
        ({"images": "nothing"}, "nothing: no such file"),
        ({"images": "all", "depth": "small"}, "small.png: a file, expected a folder of depths"),
    ],
)
def test_a_wrong_request_is_refused_and_nothing_is_written(scenes, tmp_path, change, said):
    write_image(tmp_path / "small.png", np.zeros((4, 4), np.uint8))
    (tmp_path / "folder").mkdir()
    places = {
        "small": tmp_path / "small.png",
        "folder": tmp_path / "folder",
        "nothing": tmp_path / "nothing",
        "all": scenes / "image",
    }
    given = {"images": scenes / "image" / "1.png", "frames": 3, "making": None, "seed": 0, "depth": None} | change
    for name in ("images", "depth"):
        given[name] = places.get(given[name], given[name])
    before = set(tmp_path.iterdir())
    with pytest.raises(RequestError, match=said):
        make_stacks(given.pop("images"), tmp_path / "out", given.pop("frames"), given.pop("making"), **given)
    assert set(tmp_path.iterdir()) == before


def test_a_folder_that_holds_something_is_refused(scenes, tmp_path):
    with pytest.raises(RequestError, match="scenes: is there and not empty"):
        make_stacks(scenes / "image", scenes, 2)


def test_one_that_fails_or_is_stopped_leaves_nothing(scenes, tmp_path):
    def stop(done, total):
        assert half_made(tmp_path / "out").is_dir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_stacks(scenes / "image", tmp_path / "out", 2, MAKING, progress=stop)
    image = scenes / "image" / "10.png"
    data = image.read_bytes()
    image.write_bytes(data[:200] + bytes(len(data) - 220) + data[-20:])  # its header is whole
    with pytest.raises(WorkError, match=r"10\.png"):
        make_stacks(scenes / "image", tmp_path / "out", 2, MAKING)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]
