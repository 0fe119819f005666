"""Folders of stacks, and which of them a camera has done writing to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridgetune.errors import RequestError
from bridgetune.inference.stacks.folders import Watch, stack_folders, without_pictures


def _write(path: Path, data: str = "x") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(data)
    return path


def test_folders_that_hold_pictures_are_stacks_in_natural_order(tmp_path: Path):
    for name in ("10/a.jpg", "2/a.JPG", "raw/a.NEF", ".hidden/a.jpg", "notes/a.txt"):
        _write(tmp_path / name)
    _write(tmp_path / "loose.jpg")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert [path.name for path in stack_folders(tmp_path)] == ["2", "10", "raw"]
    assert [path.name for path in without_pictures(tmp_path)] == ["empty", "notes"]
    with pytest.raises(RequestError, match="no such folder"):
        stack_folders(tmp_path / "none")


class Clock:
    """Tells what it is set to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_folder_is_told_once_when_it_has_been_quiet_and_again_when_it_has_changed(tmp_path: Path):
    clock = Clock()
    watch = Watch(tmp_path, 5, clock)
    assert watch.ready() == []
    _write(tmp_path / "a" / "1.jpg")
    assert watch.ready() == []
    clock.now += 4.9
    assert watch.ready() == []
    _write(tmp_path / "a" / "2.jpg")  # the next frame starts the wait anew
    clock.now += 4.9
    assert watch.ready() == []
    clock.now += 4.9
    assert watch.ready() == []
    clock.now += 0.1
    assert watch.ready() == [tmp_path / "a"]
    clock.now += 100
    assert watch.ready() == []
    _write(tmp_path / "a" / "3.jpg")
    assert watch.ready() == []
    clock.now += 5
    assert watch.ready() == [tmp_path / "a"]


def test_a_frame_that_is_still_being_written_is_no_quiet(tmp_path: Path):
    clock = Clock()
    watch = Watch(tmp_path, 5, clock)
    path = _write(tmp_path / "a" / "1.jpg")
    for size in range(2, 9):
        assert watch.ready() == []
        clock.now += 4
        _write(path, "x" * size)
    assert watch.ready() == []
    os.utime(path, (1, 1))  # of the same length, written over
    clock.now += 5
    assert watch.ready() == []
    clock.now += 5
    assert watch.ready() == [tmp_path / "a"]


def test_folders_are_watched_each_for_itself_and_may_go(tmp_path: Path):
    clock = Clock()
    watch = Watch(tmp_path, 5, clock)
    first = _write(tmp_path / "a" / "1.jpg")
    assert watch.ready() == []
    clock.now += 3
    _write(tmp_path / "b" / "1.jpg")
    assert watch.ready() == []
    clock.now += 3
    assert watch.ready() == [tmp_path / "a"]
    first.unlink()
    clock.now += 3
    assert watch.ready() == [tmp_path / "b"]
