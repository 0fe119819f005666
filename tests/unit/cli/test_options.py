"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridgetune import create
from bridgetune.cli.options import _fractions
from bridgetune.data import read_image, write_image
from bridgetune.inference import fuse_files
from tests.support.commands import refused, succeeds


@pytest.mark.parametrize(
    ("typed", "sizes"), [("1", (1,)), ("1,1/2,1/4", (1, 0.5, 0.25)), ("1, 0.5, 1/3", (1, 0.5, 1 / 3))]
)
def test_scales_are_fractions_or_decimals(typed: str, sizes: tuple[float, ...]):
    assert _fractions(typed) == sizes


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    for seed, name in enumerate(("a.png", "b.png")):
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 48, 3), dtype=np.uint8)
        write_image(tmp_path / name, pixels)
    return [tmp_path / "a.png", tmp_path / "b.png"]


def test_pictures_are_fused_as_the_options_say(pair: list[Path], tmp_path: Path):
    create("drpl", weights=None, blocks=1, width=4).save_pretrained(tmp_path / "g")
    said = succeeds("fuse", *pair, "-o", tmp_path / "f.png", "--generator", tmp_path / "g", "--scales", "1,1/2")
    assert "fused image in" in said
    asked = create("drpl", weights=tmp_path / "g", scales=(1, 0.5), blocks=1, width=4)
    assert np.array_equal(read_image(tmp_path / "f.png").pixels, fuse_files(asked, *pair).pixels)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("1,x", "--scales: got '1,x', expected sizes such as 1,1/2,1/4"),
        ("1,1/0", "--scales: got '1,1/0', expected sizes such as 1,1/2,1/4"),
        ("1/2", "scales: got 0.5; expected 1, then whole fractions of it, each once: 1, 1/2, 1/4, say"),
    ],
)
def test_sizes_that_are_none_are_refused_in_a_line(typed: str, said: str, pair: list[Path], tmp_path: Path):
    line = refused("fuse", *pair, "-o", tmp_path / "f.png", "--scales", typed)
    assert said in line
    assert not (tmp_path / "f.png").exists()
