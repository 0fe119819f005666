"""Augmentations: what they hold, and which names they take."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from bridgetune.config import AUGMENTATIONS, NO_AUGMENTATION, Augmentation, TuneConfig
from bridgetune.config.augmentation import register_augmentation
from bridgetune.data import Effect
from bridgetune.errors import RequestError
from tests.support.effects import registered


@pytest.fixture
def weather() -> Iterator[None]:
    with registered(*(Effect(name, "", lambda *_: None, lambda pair, _: pair) for name in ("snow", "rain"))):
        yield


def test_without_effects_of_ones_own_an_augmentation_prints_as_its_fields_do():
    # A run's config.json tells its pairs by this, and resumes by it.
    assert repr(Augmentation(exchange=True, disk=0.5)) == (
        "Augmentation(exchange=True, disk=0.5, soft=0.0, graded=0.0, dark_edges=0.0, exposure=0.0, noise=0.0, jpeg=0.0)"
    )


def test_a_field_that_came_later_is_told_only_where_it_holds_something():
    class Later(Augmentation):
        fog: float = 0.0
        """Of a kind that was not there."""

    assert repr(Later(disk=1)).removeprefix("Later") == repr(Augmentation(disk=1)).removeprefix("Augmentation")
    assert repr(Later(fog=0.5)).endswith("jpeg=0.0, fog=0.5)")


def test_effects_of_ones_own_are_told(weather):
    assert repr(Augmentation(effects={"rain": 0.5})).endswith("jpeg=0.0, effects={'rain': 0.5})")


def test_the_order_in_which_effects_are_given_is_of_no_effect(weather):
    one, other = (Augmentation(effects=effects) for effects in ({"snow": 1, "rain": 2}, {"rain": 2, "snow": 1}))
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == repr(other)
    assert one != Augmentation(effects={"rain": 1, "snow": 2})


def test_strengths_are_of_the_effects_that_there_are_to_be(weather):
    assert NO_AUGMENTATION.strengths == {}
    assert Augmentation(exchange=True, jpeg=0.5, effects={"snow": 0, "rain": 2}).strengths == {
        "exchange": 1.0,
        "jpeg": 0.5,
        "rain": 2.0,
    }


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        ({"hail": 1}, "got 'hail', expected registered effects, snow, rain; register_effect adds one"),
        ({"noise": 1}, "got 'noise', which has a field of its own; give noise="),
        ({"rain": -1}, "greater than or equal to 0"),
    ],
)
def test_effects_that_nobody_registered_and_strengths_below_none_are_refused(weather, effects, said):
    with pytest.raises(ValidationError, match=said):
        Augmentation(effects=effects)


def test_a_preset_is_one_for_every_run_and_not_overwritten(weather):
    register_augmentation("downpour", Augmentation(effects={"rain": 1}))
    assert TuneConfig(augmentation="downpour").augmentation == "downpour"
    with pytest.raises(RequestError, match="augmentation: 'downpour' is registered already; choose another name"):
        register_augmentation("downpour", NO_AUGMENTATION)


def test_a_preset_that_is_not_there_is_refused_by_the_names_of_those_that_are():
    with pytest.raises(ValidationError, match=f"expected one of {', '.join(AUGMENTATIONS)}"):
        TuneConfig(augmentation="downpour")
    assert "downpour" not in AUGMENTATIONS


def test_deciding_costs_no_torch():
    program = "import sys, bridgetune.config; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"
