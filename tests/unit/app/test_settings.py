"""Settings on the page are those of the models, and what is typed for them is what the command line takes."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from bridgetune.app.settings import FieldError, arguments, asked, checked, given
from bridgetune.cli.app import app
from bridgetune.config import AUGMENTATIONS, AdapterConfig, Steps, TuneConfig

WHOLE = {"duration": Steps(steps=1)}


def test_every_field_is_asked_for_with_what_it_is():
    fields = {field.name: field for field in asked(TuneConfig, ("duration",))}
    assert fields.keys() == TuneConfig.model_fields.keys() - {"duration"}
    assert all(field.help for field in fields.values())
    assert fields["augmentation"].values == tuple(AUGMENTATIONS)
    assert fields["compile"].values == ("yes", "no")
    assert (fields["betas"].default, fields["learning_rate"].default) == ("0.9 0.999", "0.0006")
    assert fields["average"].bounds == "from 0 below 1"
    assert fields["alpha"].bounds == "a number, or auto"
    assert {field.name for field in asked(AdapterConfig)} == AdapterConfig.model_fields.keys()


@pytest.mark.parametrize("model", [TuneConfig, AdapterConfig])
def test_what_is_left_as_it_is_says_nothing(model: type[TuneConfig | AdapterConfig]):
    fields = asked(model, ("duration",))
    assert given(model, {field.name: field.default for field in fields}) == {}
    assert given(model, {field.name: "" for field in fields}, blank=True) == {}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ({"learning_rate": " 1e-3 "}, 1e-3),
        ({"betas": "0.5, 0.9"}, (0.5, 0.9)),
        ({"kernel_sizes": "[5, 11]"}, (5, 11)),
        ({"compile": "yes"}, True),
        ({"precision": "bf16"}, "bf16"),
        ({"adversarial": "saturating"}, "saturating"),
    ],
)
def test_what_is_typed_is_what_the_model_has_and_the_command_line_understands(text: dict[str, str], value: Any):
    ((name, _),) = text.items()
    found = given(TuneConfig, text)
    assert getattr(checked(TuneConfig, WHOLE | found), name) == value
    command: Any = typer.main.get_command(app)
    typed = ["--out", "x", "--clear", "c", "--blurred", "b", *arguments(found)]
    assert command.commands["finetune"].make_context("finetune", typed).params[name] == value


def test_tables_and_truth_values_are_typed_as_options():
    assert arguments({"term_weights": {"a": 1, "b": 0.5}, "compile": False}) == [
        *("--term-weight", "a=1", "--term-weight", "b=0.5", "--no-compile"),
    ]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ({"scales": "1 1/2 1/4"}, (1, 0.5, 0.25)),
        ({"value_range": "-1 1"}, (-1, 1)),
        ({"item": "maps.0"}, "maps.0"),
        ({"item": "2"}, 2),
        ({"extra": '["test", 3]'}, ("test", 3)),
        ({"symmetric": "no"}, False),
        ({"side": "96"}, 96),
    ],
)
def test_settings_of_an_adapter_are_typed_likewise(text: dict[str, str], value: Any):
    ((name, _),) = text.items()
    assert getattr(checked(AdapterConfig, given(AdapterConfig, text, blank=True)), name) == value


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ({"learning_rate": "11"}, "learning_rate: got 11; input should be less than or equal to 10"),
        ({"learning_rate": "quick"}, "learning_rate: got 'quick'"),
        ({"compile": "perhaps"}, "compile: got 'perhaps'"),
        ({"kernel_sizes": "4 8"}, "kernel_sizes: got (4, 8), expected two odd sizes"),
        ({"discriminator": "pair"}, "discriminator: got 'pair'"),
        ({"betas": "0.9"}, "betas"),
        ({"term_weights": "nothing=1"}, "term_weights"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(text: dict[str, str], line: str):
    with pytest.raises(FieldError) as refused:
        checked(TuneConfig, WHOLE | given(TuneConfig, text), "training-")
    assert str(refused.value).startswith(line)
    assert refused.value.field == f"training-{next(iter(text))}"
