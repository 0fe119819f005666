"""Lines of any length: thinned and smoothed, without losing what matters."""

from __future__ import annotations

import numpy as np
import pytest

from bridgetune.runs.history import History, Series
from bridgetune.runs.plotting import Panel, curves, thinned
from tests.support.run_folders import Written, step_record


def test_a_hundred_thousand_steps_are_thinned_and_no_spike_is_lost():
    steps = np.arange(1, 100_001, dtype=np.float64)
    values = np.ones_like(steps)
    values[54_321], values[70_000] = 50.0, -3.0
    raw, smooth = thinned(Series(steps, values))
    assert len(raw.steps) <= 2000
    assert len(smooth.steps) <= 1000
    assert (raw.values.max(), raw.values.min()) == (50.0, -3.0)
    assert np.abs(smooth.values - 1).max() < 0.05
    assert (np.diff(smooth.steps) > 0).all()


@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 599, 600, 601, 1234])
def test_smoothing_leaves_what_is_constant(count: int):
    series = Series(np.arange(count, dtype=np.float64), np.full(count, 0.7))
    raw, smooth = thinned(series)
    assert smooth.values == pytest.approx(0.7)
    assert len(raw.steps) >= len(smooth.steps) == min(count, 600)


def test_one_wild_step_does_not_hide_the_others(written: Written):
    records = [step_record(step, discriminator_clear=1e9 if step == 150 else 1.0) for step in range(1, 301)]
    series = History(written(records, steps=300)).series("discriminator_clear")
    figure = curves([Panel({"clear": series}, "a title", "loss", least=0)], 300)
    assert figure.axes[0].get_ylim()[1] < 4
