"""The settings of a stack."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridgetune import StackConfig
from bridgetune.cli.settings import settings


def test_without_a_word_frames_are_aligned_and_seams_are_feathered():
    config = StackConfig()
    assert (config.align, config.order, config.reference, config.edges) == ("auto", "name", "middle", "crop")
    assert config.blend == "feather"


@pytest.mark.parametrize("wrong", [{"align": "warp"}, {"reference": ""}, {"blend": "poisson"}, {"frames": 3}])
def test_what_is_none_of_its_choices_is_refused(wrong: dict[str, object]):
    with pytest.raises(ValidationError):
        StackConfig(**wrong)


def test_every_setting_can_be_an_option_that_says_what_it_does():
    options = settings(StackConfig)
    assert [option.field for option in options] == list(StackConfig.model_fields)
    assert all(option.help for option in options)
