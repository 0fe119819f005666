"""The weights that the BridgeMFF plugin ships, beside the authors' in the same evaluation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridgetune.evaluation import evaluate
from tests.support.metrics import PAPERS

COLUMNS = 5
"""Of seven, in which ours are to be better."""

LOSS = 0.001
"""Less than which differences in the others do not count."""


@pytest.mark.slow
def test_they_beat_the_authors_on_every_fourth_pair_of_lytro(shared: Callable[[str], Path], tmp_path: Path):
    lytro, released = shared("data/eval/lytro"), shared("reference/bridgemff/generator.pth")
    sources = tmp_path / "quarter"
    for side in "AB":
        (sources / side).mkdir(parents=True)
        for image in sorted((lytro / side).iterdir())[1::4]:
            (sources / side / image.name).symlink_to(image)
    ours = evaluate(sources, generator="bridgemff")
    theirs = evaluate(sources, generator="bridgemff", weights=released, undecided="keep")
    gains = {name: ours.mean[name] - theirs.mean[name] for name in PAPERS}
    assert sum(gain > 0 for gain in gains.values()) >= COLUMNS, gains
    assert min(gains.values()) >= -LOSS, gains
