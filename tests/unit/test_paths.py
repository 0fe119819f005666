"""Whatever is given as a path is answered, or refused in one line that any terminal shows."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgetune import paths
from bridgetune.errors import RequestError
from bridgetune.paths import Kind

QUESTIONS: tuple[Callable[[Any], object], ...] = (
    paths.kind_of,
    paths.is_there,
    paths.is_file,
    paths.is_folder,
    paths.special,
    paths.resolved,
    paths.entries,
    paths.check_file,
    paths.check_folder,
    paths.open_file,
    lambda path: paths.are_same(path, "."),
)


def circle(folder: Path) -> Path:
    link = folder / "loop"
    link.symlink_to(link)
    return link


def special_files(folder: Path) -> dict[str, Path]:
    pipe = folder / "pipe.png"
    os.mkfifo(pipe)
    return {"a FIFO": pipe, "a device": Path("/dev/null")}


def test_what_is_there_is_told_apart(tmp_path: Path):
    (file := tmp_path / "a.png").write_bytes(b"a")
    (link := tmp_path / "link").symlink_to(file)
    (dangling := tmp_path / "dangling").symlink_to(tmp_path / "gone")
    kinds: dict[Path, Kind] = {
        file: "file",
        tmp_path: "folder",
        link: "file",
        dangling: "nothing",
        tmp_path / "none": "nothing",
        file / "below": "nothing",
    }
    assert {path: paths.kind_of(path) for path in kinds} == kinds
    assert paths.entries(tmp_path) != []
    with paths.open_file(link) as opened:
        assert opened.read() == b"a"


def test_special_files_are_named_and_never_waited_for(tmp_path: Path):
    for name, path in special_files(tmp_path).items():
        assert paths.kind_of(path) == "special"
        assert paths.special(path) == name
        for question in (paths.check_file, paths.open_file):
            with pytest.raises(RequestError, match=f"is {name}, expected a file"):
                question(path)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s"))
        assert paths.special(tmp_path / "s") == "a socket"


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_cannot_be_asked_is_refused_in_one_line(tmp_path: Path, question: Callable[[Any], object]):
    cases = {
        tmp_path / ("x" * 300): "too long",
        tmp_path / "/".join(["y" * 200] * 30): "too long",
        circle(tmp_path): "lead in a circle",
        "a\0b": "NUL byte",
    }
    for path, said in cases.items():
        with pytest.raises(RequestError, match=said) as refused:
            question(path)
        line = str(refused.value)
        assert line.isprintable()
        assert line.startswith(f"{paths.shown(path)}: ")


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_permission_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, question: Callable[[Any], object]):
    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "stat", forbidden)
    with pytest.raises(RequestError, match="no permission"):
        question(tmp_path / "a.png")


def test_what_may_not_be_listed_or_read_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (file := tmp_path / "a.png").write_bytes(b"a")

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", forbidden)
    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(RequestError, match="no permission"):
        paths.entries(tmp_path)
    with pytest.raises(RequestError, match="no permission"):
        paths.open_file(file)


def test_a_refusal_says_why_nothing_is_there(tmp_path: Path):
    (file := tmp_path / "a.png").write_bytes(b"a")
    (dangling := tmp_path / "dangling").symlink_to("gone")
    for path, said in {
        file / "b.png": "a.png is not a folder",
        dangling: "a link to gone, which is not there",
        r"C:\pics\a.png": "a Windows path",
        tmp_path: "is a folder",
        tmp_path / "none": "no such file",
    }.items():
        with pytest.raises(RequestError, match=said):
            paths.check_file(path)
    with pytest.raises(RequestError, match="is a file, expected a folder"):
        paths.check_folder(file)


def test_names_that_are_no_utf8_are_asked_and_shown_as_bytes(tmp_path: Path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    (folder / "a.png").write_bytes(b"a")
    assert paths.entries(folder) == [folder / "a.png"]
    assert paths.resolved(folder) == paths.resolved(tmp_path) / folder.name
    with pytest.raises(RequestError, match=r"caf\\xe9: is a folder"):
        paths.check_file(folder)


def test_a_name_that_the_system_cannot_encode_is_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(RequestError, match="encoding"):
        paths.kind_of("\ud800")


def test_one_place_by_two_names_is_the_same(tmp_path: Path):
    (file := tmp_path / "a.png").write_bytes(b"a")
    (link := tmp_path / "link").symlink_to(file)
    (hard := tmp_path / "hard").hardlink_to(file)
    assert paths.are_same(link, file)
    assert paths.are_same(hard, file)
    assert paths.are_same(tmp_path / "sub" / ".." / "new", tmp_path / "new")
    assert not paths.are_same(tmp_path / "new", file)


def said(question: Callable[[Any], object], path: str) -> str:
    """A refusal; empty where there was none."""
    try:
        question(path)
    except RequestError as error:
        return str(error)
    return ""


@given(st.text(st.characters(), max_size=300))
@settings(max_examples=200)
def test_any_text_is_answered_or_refused_in_a_printable_line(text: str):
    assert paths.shown(text).isprintable()
    assert len(paths.shown(text)) <= paths.LONGEST_SHOWN + 1
    assert all(said(question, text).isprintable() for question in QUESTIONS)


def test_short_printable_paths_are_shown_as_they_are():
    assert paths.shown("bilder/größe α.png") == "bilder/größe α.png"
    assert paths.shown("a\x1b[31m\nb\u202e") == r"a\x1b[31m\nb\u202e"
