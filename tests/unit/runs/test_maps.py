"""Maps of held-out pairs: kept from the first step on, of a few pairs, and shown in reports."""

from __future__ import annotations

from pathlib import Path

import torch

from bridgetune.pages import Slider
from bridgetune.pictures import read_image
from bridgetune.runs.maps import BESIDE, KEPT, PARTS, HeldOutMaps

SOURCES = torch.zeros(3, 8, 12), torch.ones(3, 8, 12)


def keep(maps: HeldOutMaps, number: int, level: float, step: int) -> None:
    maps.keep(number, SOURCES, torch.ones(1, 8, 12), torch.full((1, 8, 12), level), step)


def levels(path: Path) -> set[int]:
    return set(read_image(path).pixels.ravel().tolist())


def test_what_was_before_stays_and_what_is_now_follows(tmp_path: Path):
    maps = HeldOutMaps(tmp_path / "maps")
    assert (maps.all(), maps.markdown(), maps.sliders()) == ([], "", [])
    for step, level in ((0, 0.2), (5, 0.6), (9, 1.0)):
        keep(maps, 2, level, step)
    (pair,) = maps.all()
    assert pair.number == 2
    assert {part: levels(path) for part, path in pair.files.items()} == {
        "first": {0},
        "second": {255},
        "true": {255},
        "before": {51},
        "now": {255},
    }


def test_a_few_pairs_are_kept(tmp_path: Path):
    maps = HeldOutMaps(tmp_path)
    for number in range(1, KEPT + 3):
        keep(maps, number, 0.5, 0)
    assert [pair.number for pair in maps.all()] == list(range(1, KEPT + 1))
    assert len(list(tmp_path.iterdir())) == KEPT * len(PARTS)


def test_what_began_without_maps_goes_on_without(tmp_path: Path):
    maps = HeldOutMaps(tmp_path / "maps")
    keep(maps, 1, 0.5, 100)
    assert not maps.folder.exists()


def test_a_pair_of_which_something_is_missing_is_not_shown(tmp_path: Path):
    maps = HeldOutMaps(tmp_path)
    keep(maps, 1, 0.5, 0)
    keep(maps, 2, 0.5, 0)
    (tmp_path / "1-true.png").unlink()
    (tmp_path / "x-now.png").touch()
    assert [pair.number for pair in maps.all()] == [2]


def test_reports_show_them(tmp_path: Path):
    maps = HeldOutMaps(tmp_path / "maps")
    keep(maps, 1, 0.5, 0)
    assert "| ![first source](maps/1-first.png) | " in maps.markdown()
    title, *sliders = maps.sliders()
    assert title == "## Maps of held-out pairs"
    assert [(each.left, each.right) for each in sliders if isinstance(each, Slider)] == [
        (PARTS[left], PARTS[right]) for left, right in BESIDE
    ]
