"""What the page offers, and that it takes nothing else."""

from __future__ import annotations

from typing import get_args

import pytest

from bridgetune.app.choices import MEASURE, OTHERS, READY, SETTINGS, TUNED, Methods, asked, choices
from bridgetune.config import StackConfig
from bridgetune.errors import RequestError


def test_every_setting_has_its_default_among_its_values_and_says_what_it_is():
    found = choices()
    assert [choice.name for choice in found] == list(SETTINGS)
    for choice in found:
        assert choice.default in choice.values
        assert choice.default == StackConfig.model_fields[choice.name].default
        assert choice.help
        allowed = set(get_args(StackConfig.model_fields[choice.name].annotation)) - {"saved"}  # that is for programs
        assert set(choice.values) == allowed
        assert not any(label in ("auto", "crop", "feather", "regions") for label in choice.values.values())


def test_each_value_that_is_offered_is_taken():
    for choice in choices():
        for value in choice.values:
            assert getattr(asked({choice.name: value}), choice.name) == value


def test_what_a_form_lacks_is_as_it_is_by_default_and_what_is_no_setting_is_not_looked_at():
    assert asked({"method": "x", "reference": "../etc"}) == StackConfig()


def test_a_value_of_ones_own_is_refused_in_one_line():
    with pytest.raises(RequestError, match=r"^blend: ") as refused:
        asked({"blend": "<script>"})
    assert "\n" not in str(refused.value)


def test_a_pair_is_for_a_network_and_a_stack_for_sharpness():
    methods = Methods()
    assert methods.listed()[0].name == MEASURE
    assert (methods.default(2), methods.default(3)) == ("bridgemff", MEASURE)
    assert Methods(["runs/mine"]).default(2) == "runs/mine"


def test_what_was_tuned_comes_after_what_is_shipped_and_is_not_preset():
    methods = Methods(more=lambda: {"tunes/runs/bridgemff-1/generator": "bridgemff tuned here (bridgemff-1)"})
    names = [method.name for method in methods.listed() if method.ready]
    assert names[:2] == [MEASURE, "bridgemff"]
    assert names[-1] == "tunes/runs/bridgemff-1/generator"
    assert methods.default(2) == "bridgemff"
    assert list(methods.grouped()) == [READY, TUNED, OTHERS]
    assert methods.called(names[-1]) == "bridgemff tuned here (bridgemff-1)"
    assert (methods.called(MEASURE), methods.called("a\nb")) == (MEASURE, "a\\nb")


def test_what_ships_no_weights_comes_last():
    ready = [method.ready for method in Methods().listed()]
    assert ready == sorted(ready, reverse=True)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "os:system", "../runs/mine", "nothing"])
def test_only_what_is_listed_is_opened(name: str):
    with pytest.raises(RequestError, match="reload"):
        Methods(["runs/mine"]).open(name)


def test_sharpness_needs_no_network():
    assert Methods().open(MEASURE) is None


def test_a_network_is_opened_once():
    methods = Methods()
    assert methods.open("bridgemff") is methods.open("bridgemff")
