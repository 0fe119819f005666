"""What lies on an object store is read and written as files are."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgetune.errors import RequestError
from bridgetune.pictures.listing import list_folders, list_images
from bridgetune.stores import (
    as_address,
    fetched,
    fetched_folder,
    in_words,
    is_stored,
    listed,
    located,
    made,
    read_text,
    remove,
    times,
    write_text,
)
from tests.support.stores import bucket

__all__ = ["bucket"]


def test_an_address_is_known_from_a_path_of_this_machine(tmp_path: Path):
    assert is_stored(Path("s3://bucket/in"))
    assert as_address(Path("s3://bucket/in") / "A" / "1.png") == "s3://bucket/in/A/1.png"
    assert located(Path("file:///pictures/in")) == Path("/pictures/in")
    assert located(Path("s3://bucket/in")) == Path("s3://bucket/in")
    for path in ("in", "/in", "a:b", "C:\\in", "/s3:/in"):
        assert not is_stored(Path(path)), path
        assert as_address(Path(path)) == str(Path(path))


def test_files_of_this_machine_are_what_they_are(tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    with fetched(one) as near, made(two) as places:
        assert (near, places) == ([one], [two])
    with fetched_folder(tmp_path) as folder:
        assert folder == tmp_path
    (tmp_path / "inner").mkdir()
    assert listed(tmp_path) == {one: one.stat().st_mtime}
    assert set(listed(tmp_path, "folder")) == {tmp_path / "inner"}
    assert times(tmp_path / "missing") == {}


def test_what_is_made_is_sent_and_can_be_fetched(bucket: str):
    folder = Path(f"s3://{bucket}/a # b/100 %")
    with made(folder / "2.png", folder / "10.png", folder / "none.png") as places:
        for place in places[:2]:
            place.write_text(place.name)
    assert [path.name for path in list_images(folder)] == ["2.png", "10.png"]
    assert all(written > 1.7e9 for written in listed(folder).values())
    assert list_folders(folder.parent) == [folder]
    with fetched(folder / "2.png") as (near,):
        assert near.read_text() == near.name == "2.png"
        assert in_words(f"{near}: damaged") == f"s3://{bucket}/a # b/100 %/2.png: damaged"
    assert not near.exists()
    with fetched_folder(folder) as inner:
        assert sorted(path.name for path in inner.iterdir()) == ["10.png", "2.png"]


def test_what_fails_is_not_sent(bucket: str):
    folder = Path(f"s3://{bucket}/failed")

    def stopped() -> None:
        with made(folder / "1.png") as (place,):
            place.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert times(folder) == {}


def test_a_small_file_is_written_read_and_removed(bucket: str):
    path = Path(f"s3://{bucket}/record.json")
    assert read_text(path) is None
    write_text(path, "α")
    assert read_text(path) == "α"
    remove(path)
    assert read_text(path) is None


def test_what_is_not_there_is_one_line(bucket: str):
    for does in (listed, lambda path: fetched(path).__enter__()):
        with pytest.raises(RequestError, match=rf"s3://{bucket}/missing: is not there"):
            does(Path(f"s3://{bucket}/missing"))
    with pytest.raises(RequestError, match="s4://bucket: cannot be opened"):
        listed(Path("s4://bucket/in"))
