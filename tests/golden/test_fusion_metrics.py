"""The fusion metrics give the toolbox's own values, computed by its MATLAB files under GNU Octave 7.3."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bridgetune.data import read_image
from bridgetune.metrics import SourcePair
from tests.support.metrics import PAPERS

CASES = [f"{number:02}" for number in range(1, 13)]

LOOSE = {("12", "q_cb"): 1e-2}
"""Large areas of case 12 are 0, where the toolbox divides the rounding noise of one filter by another's."""


@pytest.mark.parametrize("responses", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", CASES)
def test_every_value_is_the_toolboxs(shared: Callable[[str], Path], case: str, responses: torch.dtype):
    folder = shared("reference/metrics")
    with (folder / "expected.csv").open(encoding="utf-8") as file:
        expected = next(row for row in csv.DictReader(file) if row["case"] == case)
    first, second, fused = (
        torch.from_numpy(read_image(folder / f"{case}_{which}.png").pixels).permute(2, 0, 1)[None] for which in "ABF"
    )

    names = PAPERS if responses == torch.float32 else ["q_p"]
    found = SourcePair(first, second, responses=responses).score(fused, names)

    for name in names:
        assert float(found[name]) == pytest.approx(float(expected[name]), abs=LOOSE.get((case, name), 1e-6)), name
