"""Files that are replaced whole, or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bridgetune.errors import WorkError
from bridgetune.files import replaced, write_whole


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path):
    path = tmp_path / "it.json"
    path.write_text("old")
    with replaced(path) as partial:
        partial.write_text("ne")
        assert path.read_text() == "old"
        partial.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def fail(path: Path, error: type[BaseException]) -> None:
    with replaced(path) as partial:
        partial.write_text("ne")
        raise error


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_no_other(tmp_path: Path, error: type[BaseException]):
    path = tmp_path / "it.json"
    path.write_text("old")
    with pytest.raises(error):
        fail(path, error)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_written_is_no_file(tmp_path: Path):
    with pytest.raises(FileNotFoundError), replaced(tmp_path / "it.json"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_temporary_file_is_hidden_beside_the_new_one_and_keeps_its_suffix(tmp_path: Path):
    with replaced(tmp_path / "map.v2.png") as partial:
        assert (partial.parent, partial.suffix) == (tmp_path, ".png")
        assert partial.name.startswith(".map.v2.")
        partial.touch()


def test_a_link_stays_one_and_what_it_leads_to_is_replaced(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "it.json", tmp_path / "link.json"
    link.symlink_to(target)
    for text in ("new", "newer"):  # the first time there is nothing yet
        write_whole(link, text)
        assert link.is_symlink()
        assert target.read_text() == text
    assert list((tmp_path / "elsewhere").iterdir()) == [target]


def test_fifos_and_devices_are_not_replaced(tmp_path: Path):
    os.mkfifo(pipe := tmp_path / "it.json")
    for path in (pipe, Path("/dev/null")):
        with pytest.raises(WorkError, match="is not replaced"):
            write_whole(path, "new")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


@pytest.mark.parametrize("name", ["x" * 255, "y" * 250 + ".json", "ü" * 125 + ".json", "a." + "z" * 250])
def test_names_may_be_as_long_as_the_drive_takes(tmp_path: Path, name: str):
    write_whole(tmp_path / name, "new")
    assert [path.name for path in tmp_path.iterdir()] == [name]
