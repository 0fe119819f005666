"""Options of a verb from its settings: none is missing, and each is what the field is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from typer.core import TyperOption

from bridgetune.cli.app import app
from bridgetune.cli.settings import PANELS, settings
from bridgetune.config import Epochs, PretrainConfig, StackConfig, StackMaking, TrainConfig, TuneConfig
from bridgetune.config.naming import FLAGS
from bridgetune.terms import Term
from tests.support.terms import Registering
from tests.support.verbs import app_of, help_of, longer

STAGES = [("pretrain", PretrainConfig), ("finetune", TuneConfig)]

OF_BOTH = """
--out -o --generator --weights --symmetric --plain --mirrored --single --option --images --masks --pairs --val-images
--val-masks --epochs --steps --batch --size --fit --augment --learning-rate --lr --recipe --seed --precision --device
--workers --cache --micro-batch --checkpoint-activations --compile --average --patience --tensorboard --validate-every
--checkpoint-every --resume --json
"""
"""Options that scripts and notebooks have been written with."""

OF_STAGE_2 = """
--clear --blurred --unlabelled --alpha --adversarial-share --adversarial --discriminator --unlabelled-share
--swap-weight --binary-weight --variation-weight
"""


def options(verb: str) -> Mapping[str, TyperOption]:
    """Of a verb, by the names of its parameters."""
    command: Any = typer.main.get_command(app)
    return {option.name: option for option in command.commands[verb].params}


@pytest.mark.parametrize(("verb", "model"), STAGES)
def test_every_field_of_a_stage_is_an_option_with_its_default_and_nothing_else_is(verb: str, model: type[TrainConfig]):
    own = {option.name for option in settings(model)}
    others = {
        "out",
        "resume",
        "as_json",
        "generator",
        "weights",
        "symmetric",
        "mirrored",
        "scales",
        "option",
        "adapter",
        "cache",
    }
    others |= {"images", "masks", "pairs", "val_images", "val_masks", "trust_code", "weights_key", "adapter"}
    others |= {"clear", "blurred", "unlabelled"} if verb == "finetune" else set()
    found = options(verb)
    assert found.keys() == own | others
    assert own == model.model_fields.keys() - {"duration"} | {"epochs", "steps"}
    for name in own - {"epochs", "steps"}:
        expected = model.model_fields[name].default
        assert found[name].default == (None if expected == {} else expected), name
    duration = model.model_fields["duration"].default
    assert isinstance(duration, Epochs)
    assert (found["epochs"].default, found["steps"].default) == (duration.epochs, None)


@pytest.mark.parametrize(("verb", "model"), STAGES)
def test_help_shows_every_field_with_its_description(verb: str, model: type[TrainConfig]):
    said = help_of(app, verb)
    for option in settings(model):
        assert option.flags[0] in said
        assert option.help
        assert option.help in said


def test_options_are_called_as_they_always_were():
    for verb, names in (("pretrain", OF_BOTH), ("finetune", f"{OF_BOTH} {OF_STAGE_2}")):
        found = {name for option in options(verb).values() for name in [*option.opts, *option.secondary_opts]}
        assert set(names.split()) <= found


def test_names_and_places_of_their_own_are_given_to_fields_that_there_are():
    fields = TrainConfig.model_fields.keys()
    assert PANELS.keys() <= fields | StackMaking.model_fields.keys() | StackConfig.model_fields.keys()
    assert FLAGS.keys() <= fields | {"term_weights"}


def test_a_field_that_a_model_has_more_is_an_option():
    said = help_of(app_of(longer))
    for shown_in_help in (
        "--warmth FLOAT [0<x<=2] Of the --batch, see --swap-weight: [bold] as it is, None. [default: 0.5]",
        "--rounds INT [x>0] Times. [default: 3]",
        "--careful --no-careful ",
        "With care. [default: careful]",
        "--mood <calm|wild> How. [default: calm]",
        "--corner INT FLOAT Where. [default: 1, 0.5]",
        "--title TEXT What it is called. [default: none]",
        "--number <one> Which. [default: one]",
        "--shares NAME=VALUE [x>=0] Of each. [default: left=0.25]",
    ):
        assert shown_in_help in said
    assert "Not for the terminal" not in said


def test_a_term_that_was_registered_is_shown_with_its_weight(registering: Registering):
    assert "vignetting" not in help_of(app, "finetune")
    registering(Term("vignetting", "corners are dark", function="bridgetune.losses:binarisation", default_weight=0.25))
    assert "[default: vignetting=0.25]" in help_of(app, "finetune")


@pytest.mark.parametrize("kind", [tuple[int, ...], list[int], dict[str, str], int | None, complex])
def test_a_field_of_another_kind_is_an_error_and_does_not_vanish(kind: Any):
    class Other(BaseModel):
        model_config = {"arbitrary_types_allowed": True}
        odd: kind

    with pytest.raises(TypeError, match=r"Other\.odd: no option is known"):
        settings(Other)
