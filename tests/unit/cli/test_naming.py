"""Help that names the metrics."""

from __future__ import annotations

import dataclasses

import pytest

from bridgetune.cli import main
from bridgetune.metrics.registry import METRICS

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


@pytest.mark.parametrize("verb", ["compare", "evaluate"])
def test_the_help_names_the_metrics_that_there_are_when_it_is_shown(
    verb: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", "1000")
    for names in (list(METRICS), [*METRICS, "own"]):
        if "own" in names:
            monkeypatch.setitem(METRICS, "own", dataclasses.replace(METRICS["q_mi"], name="own"))
        with pytest.raises(SystemExit, match="0"):
            main([verb, "--help"])
        assert ", ".join(names) in " ".join(capsys.readouterr().out.split())
