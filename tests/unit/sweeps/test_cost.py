"""What a backbone costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgetune.sweeps.cost import Cost, measure, open_backbone
from bridgetune.sweeps.settings import Backbone, CostSettings


def test_flops_are_the_papers():
    """Table 6 has 140.49 G for DRPL, convolutions at full resolution: that is for 256×256, a multiply-add as two.

    Ours has 0.7 % less: it counts no biases and nothing that works element by element.
    """
    cost = measure(Backbone(generator="drpl", name="DRPL"), CostSettings(size=[32, 64], repeats=1))
    assert cost.parameters == 1_070_018
    assert cost.flops * (256 * 256) / (32 * 64) == pytest.approx(140.49e9, rel=0.01)


def test_a_backbone_is_asked_as_the_sweep_says(tmp_path: Path):
    def backbone(**asked: bool | list[float]) -> Backbone:
        return Backbone(generator="drpl", name="DRPL", options={"width": 8, "blocks": 1}, **asked)

    assert not open_backbone(backbone()).config.symmetric
    both = open_backbone(backbone(symmetric=True, mirrored=True))
    assert both.config.symmetric
    assert both.config.mirrored

    settings = CostSettings(size=[32, 32], repeats=1)
    once, twice = (measure(one, settings) for one in (backbone(), backbone(symmetric=True)))
    assert twice.flops == 2 * once.flops
    assert twice.parameters == once.parameters
    three = measure(backbone(scales=[1, 0.5, 0.25]), settings)
    assert three.flops == (1 + 1 / 4 + 1 / 16) * once.flops
    enlarged = measure(backbone(scales=[2, 1]), settings)
    assert enlarged.flops == (4 + 1) * once.flops
    assert Cost.model_validate_json(three.model_dump_json()) == three
