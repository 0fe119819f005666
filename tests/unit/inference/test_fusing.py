"""Fusing pictures and folders at full resolution."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bridgetune import Evaluator, Generator, RequestError
from bridgetune.inference import fuse_files, fuse_folder, fuse_pictures
from bridgetune.inference.feathering import shares
from bridgetune.inference.laying import laid
from bridgetune.pictures import Metadata, Picture, read_image, read_whole_image, write_image


class Brighter(Generator):
    """The first image is in focus where it is brighter, or as bright, and that for sure."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return 100 * (first - second).mean(1, keepdim=True)


class KnowsTheLeft(Generator):
    """Sure of the first image in the left tenth; everywhere else a weak vote for the second."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        logits = torch.full_like(first[:, :1], -0.1)
        logits[..., : first.shape[-1] // 10] = 9
        return logits


def noise(kind: type[np.uint8 | np.uint16], *shape: int, seed: int = 0) -> NDArray[np.uint8 | np.uint16]:
    return np.random.default_rng(seed).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_every_pixel_is_one_of_the_sources_own(kind: type[np.uint8 | np.uint16]):
    first, second = (noise(kind, 9, 14, 3, seed=seed) for seed in (0, 1))
    pair = Picture(first, gray=False), Picture(second, gray=False)
    fusion = fuse_pictures(Brighter(), *pair, blend="none")
    assert fusion.pixels.dtype == kind
    assert fusion.decision.shape == (9, 14)
    assert set(np.unique(fusion.decision)) == {0, 1}
    sums = first.sum(2, dtype=np.int64), second.sum(2, dtype=np.int64)
    brighter = np.where((sums[0] > sums[1])[..., None], first, second)
    apart = abs(sums[0] - sums[1]) > 1  # below that, float32 decides
    assert np.array_equal(fusion.pixels[apart], brighter[apart])
    assert np.array_equal(fusion.pixels, np.where(fusion.decision[..., None] == 1, first, second))
    feathered = fuse_pictures(Brighter(), *pair)
    taken = laid(fusion.decision == 1, first, second)
    assert np.array_equal(feathered.decision == 1, taken)
    steps, inside = np.where(taken[..., None], first, second), np.isin(shares(taken, 1), (0, 9))
    assert np.array_equal(feathered.pixels[inside], steps[inside])
    assert (feathered.pixels != steps).any()


def test_of_two_depths_the_deeper_is_kept_and_white_stays_white():
    white, black = np.full((2, 3, 3), 255, np.uint8), np.zeros((2, 3, 3), np.uint16)
    fusion = fuse_pictures(Brighter(), Picture(white, gray=False), Picture(black, gray=False))
    assert fusion.pixels.dtype == np.uint16
    assert (fusion.pixels == 65535).all()


def test_two_gray_pictures_make_a_gray_one_and_a_gray_and_a_coloured_one_a_coloured_one():
    gray = Picture(noise(np.uint8, 4, 5, 1).repeat(3, 2), gray=True)
    coloured = Picture(noise(np.uint8, 4, 5, 3, seed=1), gray=False)
    assert fuse_pictures(Brighter(), gray, gray).pixels.shape == (4, 5)
    assert fuse_pictures(Brighter(), gray, coloured).pixels.shape == (4, 5, 3)


def test_files_of_two_sizes_are_both_named(tmp_path: Path):
    write_image(tmp_path / "near.png", noise(np.uint8, 4, 6))
    write_image(tmp_path / "far.png", noise(np.uint8, 4, 5))
    with pytest.raises(RequestError, match=r"near\.png is 6×4, .*far\.png is 5×4; align or crop"):
        fuse_files(Brighter(), tmp_path / "near.png", tmp_path / "far.png")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for number in range(3):
        for place, side in enumerate("AB"):
            write_image(
                tmp_path / "sources" / side / f"{number}.png", noise(np.uint8, 5, 6, 3, seed=2 * number + place)
            )
    return tmp_path / "sources"


def test_a_generator_without_parameters_fuses_on_the_cpu():
    picture = Picture(noise(np.uint8, 4, 4, 3), gray=False)
    assert not list(Brighter().parameters())
    assert torch.equal(torch.tensor(fuse_pictures(Brighter(), picture, picture).pixels), torch.tensor(picture.pixels))


MEAN = Evaluator("mean", lambda first, second: (first + second) / 2)


def test_an_evaluator_fuses_pictures_and_folders_and_leaves_no_map(sources: Path, tmp_path: Path):
    gray = Picture(noise(np.uint8, 4, 5, 1).repeat(3, 2), gray=True)
    fusion = fuse_pictures(MEAN, gray, gray)
    assert fusion.decision is None
    assert np.array_equal(fusion.pixels, gray.pixels[..., 0])
    assert [stem for stem, _, _ in fuse_folder(MEAN, sources, tmp_path / "out")] == ["0", "1", "2"]
    first, second = (read_image(sources / side / "0.png").pixels.astype(float) for side in "AB")
    assert abs(read_image(tmp_path / "out" / "0.png").pixels - (first + second) / 2).max() <= 0.51


def test_what_needs_a_map_is_refused_of_an_evaluator_before_anything_is_written(sources: Path, tmp_path: Path):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(RequestError, match="mean is an evaluator, which draws no decision map"):
        next(fuse_folder(MEAN, sources, tmp_path / "out", maps=tmp_path / "maps"))
    with pytest.raises(RequestError, match="recipe released: mean is an evaluator"):
        next(fuse_folder(MEAN, sources, tmp_path / "out", recipe="released"))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.fixture
def even(tmp_path: Path) -> list[Path]:
    for name, level in (("near.png", 100), ("far.png", 110)):
        write_image(tmp_path / name, np.full((50, 100, 3), level, np.uint8))
    return [tmp_path / "near.png", tmp_path / "far.png"]


def test_what_the_network_does_not_know_follows_its_surroundings_unless_it_is_to_be_kept(even: list[Path]):
    kept = fuse_files(KnowsTheLeft(), *even, undecided="keep")
    assert (kept.decision[:, :10] == 1).all()
    assert (kept.decision[:, 10:] == 0).all()
    settled = fuse_files(KnowsTheLeft(), *even, blend="none")
    assert settled.decision[:, 30:60].all(), "beyond the window of which the sure tenth is a large share"
    assert (settled.pixels[settled.decision == 1] == 100).all()
    assert settled.undecided == kept.undecided == 0.9


def test_the_authors_program_keeps_what_the_network_says(even: list[Path]):
    asked = [fuse_files(KnowsTheLeft(), *even, "released", undecided) for undecided in ("settle", "keep")]
    assert np.array_equal(asked[0].decision, asked[1].decision)
    assert not asked[0].decision[:, 20:].any()
    assert asked[0].undecided == pytest.approx(0.9, abs=0.01), "of the map of 256×256"


@pytest.mark.parametrize(
    ("recipe", "undecided", "said"),
    [
        ("paper", "settle", "which follow their surroundings; look at the map (--map)"),
        ("paper", "keep", "whose sides are chance; look at the map (--map)"),
        ("released", "settle", "whose sides are chance; look at the map (--map)"),
    ],
)
def test_a_map_that_is_mostly_undecided_is_warned_of_in_a_line(
    recipe: str,
    undecided: str,
    said: str,
    even: list[Path],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    fuse_files(KnowsTheLeft(), *even, recipe, undecided)
    *_, message = caplog.messages
    assert message.startswith(f"{even[0]} and {even[1]}: the network is undecided on 90 % of the pixels, {said}")
    assert "\n" not in message


def test_the_same_picture_twice_is_said_to_be_that_in_a_line(
    even: list[Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    fusion = fuse_files(KnowsTheLeft(), even[0], even[0])
    assert np.array_equal(fusion.pixels, read_image(even[0]).pixels)
    _, said = caplog.messages
    assert said.startswith(f"{even[0]} is the same picture as {even[0]}: all is undecided")


def test_pictures_of_two_scenes_are_warned_of_in_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    places = [tmp_path / f"{seed}.png" for seed in (0, 1)]
    for seed, place in enumerate(places):
        write_image(place, noise(np.uint8, 5, 7, 3, seed=seed).repeat(30, 0).repeat(30, 1))
    fuse_files(Brighter(), *places)
    assert caplog.messages == [f"{places[0]} and {places[1]} have little in common: are they of one scene?"]


def test_a_picture_of_nothing_is_warned_of_in_a_line_and_fused_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    flat, sharp = tmp_path / "flat.png", tmp_path / "sharp.png"
    write_image(flat, np.full((50, 70, 3), 128, np.uint8))
    write_image(sharp, noise(np.uint8, 5, 7, 3).repeat(10, 0).repeat(10, 1))
    for pair in ((flat, sharp), (sharp, flat)):
        caplog.clear()
        assert fuse_files(Brighter(), *pair).pixels.shape == (50, 70, 3)
        (said,) = caplog.messages
        assert said == f"{flat} is even all over, and nothing in it can be in focus: is it the picture that was meant?"


def test_a_gray_picture_with_a_coloured_one_is_warned_of_without_advice_on_channels(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    coloured, bare = tmp_path / "coloured.png", tmp_path / "bare.png"
    pixels = noise(np.uint8, 9, 12, 3).repeat(20, 0).repeat(20, 1) // 4 * np.uint8([3, 2, 1]) + np.uint8([20, 30, 40])
    write_image(coloured, pixels)
    for in_file in (pixels.mean(2), np.repeat(pixels.mean(2, keepdims=True), 3, 2)):
        write_image(bare, in_file.round().astype(np.uint8))
        for pair in ((coloured, bare), (bare, coloured)):
            caplog.clear()
            fuse_files(Brighter(), *pair)
            said, *others = caplog.messages
            assert said == (
                f"{bare} is gray and {coloured} in colour: the fused image is gray where bare.png is taken; photograph"
                " that in colour, or convert coloured.png to gray"
            )
            assert not any(channel in line for line in others for channel in ("in red", "in green", "in blue"))


def test_a_map_that_is_decided_is_not_warned_of(
    even: list[Path], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)

    class Sure(Generator):
        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            logits = torch.full_like(first[:, :1], 9)
            logits[..., : first.shape[-1] // 4] = 0
            return logits

    assert fuse_files(Sure(), *even).undecided == 0.25
    assert not any("undecided" in line for line in caplog.messages)


class Never(Generator):
    """The first image is nowhere in focus."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return torch.full_like(first[:, :1], -9)


