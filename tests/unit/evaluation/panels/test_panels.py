"""Decision-map panels: what stands in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from bridgetune import RequestError
from bridgetune.data import to_pixels, write_image
from bridgetune.evaluation.panels import decision_rows, draw_panels, panel_pairs
from bridgetune.protocol import Generator


class Decided(Generator):
    """Always decides for the first image in the left `share` of the picture, its logits `steep`."""

    def __init__(self, share: float, steep: float = 100) -> None:
        super().__init__()
        self.share, self.steep = share, steep

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        place = torch.linspace(0, 1, first.shape[-1]).expand_as(first[:, :1])
        return self.steep * (self.share - place)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Pairs 1, 2 and 10 of black and white pictures, 20×40; A is in focus in the left half."""
    truth = np.zeros((20, 40), dtype=np.uint8)
    truth[:, :20] = 255
    for stem in ("1", "2", "10"):
        write_image(tmp_path / "A" / f"{stem}.png", to_pixels(torch.zeros(3, 20, 40)))
        write_image(tmp_path / "B" / f"{stem}.png", to_pixels(torch.ones(3, 20, 40)))
        write_image(tmp_path / "mask" / f"{stem}.png", truth)
    return tmp_path


def test_pairs_come_in_natural_order_or_as_they_are_named(sources: Path):
    assert [scene.files.stem for scene in panel_pairs(sources)] == ["1", "2", "10"]
    assert [scene.files.stem for scene in panel_pairs(sources, ["10", "1"])] == ["10", "1"]
    with pytest.raises(RequestError, match="has no pair '3'; expected stems such as 1, 2, 10"):
        panel_pairs(sources, ["3"])


def test_a_row_has_sources_truth_maps_and_the_last_ones_fused_image(sources: Path):
    generators = {"before": Decided(0.25), "after": Decided(0.5)}
    ((name, row), *_) = decision_rows(panel_pairs(sources), generators)
    assert list(row) == [
        *("source A", "source B", "true map (white is A)"),
        *("map (white is A): before", "map (white is A): after", "fused: after"),
    ]
    assert name == "1   wrong pixels: before 25.00%, after 0.00%"
    assert row["map (white is A): before"][0, 0].tolist() == [1] * 10 + [0] * 30
    assert torch.equal(row["fused: after"][0, 0], 1 - row["true map (white is A)"][0, 0])


def test_maps_are_those_that_fusing_makes(sources: Path):
    pairs, weak = panel_pairs(sources), {"only": Decided(0.25, steep=1)}
    (settled, *_), (kept, *_) = (decision_rows(pairs, weak, undecided=undecided) for undecided in ("settle", "keep"))
    assert kept[0] == "1   wrong pixels: 25.00%"
    assert not settled[1]["map (white is A)"].any(), "most of what is known speaks for B"


def test_without_truths_there_is_no_column_for_them(sources: Path):
    (sources / "mask" / "2.png").unlink()
    rows = dict(decision_rows(panel_pairs(sources), {"only": Decided(0.5)}))
    assert list(rows) == ["1", "2", "10"]
    assert list(rows["1"]) == ["source A", "source B", "map (white is A)", "fused"]


def test_a_truth_of_another_size_is_named(sources: Path):
    write_image(sources / "mask" / "1.png", np.zeros((9, 9), dtype=np.uint8))
    with pytest.raises(RequestError, match=r"1\.png: its size is not the sources'"):
        list(decision_rows(panel_pairs(sources), {"only": Decided(0.5)}))


def test_long_titles_stay_inside_their_columns():
    image = torch.ones(3, 30, 30)
    named = {"a title that is far longer than a column is wide": image, "b": image}
    drawn = draw_panels({"row": named}, width=60)
    empty = draw_panels({"row": {" ": image, "b": image}}, width=60)
    beyond = slice(8 + 60, None)
    assert np.array_equal(drawn[:, beyond], empty[:, beyond])
    assert not np.array_equal(drawn, empty)
