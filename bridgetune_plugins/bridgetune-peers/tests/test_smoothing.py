import numpy as np
import pytest

from bridgetune import create
from bridgetune.inference.smoothing import guided, smoothed, without_small_regions
from bridgetune_peers.smoothing import cnn, gacn, mfif_gan, sesf, without_holes


def sources(height: int = 60, width: int = 80) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)


def halves(height: int = 60, width: int = 80) -> np.ndarray:
    """Logits for the first source in the left half, but for a pixel in each."""
    logits = np.full((height, width), -9.0, np.float32)
    logits[:, : width // 2] = 9
    logits[20, 10], logits[20, -10] = -9, 9
    return logits


def test_sesf_closes_holes_and_drops_islands_by_a_disk_and_by_their_size():
    clean = np.zeros((60, 80))
    clean[:, :40] = 1
    assert np.array_equal(without_holes(halves() > 0), clean)
    dot = np.zeros((60, 80))
    dot[20:34, 20:34] = 1  # 196 pixels, less what a disk of radius 5 does not reach into its corners
    assert 100 < without_holes(dot).sum() < 196
    assert without_holes(dot)[20, 20] == 0


@pytest.mark.parametrize("name", ["sesf", "gacn", "mfif-gan", "cnn"])
def test_the_paper_of_each_cleans_a_map_and_leaves_what_is_sure(name: str):
    first, second = sources()
    weights = smoothed(halves(), first, second, ("paper",), create(name, weights=None, **small(name)))
    assert weights.shape == (60, 80)
    if name != "gacn":  # which only filters the boundary
        assert abs(weights[20, 10] - 1) < 0.2
        assert abs(weights[20, -10]) < 0.2
    assert abs(weights[40, 5] - 1) < 0.05
    assert abs(weights[40, -5]) < 0.05


def small(name: str) -> dict[str, int]:
    return {"mfif-gan": {"width": 2, "blocks": 1}, "cnn": {"width": 2}}.get(name, {})


def test_papers_do_what_they_say():
    first, second = sources()
    assert np.array_equal(cnn(halves(), first, second), guided(without_small_regions(halves() > 0), first, second))
    thousandth = halves()
    thousandth[40:42, 60:62] = 9  # 4 of 4800 pixels
    assert mfif_gan(thousandth, first, second)[40, 60] == 0
    thousandth[40:43, 60:62] = 9
    assert mfif_gan(thousandth, first, second)[40, 60] == 1
    unsure = np.zeros((60, 80), np.float32)
    assert gacn(unsure, first, first)[30, 40] == pytest.approx(0.5)  # a map between 0 and 1 stays one
    assert sesf(halves(), first, second).min() < sesf(halves(), first, second).max()


def test_pictures_of_16_bits_are_smoothed_as_those_of_8():
    first, second = sources()
    deep = first.astype(np.uint16) * 257, second.astype(np.uint16) * 257
    for smoother in (sesf, gacn, cnn):
        assert smoother(halves(), *deep) == pytest.approx(smoother(halves(), first, second), abs=1e-5)
