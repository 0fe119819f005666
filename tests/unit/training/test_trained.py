"""What a run makes: the generator, or the moving average of its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from torch import nn

from bridgetune import Adapter
from bridgetune.metrics import MapErrors
from bridgetune.saving import WEIGHTS
from bridgetune.training.trained import TrainedGenerator
from tests.support.runs import same, weights


def facts(errors: MapErrors | None, step: int) -> dict[str, Any]:
    return {"updates": step, "held-out map error": None if errors is None else errors.map_error}


def set_to(network: nn.Module, value: float) -> None:
    for parameter in network.parameters():
        nn.init.constant_(parameter, value)


def values(network: nn.Module) -> set[float]:
    return {round(value, 6) for parameter in network.parameters() for value in parameter.flatten().tolist()}


def test_without_an_average_it_is_the_generator_itself(generator: Adapter):
    trained = TrainedGenerator(generator, 0.0, facts)
    assert trained.average is None
    assert trained.network is generator


def test_an_average_follows_by_its_decay_and_settles_in_the_generator(generator: Adapter):
    set_to(generator, 0.0)
    trained = TrainedGenerator(generator, 0.75, facts)
    trained.follow()  # the first one is taken as it is
    set_to(generator, 1.0)
    trained.follow()
    assert values(trained.network) == {0.25}
    trained.follow()
    assert values(trained.network) == {0.4375}, "0.75 · 0.25 + 0.25 · 1"
    assert values(generator) == {1.0}, "training goes on with its own weights"
    trained.settle()
    assert values(generator) == {0.4375}


@pytest.mark.parametrize("average", [0.0, 0.5])
def test_what_is_saved_is_what_is_validated_and_its_card_says_how_good_it_is(
    generator: Adapter, average: float, tmp_path: Path
):
    trained = TrainedGenerator(generator, average, facts)
    trained.follow()
    set_to(generator, 2.0)
    trained.follow()
    trained.save(tmp_path / "saved", MapErrors(wrong=1, pixels=8), 2)
    card = (tmp_path / "saved" / "README.md").read_text()
    assert "0.125" in card
    assert same(weights(trained.network), load_file(tmp_path / "saved" / WEIGHTS))
