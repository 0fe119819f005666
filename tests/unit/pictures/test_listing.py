"""What counts as a picture in a folder. That images are listed in natural order is a test of the room above, too."""

from __future__ import annotations

from pathlib import Path

from bridgetune.pictures.listing import HEIF_SUFFIXES, IMAGE_SUFFIXES, RAW_SUFFIXES, list_folders, list_images


def test_suffixes_count_in_either_case_and_hidden_files_do_not(tmp_path: Path):
    for name in ("a10.JPG", "a2.jpg", "B.HEIC", "c.NEF", ".d.jpg", "e.txt", "f.jpg.part"):
        (tmp_path / name).touch()
    assert [path.name for path in list_images(tmp_path)] == ["a2.jpg", "a10.JPG"]
    every = [path.name for path in list_images(tmp_path, (*IMAGE_SUFFIXES, *HEIF_SUFFIXES, *RAW_SUFFIXES))]
    assert every == ["a2.jpg", "a10.JPG", "B.HEIC", "c.NEF"]


def test_folders_are_listed_and_links_in_a_circle_are_none(tmp_path: Path):
    for name in ("10", "9", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert [path.name for path in list_folders(tmp_path)] == ["9", "10"]
