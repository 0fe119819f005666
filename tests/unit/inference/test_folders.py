"""Fusing the pairs of a folder: each by itself, none written over, and what cannot be aligned left out by name."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from bridgetune import Generator, RequestError
from bridgetune.inference import fuse_files, fuse_folder
from bridgetune.pictures import read_image, write_image
from bridgetune.wrapping.known_pair import texture
from tests.support.sources import noise_in


class Brighter(Generator):
    """The first image is in focus where it is brighter, or as bright, and that for sure."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return 100 * (first - second).mean(1, keepdim=True)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return noise_in(tmp_path / "sources", 3, 5, 6)


def test_a_folder_is_fused_pair_by_pair(sources: Path, tmp_path: Path):
    told = list(fuse_folder(Brighter(), sources, tmp_path / "out", maps=tmp_path / "maps"))
    assert told == [("0", 1, 3), ("1", 2, 3), ("2", 3, 3)]
    for stem, _, _ in told:
        single = fuse_files(Brighter(), sources / "A" / f"{stem}.png", sources / "B" / f"{stem}.png")
        assert np.array_equal(read_image(tmp_path / "out" / f"{stem}.png").pixels, single.pixels)
        kept = read_image(tmp_path / "maps" / f"{stem}.png")
        assert np.array_equal(kept.pixels[..., 0], single.decision * 255)


def test_no_folder_is_written_over(sources: Path, tmp_path: Path):
    (tmp_path / "file").touch()
    before = sorted(tmp_path.rglob("*"))
    for out, maps, said in (
        (sources / "A", None, "holds the sources"),
        (tmp_path / "out", sources / "B", "holds the sources"),
        (tmp_path / "file", None, "is a file"),
        (tmp_path / "out", tmp_path / "out", "name two places"),
    ):
        with pytest.raises(RequestError, match=said):
            next(fuse_folder(Brighter(), sources, out, maps=maps))
    assert sorted(tmp_path.rglob("*")) == before


def test_a_pair_that_cannot_be_aligned_is_named_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING, "bridgetune")
    scenes = [(texture(160, seed)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8) for seed in range(3)]
    for stem, first, second in (("good", 0, 0), ("other", 1, 2)):
        write_image(tmp_path / "in" / "A" / f"{stem}.png", scenes[first])
        write_image(tmp_path / "in" / "B" / f"{stem}.png", scenes[second])
    told = list(fuse_folder(Brighter(), tmp_path / "in", tmp_path / "out", align="auto"))
    assert told == [("good", 1, 2)]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.png"]
    assert "other.png: cannot be registered with other.png" in caplog.text
    assert "the pair is left out" in caplog.text
    for side in "AB":
        (tmp_path / "in" / side / "good.png").unlink()
    with pytest.raises(RequestError, match="cannot be registered"):
        list(fuse_folder(Brighter(), tmp_path / "in", tmp_path / "none", align="auto"))


def test_pairs_of_two_sizes_are_fused_where_they_are_aligned(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING, "bridgetune")
    scene = (texture(160, 0)[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)
    for stem, rows in (("smaller", 140), ("whole", 160)):
        write_image(tmp_path / "in" / "A" / f"{stem}.png", scene)
        write_image(tmp_path / "in" / "B" / f"{stem}.png", scene[:rows])
    told = list(fuse_folder(Brighter(), tmp_path / "in", tmp_path / "aligned", align="auto"))
    assert told == [("smaller", 1, 2), ("whole", 2, 2)]
    both = (tmp_path / "in" / side / "smaller.png" for side in "AB")
    single = fuse_files(Brighter(), *both, align="auto")
    assert np.array_equal(read_image(tmp_path / "aligned" / "smaller.png").pixels, single.pixels)
    assert list(fuse_folder(Brighter(), tmp_path / "in", tmp_path / "plain")) == [("whole", 1, 2)]
    assert "smaller.png is 160×140; align or crop them first (--align auto); the pair is left out" in caplog.text


def test_a_pair_that_cannot_be_read_stops_no_other(sources: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING, "bridgetune")
    for stem in "02":
        (sources / "A" / f"{stem}.png").write_bytes(b"no picture")
    assert list(fuse_folder(Brighter(), sources, tmp_path / "out")) == [("1", 1, 3)]
    assert caplog.text.count("the pair is left out") == 2
    (sources / "B" / "1.png").write_bytes(b"no picture")
    with pytest.raises(RequestError, match=r"sources: no pair can be fused: .*2\.png"):
        list(fuse_folder(Brighter(), sources, tmp_path / "none"))
