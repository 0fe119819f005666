"""The demo, much shortened."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bridgetune import RequestError, Steps, TuneConfig
from bridgetune.data import read_image
from bridgetune.demo import HeldOut, references, run_demo, training_pairs
from bridgetune.inference import fuse_files

QUICK = {"size": 32, "batch": 2, "workers": 0, "device": "cpu", "duration": Steps(steps=2)}


def test_the_demo_tunes_measures_and_draws(tmp_path: Path):
    out = tmp_path / "demo"
    steps: list[int] = []
    result = run_demo(out, tuning=TuneConfig(**QUICK), report=lambda record: steps.append(record["step"]))
    assert max(steps) == 2
    told = json.loads((out / "demo.json").read_text())
    assert told["pairs"].keys() == {*HeldOut().named, "all"}
    before, _ = result.total()
    assert told["pairs"]["all"]["before"]["map_error"] == before.map_error

    # what it prints is what it measured: count one pair's errors anew, from the files it wrote
    from bridgetune import load

    first, second, mask = (out / "pairs" / folder / "01.png" for folder in ("A", "B", "mask"))
    decision = fuse_files(load(out / "finetune" / "generator"), first, second).decision
    wrong = np.mean((decision == 1) != (read_image(mask).pixels[..., 0] > 127))
    name = next(iter(HeldOut().named))
    assert told["pairs"][name]["after"]["map_error"] == pytest.approx(wrong, abs=2e-3)  # 8-bit rounding

    picture = read_image(out / "demo.png").pixels
    assert picture.shape[1] > 6 * 300
    with pytest.raises(RequestError, match="--force"):
        run_demo(out)


def test_held_out_pictures_are_not_trained_on_and_their_maps_have_both_values():
    trained = [photograph.mean().item() for photograph in training_pairs(32).photographs]
    for name, pair in HeldOut().named.items():
        share = pair.mask.mean().item()
        assert 0.1 < share < 0.9, name
        assert (pair.first * pair.mask + pair.second * (1 - pair.mask)).mean().item() not in trained


def test_blurred_references_are_smoother_than_clear_ones():
    pools, rng = references(64), np.random.default_rng(0)

    def roughness(pool: object) -> float:
        return float(np.mean([pool.sample(rng).diff(dim=-1).abs().mean() for _ in range(20)]))  # type: ignore[attr-defined]

    assert roughness(pools.blurred) < roughness(pools.clear) / 2