def bordered(tmp_path: Path) -> list[Path]:
    """Two spotted pictures; the second has a black border of 20 rows."""
    spots = np.kron(noise(np.uint8, 8, 10, 3) // 2 + 100, np.ones((10, 10, 1), np.uint8))
    write_image(tmp_path / "a.png", spots)
    write_image(tmp_path / "b.png", np.concatenate([np.zeros((20, 100, 3), np.uint8), spots[20:] // 2]))
    return [tmp_path / "a.png", tmp_path / "b.png"]


def test_a_black_border_of_one_source_is_taken_from_the_other_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    sources = bordered(tmp_path)
    fusion = fuse_files(Never(), *sources)
    first, second = (read_image(path).pixels for path in sources)
    assert np.array_equal(fusion.decision, np.broadcast_to(np.arange(80)[:, None] < 22, (80, 100))), "and its rim"
    assert np.array_equal(fusion.pixels, np.where(fusion.decision[..., None] == 1, first, second))
    assert fusion.borders == (0, 22 / 80)
    assert [line for line in caplog.messages if line.startswith(f"{sources[1]}: 27.5% of its pixels are a border")]
    kept = fuse_files(Never(), *sources, borders="keep")
    assert (kept.decision == 0).all()
    assert np.array_equal(kept.pixels, second)
    assert np.array_equal(fuse_files(Never(), *sources, recipe="released").pixels, second), "as the program has it"


def test_an_evaluator_sees_the_other_source_in_a_border(tmp_path: Path):
    sources = bordered(tmp_path)
    first = read_image(sources[0]).pixels
    assert np.array_equal(fuse_files(MEAN, *sources).pixels[:20], first[:20])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_transparency_and_metadata_are_kept_by_fusing_and_saving(tmp_path: Path, suffix: str):
    pixels = noise(np.uint8, 10, 12, 4)
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels).save(tmp_path / name, dpi=(300, 300))
    fusion = fuse_files(Brighter(), tmp_path / "a.png", tmp_path / "b.png")
    fusion.save(tmp_path / f"fused{suffix}")
    fused = read_whole_image(tmp_path / f"fused{suffix}")
    assert np.array_equal(fused.alpha, pixels[..., 3])
    assert fused.metadata.resolution == pytest.approx((300, 300), rel=1e-4)
    replace(fusion, alpha=None, metadata=Metadata()).save(tmp_path / f"bare{suffix}")
    bare = read_whole_image(tmp_path / f"bare{suffix}")
    assert bare.alpha is None
    assert not bare.metadata


def test_what_sources_do_not_agree_on_and_what_a_format_cannot_hold_is_said_in_a_line_each(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    for name, dots in (("a.png", 300), ("b.png", 72)):
        Image.fromarray(noise(np.uint8, 10, 12, 4)).save(tmp_path / name, dpi=(dots, dots))
    fuse_files(Brighter(), tmp_path / "a.png", tmp_path / "b.png").save(tmp_path / "fused.jpg")
    differ, lost = (line for line in caplog.messages if "undecided" not in line)
    assert "b.png differ in resolution; the fused image has what the first says" in differ
    assert lost.startswith(f"{tmp_path / 'fused.jpg'}: cannot hold what the sources carry")
    assert "leaves out: transparency;" in lost
    assert "\n" not in differ + lost


def test_metadata_that_is_damaged_stops_no_fusion_and_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(logging.getLogger("bridgetune"), "propagate", True)
    pixels = noise(np.uint8, 10, 12, 3)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=b"Exif\0\0garbage", icc_profile=b"no profile")
    write_image(tmp_path / "b.png", pixels)
    fuse_files(Never(), tmp_path / "a.jpg", tmp_path / "b.png").save(tmp_path / "fused.png")
    assert np.array_equal(read_image(tmp_path / "fused.png").pixels, pixels)
    assert f"{tmp_path / 'a.jpg'}: its Exif, colour profile cannot be read and is left out" in caplog.messages
