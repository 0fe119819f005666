"""Files that are replaced whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgetune.files import replaced


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
