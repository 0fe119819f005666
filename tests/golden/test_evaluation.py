"""The authors' released Lytro results have the means that the toolbox gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridgetune.evaluation import evaluate

MEANS = {
    "qabf_weighted": 0.7890,
    "qabf_mean": 0.7138,
    "q_mi": 1.0935,
    "q_s": 0.9449,
    "q_p": 0.8429,
    "q_w": 0.9405,
    "q_cb": 0.7964,
}
"""Of the toolbox under Octave on the authors' 20 JPEG files; decoders differ by a level, which moves them by 0.0005."""


@pytest.mark.slow
def test_the_released_lytro_results_have_their_means(shared: Callable[[str], Path]):
    result = evaluate(shared("data/eval/lytro"), fused=shared("reference/bridgemff/fused_lytro"))
    assert len(result.images) == 20
    for name, mean in MEANS.items():
        assert result.mean[name] == pytest.approx(mean, abs=5e-4), name
