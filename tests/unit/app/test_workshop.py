"""Runs in processes of their own: begun, stopped, gone on with, and found again by whoever comes later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from pydantic import ValidationError

from bridgetune.app.settings import FieldError
from bridgetune.app.workshop import PLACES, Run, Tuning, Workshop
from bridgetune.cli.app import app
from bridgetune.errors import RequestError
from tests.support.pages import until
from tests.support.workshops import PRETENDED, workshop_in

PAIRS = Tuning(generator="mynet", pairs="ready", clear="clear", blurred="blurred", alpha=0.2, steps=5000)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Workshop]:
    made = workshop_in(tmp_path)
    yield made
    for run in made.runs():
        made.stop(run.name)
    until(lambda: not any(run.goes_on for run in made.runs()))


def run_of(shop: Workshop) -> Run:
    (run,) = shop.runs()
    return run


def test_pictures_and_pairs_are_found_by_what_they_hold(shop: Workshop):
    assert shop.pairs() == ["ready"]
    assert shop.pictures() == ["blurred", "clear", "masks", "photos"]
    assert (shop.runs(), shop.tuned()) == ([], {})


def test_a_run_is_begun_stopped_and_gone_on_with_to_its_end(shop: Workshop, tmp_path: Path):
    name = shop.begin(PAIRS.model_copy(update={"steps": 60}))
    assert (name, run_of(shop).state) == ("mynet-1", "begins")
    until(lambda: run_of(shop).done > 2)
    assert (run_of(shop).state, run_of(shop).steps, run_of(shop).map_error) == ("goes on", 60, (0.25, 0.25))
    shop.stop(name)
    until(lambda: not run_of(shop).goes_on)
    before = run_of(shop)
    assert before.state == "is stopped"
    shop.resume(name)
    until(lambda: run_of(shop).state == "is finished")
    assert before.done < run_of(shop).done == 60
    assert run_of(shop).map_error == (0.25, 0.125)
    tuned = str(tmp_path / "runs" / "mynet-1" / "generator")
    assert shop.tuned() == {tuned: "mynet tuned here (mynet-1)"}
    assert shop.begin(PAIRS.model_copy(update={"steps": 1, "generator": tuned})) == "mynet-2"
    until(lambda: len(shop.tuned()) == 2)
    assert list(shop.tuned().values()) == ["mynet tuned here (mynet-2)", "mynet tuned here (mynet-1)"]


def test_a_run_outlives_the_page_and_is_stopped_by_the_next_one(shop: Workshop, tmp_path: Path):
    shop.begin(PAIRS)
    until(lambda: run_of(shop).done > 2)
    later = Workshop(tmp_path, PRETENDED)
    assert run_of(later).state == "goes on"
    with pytest.raises(RequestError, match="mynet-1 goes on"):
        later.begin(PAIRS)
    later.stop("mynet-1")
    until(lambda: run_of(later).state == "is stopped")


def test_the_options_are_those_of_the_verb(shop: Workshop, tmp_path: Path):
    given = Tuning(generator="m:f", images="photos", masks="masks", clear="clear", blurred="blurred", alpha=0, steps=1)
    shop.begin(given, trust=True)
    verb, *options = json.loads((tmp_path / "runs" / "m-f-1.arguments.json").read_text())["given"]
    understood = typer.main.get_command(app).commands[verb].make_context(verb, [*options, "--resume"]).params
    assert (understood["generator"], understood["trust_code"], understood["resume"]) == ("m:f", True, True)
    assert (understood["alpha"], understood["images"]) == (0, tmp_path / "photos")
    assert understood["out"] == tmp_path / "runs" / "m-f-1"


def test_without_an_adversarial_loss_no_references_are_asked_for(shop: Workshop, tmp_path: Path):
    alone = Tuning(generator="mynet", pairs="ready", steps=5000)
    assert alone.alpha == 0
    with pytest.raises(RequestError, match="References, blurred: none is chosen"):
        shop.begin(alone.model_copy(update={"clear": "clear"}))
    with pytest.raises(RequestError, match="References, sharp: none is chosen"):
        shop.begin(alone.model_copy(update={"training": {"adversarial": "pseudo"}}))
    shop.begin(alone)
    (told,) = (tmp_path / "runs").glob("*.arguments.json")
    assert not {"--clear", "--blurred"} & set(json.loads(told.read_text())["given"])


def test_one_that_is_refused_says_why(shop: Workshop):
    shop.begin(PAIRS.model_copy(update={"batch": 13}))
    until(lambda: run_of(shop).state == "has failed")
    assert run_of(shop).line == "bridgetune: 13 is unlucky; choose 12"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"pairs": "../ready"}, "Pairs with masks: got '../ready', expected one of the list"),
        ({"clear": "/etc"}, "References, sharp: got '/etc', expected one of the list"),
        ({"pairs": ""}, "Pairs with masks: there is nothing to learn from"),
        ({"images": "photos", "masks": "masks"}, "Pairs with masks: are chosen beside photographs"),
        ({"pairs": "", "images": "photos"}, "Their masks: none is chosen beside “Photographs”"),
        ({"pairs": "", "masks": "masks"}, "Photographs: none is chosen beside “Their masks”"),
        ({"pairs": "", "images": "masks", "masks": "masks"}, "Their masks: are in the same folder as the photographs"),
        ({"clear": "blurred"}, "References, blurred: are in the same folder as the sharp ones"),
        ({"clear": ""}, "References, sharp: none is chosen"),
        ({"blurred": ""}, "References, blurred: none is chosen"),
    ],
)
def test_what_is_asked_wrongly_begins_nothing(shop: Workshop, changes: dict[str, str], line: str):
    with pytest.raises(FieldError, match=line) as refused:
        shop.begin(PAIRS.model_copy(update=changes))
    assert PLACES[refused.value.field] == line.partition(":")[0]
    assert shop.runs() == []


@pytest.mark.parametrize("name", ["", "..", "mynet-2", "../ready"])
def test_only_runs_that_are_here_are_found(shop: Workshop, name: str):
    with pytest.raises(RequestError, match="reload"):
        shop.stop(name)


@pytest.mark.parametrize("odd", [{"steps": 0}, {"size": 8}, {"alpha": -1}, {"batch": 1.5}, {"more": 1}])
def test_what_is_no_run_is_refused(odd: dict[str, object]):
    with pytest.raises(ValidationError):
        Tuning.model_validate({"generator": "a", "clear": "b", "blurred": "c", **odd})
