"""A run's folder: which run may go on in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridgetune import AdapterConfig, PretrainConfig, RequestError, TuneConfig
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.documents import with_defaults
from bridgetune.terms import Term
from tests.support.terms import Registering


def decided(**changes: Any) -> dict[str, Any]:
    return {"stage": "finetune", "steps": 4, "config": TuneConfig(**changes).model_dump(mode="json")}


@pytest.fixture
def earlier(tmp_path: Path) -> RunDirectory:
    """A run from before `term_weights` and `patience` were settings."""
    run = RunDirectory(tmp_path)
    before = decided()
    del before["config"]["term_weights"], before["config"]["patience"]
    run.config.write_text(json.dumps(before))
    return run


def test_a_run_from_before_a_setting_goes_on_at_its_default(earlier: RunDirectory):
    earlier.open(decided())


def test_a_run_from_before_a_setting_does_not_go_on_at_another_value(earlier: RunDirectory):
    with pytest.raises(RequestError, match="was started with patience=0, cannot be resumed with 3"):
        earlier.open(decided(patience=3))


def test_a_run_does_not_go_on_with_a_term_that_it_was_begun_without(earlier: RunDirectory, registering: Registering):
    registering(Term("edges", "", function=abs, default_weight=0.5))
    with pytest.raises(RequestError, match=r"started with term_weights\.edges=None, cannot be resumed with 0\.5"):
        earlier.open(decided())


def test_what_was_written_stays_and_what_was_not_is_at_its_default():
    found = with_defaults("pretrain", {"batch": 3})
    assert found == PretrainConfig(batch=3).model_dump(mode="json")


def test_a_run_from_before_a_setting_of_the_adapter_goes_on_at_its_default_alone(tmp_path: Path):
    def with_generator(**fields: Any) -> dict[str, Any]:
        adapter = AdapterConfig(call="concat", **fields).model_dump(mode="json")
        return {**decided(), "generator": {"origin": {"generator": "drpl"}, "adapter": adapter}}

    run, before = RunDirectory(tmp_path), with_generator()
    del before["generator"]["adapter"]["scales"]
    run.config.write_text(json.dumps(before))
    run.open(with_generator())
    with pytest.raises(RequestError, match=r"started with generator\.adapter\.scales=\[1\.0\], cannot be resumed with"):
        run.open(with_generator(scales=(1, 1 / 2)))
