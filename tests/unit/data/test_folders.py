from __future__ import annotations

import logging

import numpy as np
import pytest
from PIL import Image

from bridgetune.data import list_images
from bridgetune.data.folders import collect
from bridgetune.errors import RequestError
from bridgetune.ordering import natural_order


def stems(groups) -> list[str]:
    return [group[0].stem for group in groups]


def image(path, height=4, width=6):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((height, width, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def warned(caplog):
    caplog.set_level(logging.WARNING, logger="bridgetune")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "bridgetune"]


def test_2_comes_before_10_and_case_does_not_count():
    names = ["img10.png", "IMG2.png", "img1.png", "7", "b", "a-1", "a"]
    assert sorted(names, key=natural_order) == ["7", "a", "a-1", "b", "img1.png", "IMG2.png", "img10.png"]


def test_images_are_listed_by_suffix_in_either_case(tmp_path):
    for name in ("10.JPG", "2.png", ".hidden.png", "notes.txt", "1.Tiff"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["1.Tiff", "2.png", "10.JPG"]


def test_a_missing_folder_and_a_file_in_its_place_are_refused(tmp_path):
    with pytest.raises(RequestError, match="none: no such folder"):
        list_images(tmp_path / "none")
    with pytest.raises(RequestError, match="is a file"):
        list_images(image(tmp_path / "a.png"))


def test_files_match_by_stem_whatever_their_suffix(tmp_path, warned):
    for name in ("a/2.PNG", "b/2.jpg", "a/10.jpg", "b/10.png"):
        image(tmp_path / name)
    groups, skipped = collect([tmp_path / "a", tmp_path / "b"])
    assert [[path.name for path in group] for group in groups] == [["2.PNG", "2.jpg"], ["10.jpg", "10.png"]]
    assert skipped == []
    assert warned() == []


def test_what_has_no_partner_is_named_from_either_side(tmp_path, warned):
    for name in ("a/1.png", "b/1.png", "a/2.png", "b/3.png"):
        image(tmp_path / name)
    groups, skipped = collect([tmp_path / "a", tmp_path / "b"])
    assert stems(groups) == ["1"]
    assert {str(one) for one in skipped} == {
        "a/2.png (no file of this stem in b)",
        "b/3.png (no file of this stem in a)",
    }
    (message,) = warned()
    assert "kept 1, skipped 2" in message
    assert all(str(one) in message for one in skipped)


def test_two_files_of_one_stem_are_skipped_and_not_chosen_between(tmp_path):
    for name in ("a/1.png", "a/1.jpg", "b/1.png", "a/2.png", "b/2.png"):
        image(tmp_path / name)
    groups, skipped = collect([tmp_path / "a", tmp_path / "b"])
    assert stems(groups) == ["2"]
    assert {path.name for path, _ in skipped} == {"1.png", "1.jpg"}
    assert {reason for _, reason in skipped} == {"several files of this stem in a"}


@pytest.mark.parametrize("verify", ["decode", "header"])
def test_sizes_that_differ_are_named_with_both(tmp_path, verify):
    image(tmp_path / "a/1.png", 4, 6)
    image(tmp_path / "b/1.png", 5, 6)
    image(tmp_path / "a/2.png")
    image(tmp_path / "b/2.png")
    groups, (skipped,) = collect([tmp_path / "a"], [tmp_path / "b"], verify=verify)
    assert stems(groups) == ["2"]
    assert str(skipped) == "b/1.png (6x5 pixels, but a/1.png has 6x4)"


def test_a_truncated_file_is_found_by_decoding_and_not_from_the_header(tmp_path, truncate):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.jpg")
    truncate(tmp_path / "cut.jpg", 0.7)
    image(tmp_path / "whole.jpg")
    groups, (skipped,) = collect([tmp_path])
    assert stems(groups) == ["whole"]
    assert skipped.path.name == "cut.jpg"
    assert "truncated" in skipped.reason
    assert stems(collect([tmp_path], verify="header").groups) == ["cut", "whole"]


def test_a_mask_of_zeros_and_ones_is_skipped(tmp_path):
    for stem, full in (("1", 1), ("2", 255)):
        image(tmp_path / "a" / f"{stem}.png", 3, 3)
        Image.fromarray(np.eye(3, dtype=np.uint8) * full).save(image(tmp_path / "b" / f"{stem}.png"))
    groups, (skipped,) = collect([tmp_path / "a"], [tmp_path / "b"])
    assert stems(groups) == ["2"]
    assert "multiply it by 255" in skipped.reason


def test_one_warning_counts_all_and_names_five(tmp_path, warned):
    image(tmp_path / "good.png")
    for number in range(8):
        (tmp_path / f"bad{number}.png").write_text("no image")
    collect([tmp_path])
    (message,) = warned()
    assert "kept 1, skipped 8" in message
    assert message.count("not an image") == 5
    assert message.endswith("and 3 more")


def test_nothing_left_is_an_error_that_names_the_folders_and_the_reasons(tmp_path, warned):
    image(tmp_path / "a/1.png")
    image(tmp_path / "b/2.png")
    with pytest.raises(RequestError, match="nothing to use") as error:
        collect([tmp_path / "a", tmp_path / "b"])
    message = str(error.value)
    assert str(tmp_path / "a") in message
    assert str(tmp_path / "b") in message
    assert "no file of this stem in b" in message
    assert "\n" not in message
    assert warned() == []


def test_an_empty_folder_is_an_error_that_tells_what_is_looked_for(tmp_path):
    with pytest.raises(RequestError, match=r"\.png .*is there"):
        collect([tmp_path])


def test_an_unknown_thoroughness_is_refused(tmp_path):
    with pytest.raises(RequestError, match="verify: got 'maybe'"):
        collect([tmp_path], verify="maybe")
