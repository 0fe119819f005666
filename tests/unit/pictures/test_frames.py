"""The frames of a stack: found by folder, pattern, file and page, in the order in which people count."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from bridgetune.errors import RequestError
from bridgetune.pictures import FileFrames, HeldFrames, UnreadableFrameError, frames, open_frames, write_image
from tests.support.hostile import tiff


def _pictures(folder: Path, *names: str) -> list[Path]:
    """Pictures of 4×5 pixels, each of another gray."""
    paths = [folder / name for name in names]
    for number, path in enumerate(paths):
        write_image(path, np.full((4, 5, 3), number, np.uint8))
    return paths


def _grays(found: FileFrames) -> list[int]:
    return [int(found.read(index).pixels[0, 0, 0]) for index in range(len(found))]


def test_a_folders_pictures_are_its_frames_in_natural_order(tmp_path: Path):
    _pictures(tmp_path / "Fotos für Oma", "Käfer 10.png", "Käfer 2.PNG", "käfer 1.tif")
    (tmp_path / "Fotos für Oma" / "notes.txt").touch()
    found = open_frames([tmp_path / "Fotos für Oma"])
    assert found.names == ("käfer 1.tif", "Käfer 2.PNG", "Käfer 10.png")
    assert _grays(found) == [2, 1, 0]
    assert found.size(0) == (4, 5)


def test_files_that_a_shell_put_in_its_own_order_are_counted_as_people_do(tmp_path: Path):
    given = _pictures(tmp_path, "a1.png", "a10.png", "a2.png")
    assert open_frames(given).names == ("a1.png", "a2.png", "a10.png")
    assert open_frames(given, order="given").names == ("a1.png", "a10.png", "a2.png")


@pytest.mark.parametrize("pattern", ["a/*.jpg", "a/*.JPG", "a/x?.jpg", "?/x[12].jp*"])
def test_a_pattern_that_no_shell_has_read_is_read_whatever_its_case(
    tmp_path: Path, pattern: str, monkeypatch: pytest.MonkeyPatch
):
    _pictures(tmp_path / "a", "x1.JPG", "x2.jpg", "y10.png")
    monkeypatch.chdir(tmp_path)
    for given in (pattern, tmp_path / pattern):
        assert open_frames([given]).names == ("x1.JPG", "x2.jpg")


def test_a_name_with_brackets_is_a_name_where_it_is_there(tmp_path: Path):
    (path, _) = _pictures(tmp_path, "a[1].png", "a1.png")
    assert open_frames([path]).files == (path,)


def test_pages_and_files_are_frames_together(tmp_path: Path):
    (first,) = _pictures(tmp_path, "a.png")
    (tmp_path / "b.tif").write_bytes(tiff(np.full((2, 4, 5, 3), 7, np.uint8), photometric="rgb"))
    found = open_frames([tmp_path])
    assert found.names == ("a.png", "b.tif, page 1", "b.tif, page 2")
    assert _grays(found) == [0, 7, 7]
    assert found.files == (first, tmp_path / "b.tif")


def test_names_that_are_alike_are_told_apart(tmp_path: Path):
    places = _pictures(tmp_path, "left/1.png", "right/1.png", "right/2.png")
    assert open_frames(places).names == (str(places[0]), str(places[1]), "2.png")


def test_a_raw_file_beside_its_developed_picture_is_left_out_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    _pictures(tmp_path, "img_1.jpg", "img_2.jpg")
    (tmp_path / "IMG_1.CR2").write_bytes(b"II*\0\x10\0\0\0CR\2\0" + bytes(64))
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    for place in (tmp_path, tmp_path / "img*"):
        assert open_frames([place]).names == ("img_1.jpg", "img_2.jpg")
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "1 raw files lie beside pictures of the same names, which are taken instead"
    ] * 2


def test_nothing_but_headers_is_read_before_a_frame_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _pictures(tmp_path, "1.png", "2.png")
    read = []
    monkeypatch.setattr(frames, "read_whole_image", lambda *place: read.append(place[0].name))
    found = open_frames([tmp_path])
    assert [found.size(index) for index in range(2)] == [(4, 5)] * 2
    assert read == []
    found.read(1)
    assert read == ["2.png"]


def test_what_is_no_stack_is_refused_in_a_line_that_mends_it(tmp_path: Path):
    (path,) = _pictures(tmp_path / "full", "a.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.png").write_text("not an image")
    for places, said in (
        ([tmp_path / "none"], "none: no such file, expected a folder of pictures, or a picture"),
        ([tmp_path / "empty"], "empty: holds no pictures, expected the frames of a stack; check the path"),
        ([tmp_path], "a stack in each of its folders there is --each"),
        ([tmp_path / "full" / "*.tif"], r"\*\.tif: no picture is called so; check the folder and the suffix"),
        ([path, path], "given twice; leave one out"),
        ([path, tmp_path / "full"], "given twice; leave one out"),
        ([path, tmp_path / "empty" / ".." / "full" / "a.png"], "given twice, also as .*; leave one out"),
        ([tmp_path / "text.png"], "not an image, whatever its suffix says"),
        ([r"C:\pics\a.png"], "a Windows path"),
    ):
        if places == [tmp_path]:
            (tmp_path / "text.png").unlink()
        with pytest.raises(RequestError, match=said) as error:
            open_frames(places)
        assert "\n" not in str(error.value)
        (tmp_path / "text.png").write_text("not an image")


def test_what_lies_in_a_folder_and_cannot_be_read_can_be_done_without_and_what_is_named_can_not(tmp_path: Path):
    _pictures(tmp_path, "a.png", "c.png")
    damaged = tmp_path / "b.png", tmp_path / "b.tif"
    for path in damaged:
        path.write_bytes(b"II*\0 not an image")
    for places in ([tmp_path], [tmp_path / "*"]):
        found = open_frames(places)
        assert found.names == ("a.png", "b.png", "b.tif", "c.png")
        for index in (1, 2):
            for reading in (found.size, found.read):
                with pytest.raises(UnreadableFrameError) as error:
                    reading(index)
                assert str(error.value) == f"{tmp_path / found.names[index]}: {error.value.reason}"
    for path in damaged:
        with pytest.raises(RequestError) as error:
            open_frames([tmp_path / "a.png", path])
        assert not isinstance(error.value, UnreadableFrameError)


def test_frames_in_memory(rgb8: np.ndarray, rgb16: np.ndarray):
    held = HeldFrames([rgb8, rgb16[..., 0]])
    assert (len(held), held.names, held.size(1)) == (2, ("frame 1", "frame 2"), (5, 7))
    assert [(held.read(index).bits, held.read(index).gray) for index in (0, 1)] == [(8, False), (16, True)]
    again = HeldFrames([held.read(0)], names=["a"])
    assert again.read(0) is held.read(0)
    assert again.names == ("a",)
    for wrong in (rgb8.astype(np.float32), rgb8[0, 0], rgb8[..., :2], rgb8[:0]):
        with pytest.raises(RequestError, match=r"frame 1: .* expected \(H, W, 3\) or \(H, W\)"):
            HeldFrames([wrong])
    with pytest.raises(RequestError, match="got 2 for 1 frames"):
        HeldFrames([rgb8], names=["a", "b"])
