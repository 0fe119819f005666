"""A place that cannot be written to is refused before the work, and nothing is left there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridgetune.destinations import begun, check_absent, check_apart, check_file, check_folder
from bridgetune.errors import RequestError, WorkError
from tests.support.destinations import tree


def file(path: Path, **more: Any) -> None:
    check_file(path, "the picture", **more)


def folder(path: Path, **more: Any) -> None:
    check_folder(path, "the run", **more)


def hostile(at: Path) -> dict[Path, str]:
    """Places where neither a file nor a folder can be, and what is said of them."""
    (at / "file").write_text("it is")
    (at / "loop").symlink_to(at / "loop")
    os.mkfifo(at / "pipe")
    return {
        at / ("x" * 300): "too long",
        at / "new" / ("y" * 300) / "a.png": "too long",
        at / "loop": "lead in a circle",
        at / "loop" / "a.png": "lead in a circle",
        at / "file" / "a.png": "file is not a folder",
        at / "file" / "new" / "a.png": "file is not a folder",
        at / "pipe": "is a FIFO",
        at / "pipe" / "a.png": "pipe is not a folder",
        Path("/dev/null"): "is a device",
        Path("/proc/new/a.png"): "cannot be written there",
        Path("-"): "standard output",
        Path(r"C:\pics\a.png"): "a Windows path",
    }


@pytest.mark.parametrize("check", [file, folder])
def test_places_where_nothing_can_be_are_refused_and_left_as_they_were(tmp_path: Path, check: Callable[..., None]):
    cases = hostile(tmp_path)
    before = tree(tmp_path)
    for path, said in cases.items():
        with pytest.raises(RequestError, match=said) as refused:
            check(path)
        assert str(refused.value).isprintable()
    assert tree(tmp_path) == before


def test_places_that_are_free_are_taken_and_left_as_they_were(tmp_path: Path):
    (tmp_path / "link.png").symlink_to(tmp_path / "not-yet.png")
    before = tree(tmp_path)
    for name in ("a.png", "new/deep/a.PNG", "link.png", "x" * 251 + ".png"):
        file(tmp_path / name, suffixes=[".png", ".tif"])
    for name in ("", "run", "new/deep/run"):
        folder(tmp_path / name)
    assert tree(tmp_path) == before


def test_a_file_that_is_there_is_replaced_where_that_is_asked_for(tmp_path: Path):
    (there := tmp_path / "a.png").write_text("it is")
    (link := tmp_path / "link.png").symlink_to(there)
    for path in (there, link):
        with pytest.raises(RequestError, match=r"exists already; .*--force"):
            file(path)
        file(path, force=True)
    with pytest.raises(RequestError, match=r"a\.png and 1 more: exists already"):
        check_absent([there, link, tmp_path / "none"])
    check_absent([there, tmp_path / "none"], force=True)
    check_absent([tmp_path / "none"])


def test_what_is_no_file_is_never_replaced(tmp_path: Path):
    os.mkfifo(pipe := tmp_path / "pipe.png")
    for path, said in {pipe: "is a FIFO", tmp_path: "is a folder"}.items():
        with pytest.raises(RequestError, match=said):
            file(path, force=True)
        with pytest.raises(RequestError, match=said):
            check_absent([path], force=True)


def test_suffixes_are_those_that_can_be_written(tmp_path: Path):
    for name, said in {"a.xyz": r"\.xyz, expected \.png, \.tif", "a": "no suffix, expected"}.items():
        with pytest.raises(RequestError, match=said):
            file(tmp_path / name, suffixes=[".png", ".tif"])


def test_a_folder_that_may_not_be_written_to_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", forbidden)
    for check in (file, folder):
        with pytest.raises(RequestError, match=r"cannot be written there \(Permission denied\)"):
            check(tmp_path / "new" / "a.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path):
    (closed := tmp_path / "closed").mkdir(mode=0o500)
    for check in (file, folder):
        with pytest.raises(RequestError, match="cannot be written there"):
            check(closed / "a.png")


def test_a_drive_without_space_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9 - 2000, 2000))
    for check in (file, folder):
        with pytest.raises(RequestError, match=r"takes 5\.0 MB at least, and 2\.0 kB are free there"):
            check(tmp_path / "a.png", space=5_000_000)
        check(tmp_path / "a.png", space=1000)


def test_outputs_are_apart_from_each_other_and_from_what_is_read(tmp_path: Path):
    (source := tmp_path / "a.png").write_text("it is")
    (link := tmp_path / "link.png").symlink_to(source)
    out = tmp_path / "out.png"
    check_apart([out, tmp_path / "map.png"], [source])
    with pytest.raises(RequestError, match="is also read"):
        check_apart([source], [source])
    with pytest.raises(RequestError, match=r"link\.png: is the same as .*a\.png, which is read"):
        check_apart([out, link], [source])
    with pytest.raises(RequestError, match="which is written; name two places"):
        check_apart([out, tmp_path / "sub" / ".." / "out.png"])


def test_what_turns_out_wrong_after_the_beginning_has_failed_on_the_way():
    with pytest.raises(WorkError, match="gone"), begun():
        raise RequestError("gone")
