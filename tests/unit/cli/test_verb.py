"""A verb that takes settings: what it is called with, and how a wrong request is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridgetune.cli.app import app
from bridgetune.config import AUGMENTATIONS, NO_AUGMENTATION, Steps, TuneConfig
from bridgetune.errors import RequestError
from tests.support.verbs import LongerConfig, app_of, help_of, longer, needing, received


def test_the_verb_gets_the_settings_that_were_typed():
    given = "--warmth 2 --rounds 7 --no-careful --mood wild --corner 4 1.5 --title x --shares a=0 --shares b=1.5"
    more = "--steps 5 --alpha auto --betas 0 0.5 -o there"
    config, out = received(longer, *given.split(), *more.split())
    assert (config.warmth, config.rounds, config.careful, config.mood) == (2, 7, False, "wild")
    assert (config.corner, config.title, config.shares) == ((4, 1.5), "x", {"a": 0, "b": 1.5})
    assert (config.duration, config.alpha, config.betas) == (Steps(steps=5), "auto", (0, 0.5))
    assert config.batch == TuneConfig().batch
    assert out == Path("there")


def test_what_was_not_typed_is_left_to_the_model():
    config, out = received(longer)
    assert config == LongerConfig()
    assert config.model_fields_set == set()
    assert out == Path("here")
    assert received(longer, "--epochs", "50")[0].model_fields_set == {"duration"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--average 2", "--average: got 2.0; input should be less than 1"),
        ("--lr -2", "--lr: got -2.0; "),
        ("--learning-rate=-2", "--learning-rate: got -2.0; "),
        ("--learning-rate 1 --lr=-2", "--lr: got -2.0; "),
        ("--kernel-sizes 4 21", "--kernel-sizes: got (4, 21), expected two odd sizes"),
        ("--betas 0.5 1", "--betas: got 1.0; "),
        ("--alpha -1", "--alpha: got -1.0; expected a number from 0 to 1000000, or 'auto'"),
        ("--alpha much", "--alpha: got 'much'; expected a number from 0 to 1000000, or 'auto'"),
        ("--epochs 0", "--epochs: got 0; "),
        ("--steps 0", "--steps: got 0; "),
        ("--steps 1 --epochs 50", "--epochs and --steps: expected one of them"),
        ("--warmth 0", "--warmth: got 0.0; "),
        ("--shares a=-1", "--shares a: got -1.0; "),
        ("--shares a=b", "--shares a: got 'b'; "),
        ("--shares a", "--shares: got 'a', expected NAME=VALUE, a number for each name"),
        ("--shares a=1 --shares a=2", "--shares: a is given twice"),
    ],
)
def test_a_refusal_names_the_option_as_it_was_typed(given: str, said: str):
    with pytest.raises(RequestError) as refused:
        received(longer, *given.split())
    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("given", ["--lr x", "--augment rain", "--betas 1", "--batch 2.5"])
def test_what_cannot_be_read_is_refused_under_the_options_name(given: str):
    refused = CliRunner().invoke(app_of(longer), given.split())
    assert refused.exit_code == 2
    assert given.split()[0] in refused.output


def test_a_name_that_is_registered_later_is_a_choice(monkeypatch: pytest.MonkeyPatch):
    assert "|fog>" not in help_of(app, "finetune")
    monkeypatch.setitem(AUGMENTATIONS, "fog", NO_AUGMENTATION)
    for verb in ("pretrain", "finetune"):
        assert re.search(r"--augment <[a-z| ]*\|fog>", help_of(app, verb)), verb
    assert received(longer, "--augment", "fog")[0].augmentation == "fog"


def test_a_field_without_a_default_is_required():
    assert received(needing, "--needed", "3")[0].needed == 3
    refused = CliRunner().invoke(app_of(needing), [])
    assert refused.exit_code == 2
    assert "Missing option '--needed'" in refused.output
