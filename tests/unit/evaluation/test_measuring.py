"""The scores of one image: what is asked of a generator, and what is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridgetune import wrap
from bridgetune.config import AdapterConfig
from bridgetune.data import Picture, read_image, write_image
from bridgetune.evaluation.dataset import ImageFiles
from bridgetune.evaluation.measuring import Method, kept_files, measure
from bridgetune.inference import Undecided, fuse_pictures


class Counting(nn.Module):
    """The difference of the images' gray, with an offset that depends on the order; counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        self.asked += 1
        return (first - second).mean(1, keepdim=True) + 0.05


@pytest.fixture
def files(tmp_path: Path) -> ImageFiles:
    """A pair of noise with equal pixels, where a symmetric generator's logit is exactly 0."""
    random = np.random.default_rng(0)
    first, second = random.integers(0, 256, (2, 20, 24, 3)).astype(np.uint8)
    second[:5] = first[:5]
    for name, pixels in (("a", first), ("b", second)):
        write_image(tmp_path / f"{name}.png", pixels)
    return ImageFiles("x", (20, 24), tmp_path / "a.png", tmp_path / "b.png")


@pytest.mark.parametrize("symmetric", [False, True])
def test_a_symmetric_generator_is_not_asked_for_the_other_order(files: ImageFiles, symmetric: bool):
    network = Counting()
    generator = wrap(network, AdapterConfig(call="pair", output="logits", symmetric=symmetric)).eval()
    network.asked = 0
    scores = measure(files, Method(generator))
    assert 0 < scores["undecided"] < 1
    assert network.asked == (1 if symmetric else 2)
    assert (scores["swap_inconsistency"] == 0) is symmetric


@pytest.mark.parametrize("undecided", ["keep", "settle"])
def test_the_map_that_is_not_asked_for_is_the_one_that_would_come_but_for_ties(files: ImageFiles, undecided: Undecided):
    generator = wrap(Counting(), AdapterConfig(call="pair", output="logits", symmetric=True)).eval()
    first, second = read_image(files.first), read_image(files.second)
    given, swapped = (_decided(generator, *pair, undecided=undecided) for pair in ((first, second), (second, first)))
    with torch.inference_mode():
        ties = (generator(first.tensor()[None], second.tensor()[None])[0, 0] == 0).numpy()
    assert 0 < ties.mean() < 1
    assert 0 < given.mean() < 1
    assert np.array_equal(swapped[~ties], 1 - given[~ties])
    assert undecided == "settle" or (given[ties] == swapped[ties]).all()


def test_what_is_kept_is_what_was_measured(files: ImageFiles, tmp_path: Path):
    generator = wrap(Counting(), AdapterConfig(call="pair", output="logits")).eval()
    scores = measure(files, Method(generator, keep=tmp_path / "kept"))
    fused, decision = kept_files(tmp_path / "kept", "x")
    assert (fused, decision) == (tmp_path / "kept/fused/x.png", tmp_path / "kept/maps/x.png")
    again = measure(ImageFiles("x", files.size, files.first, files.second, fused=fused), Method())
    assert again == {name: scores[name] for name in again if name != "invention_homogeneous"} | {
        "invention_homogeneous": pytest.approx(scores["invention_homogeneous"], nan_ok=True)
    }
    mask = read_image(decision).pixels[..., 0] == 255
    first, second = (read_image(path).pixels for path in (files.first, files.second))
    assert np.array_equal(read_image(fused).pixels, np.where(mask[..., None], first, second))
    assert torch.count_nonzero(torch.from_numpy(mask))


def test_what_is_measured_is_of_maps_that_are_smoothed_as_asked(files: ImageFiles, tmp_path: Path):
    generator = wrap(Counting(), AdapterConfig(call="pair", output="logits", symmetric=True)).eval()
    generator.network.asked = 0
    measure(files, Method(generator, keep=tmp_path / "kept", smooth=("small-regions", "guided")))
    assert generator.network.asked == 2  # a smoothed map of the other order need not be this one turned round
    fused, _ = kept_files(tmp_path / "kept", files.stem)
    expected = fuse_pictures(
        generator, read_image(files.first), read_image(files.second), borders="keep", smooth=("small-regions", "guided")
    )
    assert np.array_equal(read_image(fused).pixels, expected.pixels)


def _decided(generator: nn.Module, first: Picture, second: Picture, undecided: Undecided) -> NDArray[np.float32]:
    decision = fuse_pictures(generator, first, second, undecided=undecided).decision
    assert decision is not None
    return decision
