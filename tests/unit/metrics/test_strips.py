"""Large pictures score in strips as they do whole, and little of them is kept."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from torch import Tensor

from bridgetune.metrics import METRICS, ScoredDecision, SourcePair, gradients, invented, phase, strips
from tests.support.metrics import PAPERS

SIZES = [(64, 80), (63, 80), (64, 81), (71, 61)]
"""Height and width, even and odd: phase congruency has other filters for either."""

NAMES = [*PAPERS, "invention", "invention_homogeneous"]


def drawn(height: int, width: int) -> list[Tensor]:
    """Two triples of smoothed noise, (2, 3, H, W); the upper half of the second's sources is flat."""
    random = torch.Generator().manual_seed(height)
    noise = (torch.randint(0, 256, (2, 3, height, width), generator=random).double() for _ in range(2))
    first, second = (torch.nn.functional.avg_pool2d(image, 5, 1, 2).to(torch.uint8) for image in noise)
    fused = torch.where(torch.rand(2, 1, height, width, generator=random) < 0.5, first, second)
    first[1, :, : height // 2] = second[1, :, : height // 2] = 50
    return [first, second, fused]


def in_strips(monkeypatch: pytest.MonkeyPatch, width: int, rows: int = 3) -> None:
    """Have every picture count as large, and its strips of so many rows."""
    monkeypatch.setattr(strips, "WHOLE", 0)
    monkeypatch.setattr(strips, "STRIP", rows * width)
    monkeypatch.setattr(phase, "ROWS", 20 * width)


def apart(one: dict[str, Tensor], other: dict[str, Tensor]) -> dict[str, float]:
    """The greatest difference of each score; what is NaN must be so in both."""
    assert all(torch.equal(one[name].isnan(), other[name].isnan()) for name in one)
    return {name: float((one[name] - other[name]).nan_to_num().abs().max()) for name in one}


@pytest.mark.parametrize("convention", ["toolbox", "paper"])
@pytest.mark.parametrize("responses", [torch.float32, torch.float64])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_strips_score_as_the_whole_does(
    monkeypatch: pytest.MonkeyPatch, height: int, width: int, responses: torch.dtype, convention: str
):
    first, second, fused = drawn(height, width)
    whole = SourcePair(first, second, responses=responses).score(fused, NAMES, convention)
    in_strips(monkeypatch, width)
    parted = SourcePair(first, second, responses=responses).score(fused, NAMES, convention)
    for name, difference in apart(whole, parted).items():
        assert difference < (1e-6 if name == "q_p" and responses == torch.float32 else 1e-12), name


@pytest.mark.parametrize(
    ("module", "names"), [(gradients, ("qabf_weighted", "qabf_mean")), (invented, ("invention",))], ids=str
)
def test_without_its_margin_a_strip_would_not(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, names: tuple[str, ...]
):
    first, second, fused = drawn(64, 80)
    whole = SourcePair(first, second).score(fused, names)
    in_strips(monkeypatch, 80, 4)
    monkeypatch.setattr(module, "MARGIN", 0)
    assert min(apart(whole, SourcePair(first, second).score(fused, names)).values()) > 1e-4


def test_along_a_seam_the_same_holds(monkeypatch: pytest.MonkeyPatch):
    first, second, fused = (images[:1] for images in drawn(64, 80))
    decision = torch.zeros(1, 1, 64, 80)
    decision[..., 20:50, 30:] = 1

    def seam() -> float:
        images = SourcePair(first, second).scored(fused)
        return float(METRICS["invention_seam"].computed(ScoredDecision(images, decision, 0.0)))

    whole = seam()
    in_strips(monkeypatch, 80)
    assert 0 < whole == pytest.approx(seam(), abs=1e-12)


def test_flat_large_pictures_have_the_values_of_small_ones(monkeypatch: pytest.MonkeyPatch):
    flat = torch.full((1, 1, 40, 32), 9, dtype=torch.uint8)
    whole = SourcePair(flat, flat).score(flat, NAMES)
    in_strips(monkeypatch, 32)
    assert max(apart(whole, SourcePair(flat, flat).score(flat, NAMES)).values()) < 1e-12


def test_of_large_pictures_the_levels_and_the_sources_phase_features_are_all_that_is_kept(
    monkeypatch: pytest.MonkeyPatch,
):
    first, second, fused = drawn(64, 80)
    in_strips(monkeypatch, 80)
    pair = SourcePair(first, second)
    images = pair.scored(fused)
    for name in NAMES:
        METRICS[name].computed(images)
    planes = {
        name
        for holder in (pair, images, images.first, images.second, images.fused)
        for name, value in vars(holder).items()
        if isinstance(value, Tensor) and value.shape[-2:] == (64, 80)
    }
    assert planes == {"shades"}
    assert "phase" in vars(pair.first)
    assert "phase" not in vars(images.fused)


@pytest.mark.parametrize(("height", "rows", "above", "below"), [(10, 3, 2, 1), (10, 10, 5, 5), (7, 1, 0, 0)])
def test_strips_have_every_row_once_and_their_margin(height: int, rows: int, above: int, below: int):
    picture, found = list(range(height)), []
    for own, seen, inner in strips.strips(height, 1 << 20, above, below):
        assert picture[seen][inner] == picture[own]
        assert picture[seen] == picture[max(own.start - above, 0) : own.stop + below]
        found += picture[own]
    assert found == picture
