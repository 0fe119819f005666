"""Somebody's pictures: read with care, shown with their sharpness, and gone when they are not wanted."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from bridgetune.app.sheets import THUMBNAIL, Sheet, Sheets
from bridgetune.app.tiles import as_png
from bridgetune.app.uploads import Upload
from bridgetune.app.work import Task
from bridgetune.errors import RequestError
from tests.support.pages import frames_of


def sheet_of(folder: Path, **files: bytes | np.ndarray) -> Sheet:
    """Files by their senders' names, `_` for the dot of the suffix."""
    uploads = []
    for number, (name, data) in enumerate(files.items()):
        path = folder / f"sent-{number:04}{'.tif' if name.endswith('_tif') else ''}"
        path.write_bytes(data if isinstance(data, bytes) else as_png(data))
        uploads.append(Upload(name.replace("_", "."), path))
    return Sheet(folder, uploads)


def read(sheet: Sheet) -> Sheet:
    sheet.read(Task(lambda task: None))
    return sheet


def test_every_frame_has_a_card_a_thumbnail_and_its_part_of_the_scene(tmp_path: Path):
    sheet = read(sheet_of(tmp_path, **{f"{name}_png": frame for name, frame in zip("abcd", frames_of(4), strict=True)}))
    assert [(card.name, card.width, card.height, card.bits) for card in sheet.cards] == [
        (f"{name}.png", 96, 48, 8) for name in "abcd"
    ]
    assert [card.best for card in sheet.cards] == pytest.approx([0.25] * 4, abs=0.05)
    assert all(card.sharpness > 10 for card in sheet.cards)
    assert sheet.frames.names == tuple(card.name for card in sheet.cards)
    assert all(sheet.thumbnail(number).is_file() for number in range(4))
    look = cv2.imread(str(sheet.preview))[..., ::-1]
    assert (look == frames_of(1)[0]).all(axis=2).mean() > 0.7  # but for feathered seams


def test_a_sharp_frame_has_a_higher_value_than_a_blurred_one(tmp_path: Path):
    sharp = frames_of(1)[0]
    sheet = read(sheet_of(tmp_path, blurred_png=cv2.GaussianBlur(sharp, (0, 0), 2), sharp_png=sharp))
    assert sheet.cards[1].sharpness > 1.5 * sheet.cards[0].sharpness
    assert [card.best for card in sheet.cards] == pytest.approx([0, 1], abs=0.01)


def test_what_is_no_picture_is_named_and_left_out(tmp_path: Path):
    first, second = frames_of(2)
    cut = as_png(first)[:-40]
    sheet = read(sheet_of(tmp_path, a_png=first, notes_txt=b"Dear diary", cut_png=cut, b_png=second))
    assert [card.name for card in sheet.cards] == ["a.png", "b.png"]
    assert [line.partition(":")[0] for line in sheet.refused] == ["notes.txt", "cut.png"]
    assert all("\n" not in line and str(tmp_path) not in line and "sent-" not in line for line in sheet.refused)


def test_one_picture_is_too_few(tmp_path: Path):
    with pytest.raises(RequestError, match="1 can be read, expected two or more"):
        read(sheet_of(tmp_path, a_png=frames_of(1)[0], notes_txt=b"Dear diary"))


def test_the_pages_of_a_tiff_are_frames(tmp_path: Path):
    tifffile.imwrite(tmp_path / "pages.tif", np.stack(frames_of(3)), photometric="rgb")
    sheet = read(sheet_of(tmp_path, cells_tif=(tmp_path / "pages.tif").read_bytes()))
    assert sheet.frames.names == ("cells.tif, page 1", "cells.tif, page 2", "cells.tif, page 3")


def test_frames_of_one_name_are_told_apart(tmp_path: Path):
    sheet = sheet_of(tmp_path, **{f"{name}_png": frame for name, frame in zip("abc", frames_of(3), strict=True)})
    sheet.uploads = [Upload("same.png", upload.path) for upload in sheet.uploads]
    assert read(sheet).frames.names == ("same.png", "same.png (2)", "same.png (3)")


def test_frames_of_several_sizes_have_no_part_of_a_scene(tmp_path: Path):
    sheet = read(sheet_of(tmp_path, a_png=frames_of(1)[0], b_png=frames_of(1, 50, 90)[0]))
    assert [card.best for card in sheet.cards] == [None, None]


def test_without_a_quick_look_it_says_why(tmp_path: Path):
    sheet = read(sheet_of(tmp_path, a_png=frames_of(1)[0], b_png=frames_of(1, 50, 90)[0]))
    assert not sheet.preview.exists()
    assert "of 2 frames 1 can be used" in sheet.unseen
    assert sheet.sizes == ["96×48", "90×50"]


def test_lines_name_files_as_they_were_sent_whatever_they_are_called(tmp_path: Path):
    sheet = Sheet(
        tmp_path, [Upload("sent-0002.jpg", tmp_path / "sent-0001.jpg"), Upload("b", tmp_path / "sent-0002.jpg")]
    )
    line = f"{tmp_path / 'sent-0002.jpg'}: compared with sent-0001.jpg the scene is larger (--align auto)"
    assert sheet.in_words(line) == (
        "b: compared with sent-0002.jpg the scene is larger (“Alignment” at “by what is found”)"
    )


def test_thumbnails_are_small(tmp_path: Path):
    sheet = read(sheet_of(tmp_path, a_png=frames_of(2, 300, 20)[0], b_png=frames_of(2, 300, 20)[1]))
    assert max(cv2.imread(str(sheet.thumbnail(0))).shape) == THUMBNAIL


def kept(sheets: Sheets) -> Sheet:
    sheet = Sheet(sheets.place(), [])
    (sheet.folder / "file").touch()
    sheets.add(sheet)
    return sheet


def test_a_sheet_is_found_by_its_name_until_it_is_removed(tmp_path: Path):
    gone: list[Sheet] = []
    sheets = Sheets(tmp_path, removed=gone.append)
    sheet, other = kept(sheets), kept(sheets)
    assert sheets.find(sheet.id) is sheet
    sheets.remove(sheet)
    with pytest.raises(RequestError, match="choose them again"):
        sheets.find(sheet.id)
    assert (gone, list(tmp_path.iterdir())) == ([sheet], [other.folder])


def test_what_was_asked_for_last_stays_and_what_is_worked_on(tmp_path: Path):
    sheets = Sheets(tmp_path, most=2)
    first, busy = kept(sheets), kept(sheets)
    busy.task = Task(lambda task: None)
    sheets.find(first.id)
    third = kept(sheets)
    assert sheets.all() == [busy, third]
    fourth = kept(sheets)
    assert sheets.all() == [busy, fourth]


def test_what_nobody_asks_for_goes_in_time(tmp_path: Path):
    sheets = Sheets(tmp_path, idle=-1)
    assert sheets.all() == []
    kept(sheets)
    assert (sheets.all(), list(tmp_path.iterdir())) == ([], [])
