"""Tuning, as a browser asks for it."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from bridgetune.app.desk import Serving
from bridgetune.app.server import Page
from bridgetune.app.tiles import as_png
from bridgetune.app.workshop import PLACES
from bridgetune.data import FolderPairs
from bridgetune.runs.curves import Chart
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.report import write_report
from tests.support.pages import asking, lines, settled, stack_sent, until
from tests.support.workshops import workshop_in

BEGUN = {"generator": "bridgemff", "pairs": "ready", "clear": "clear", "blurred": "blurred", "steps": "5000"}


@pytest.fixture(autouse=True)
def drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chart in the place of those that take a second to draw; tests/browser has them."""
    pixel = as_png(np.zeros((1, 1, 3), np.uint8))
    monkeypatch.setattr(
        "bridgetune.runs.curves.charts", lambda history: [Chart("losses", "Losses", "Less.", pixel, ())]
    )


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[tuple[Page, TestClient]]:
    shop = workshop_in(tmp_path / "shop")
    (tmp_path / "page").mkdir()
    with asking(tmp_path / "page", Serving(tune=tmp_path / "shop")) as (page, client):
        page.workshop = shop
        page.methods._more = shop.tuned
        yield page, client
        for run in shop.runs():
            shop.stop(run.name)
        until(lambda: not any(run.goes_on for run in shop.runs()))


def test_a_run_is_begun_seen_again_stopped_and_told_of(asked: tuple[Page, TestClient]):
    page, client = asked
    assert '<option value="ready">' in client.get("/tune").text
    place = client.post("/tune", data=BEGUN).url.path
    assert place == "/tune/bridgemff-1"
    until(lambda: "of 5000 steps" in client.get(f"{place}/state").text)
    until(lambda: "25.00 % at first" in client.get(place).text)
    shown = client.get(place).text
    assert f'hx-get="{place}/curves"' in shown
    until(lambda: "/curves/" in client.get(f"{place}/curves").text)
    shown = client.get(f"{place}/curves").text
    for curve in re.findall(r'src="(\S+/curves/\S+)"', shown):
        assert client.get(curve).headers["content-type"] == "image/png"
    report = client.get(f"{place}/report")
    assert "dual adversarial fine-tuning" in report.text
    assert "script-src 'unsafe-inline'" in report.headers["content-security-policy"]
    assert "connect-src" not in report.headers["content-security-policy"]
    assert client.get(f"{place}/maps?seen=0").status_code == 204
    maps = client.get(f"{place}/maps?seen=-1").text
    assert "Pair 1: map before tuning left of the line, map now right of it" in maps
    for source in re.findall(r'src="(\S+)"', maps):
        assert client.get(source).headers["content-type"] == "image/png"
    client.post(f"{place}/stop")
    until(lambda: client.get(f"{place}/state").headers.get("hx-refresh") == "true")
    assert "Go on with it" in client.get(place).text
    client.post(f"{place}/resume")
    until(lambda: page.workshop is not None and page.workshop.runs()[0].state == "goes on")
    assert "bridgemff-1</a> goes on" in client.get("/tune").text
    assert lines(client.post("/tune", data=BEGUN).text)[0].startswith("bridgemff-1 goes on")


def test_all_that_a_run_has_can_be_taken_away(asked: tuple[Page, TestClient], tmp_path: Path):
    client = asked[1]
    place = client.post("/tune", data=BEGUN | {"steps": "2"}).url.path
    until(lambda: client.get(f"{place}/state").headers.get("hx-refresh") == "true")
    run = tmp_path / "shop" / "runs" / "bridgemff-1"
    (run / "generator" / "a b.txt").write_text("kept")
    (run / "link").symlink_to("/etc/passwd")
    listed = re.findall(r'href="(\S+)" download', client.get(f"{place}/files").text)
    names = [address.removeprefix(f"{place}/files/") for address in listed]
    assert {"config.json", "metrics.jsonl", "maps/1-now.png", "generator/a%20b.txt"} <= set(names)
    assert not any(name.startswith(".") or name == "link" for name in names)
    assert client.get(f"{place}/files/generator/a%20b.txt").text == "kept"
    assert client.get(f"{place}/files/config.json").content == (run / "config.json").read_bytes()
    for odd in ("link", ".bridgetune.lock", "../bridgemff-1.log.txt", "..%2Fbridgemff-1.log.txt", "generator"):
        assert client.get(f"{place}/files/{odd}").status_code in (404, 422)


@pytest.mark.parametrize(
    "changes", [{"generator": "os:system"}, {"clear": "../x"}, {"steps": "many"}, {"size": "1e9"}, {"more": "1"}]
)
def test_what_is_asked_wrongly_is_refused_in_a_line(asked: tuple[Page, TestClient], changes: dict[str, str]):
    answer = asked[1].post("/tune", data=BEGUN | changes, headers={"HX-Request": "true"})
    assert (answer.status_code, len(lines(answer.text))) == (422, 1)
    assert asked[0].workshop is not None
    assert asked[0].workshop.runs() == []


@pytest.mark.parametrize(
    ("changes", "field", "line"),
    [
        ({"learning_rate": "11"}, "learning_rate", "Learning rate: got 11; input should be less than or equal to 10"),
        ({"size": "1"}, "size", "Side, in pixels: got '1'"),
        ({"adapter-value_range": "1 0"}, "adapter-value_range", "Value range: got (1.0, 0.0), expected (low, high)"),
        ({"discriminator": "pair"}, "discriminator", "Discriminator: got 'pair'"),
        ({"pairs": "gone"}, "pairs", "Pairs with masks: got 'gone', expected one of the list"),
        ({"clear": ""}, "clear", "References, sharp: none is chosen"),
        ({"clear": "blurred"}, "blurred", "References, blurred: are in the same folder as the sharp ones"),
    ],
)
def test_a_bad_value_is_one_line_at_its_field(
    asked: tuple[Page, TestClient], changes: dict[str, str], field: str, line: str
):
    answer = asked[1].post("/tune", data=BEGUN | changes, headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers.get("hx-retarget")) == (422, f"#at-{field}")
    (said,) = lines(answer.text)
    assert html.unescape(said).startswith(line)
    assert f'id="at-{field}"' in asked[1].get("/tune").text


def test_settings_of_training_and_adapter_reach_the_run(asked: tuple[Page, TestClient], tmp_path: Path):
    client = asked[1]
    inputs = re.findall(r'<input id="\S+" name="(\S+)" value="(.*?)"', client.get("/tune").text)
    form = {name: html.unescape(value) for name, value in inputs}
    assert "adapter-scales" in form
    assert form["betas"] == "0.9 0.999"
    changed = {"betas": "0.5 0.9", "augmentation": "lens", "adapter-symmetric": "yes", "adapter-scales": "1 1/2"}
    client.post("/tune", data=form | BEGUN | changed)
    given = json.loads((tmp_path / "shop" / "runs" / "bridgemff-1.arguments.json").read_text())["given"]
    more = given[given.index("--blurred") + 2 : given.index("--out")]
    assert " ".join(more) == "--betas 0.5 0.9 --augment lens --adapter symmetric=true --adapter scales=[1, 0.5]"


def test_what_is_not_there_is_not_shown(asked: tuple[Page, TestClient]):
    for path in ("/tune/x", "/tune/x/report", "/tune/x/curves/1-0.png", "/tune/x/maps/0/1-now.png", "/tune/../shop"):
        assert asked[1].get(path).status_code in (404, 422)


def test_a_finished_run_fuses(asked: tuple[Page, TestClient]):
    page, client = asked
    place = client.post("/tune", data=BEGUN | {"steps": "2"}).url.path
    until(lambda: client.get(f"{place}/state").headers.get("hx-refresh") == "true")
    assert "among the choices" in client.get(place).text
    (tuned,) = [each for each in page.methods.listed() if each.name.endswith("bridgemff-1/generator")]
    assert tuned.label == "bridgemff tuned here (bridgemff-1)"
    assert [each.label for each in page.methods.trainable()] == ["bridgemff, a network", tuned.label]
    offered = re.findall(r'<option value="(.*?)">(.*?)</option>', client.get("/tune").text)
    assert offered[:2] == [("bridgemff", "bridgemff, a network"), (tuned.name, tuned.label)]
    pair = client.post("/fuse", files=stack_sent(2)).url.path
    shown = settled(client, pair)
    assert '<option value="bridgemff" selected>' in shown
    assert f'<optgroup label="Tuned here">\n<option value="{tuned.name}">{tuned.label}</option>' in shown


def test_no_folder_is_chosen_before_somebody_does(asked: tuple[Page, TestClient]):
    page = asked[1].get("/tune").text
    for name, nothing in {"pairs": "none: from photographs", "masks": "none: from pairs"}.items():
        assert re.search(rf'<select id="{name}"[^>]*>\s*<option value="">{nothing}</option>', page)
    for name in ("clear", "blurred"):
        (offered,) = re.findall(rf'<select id="{name}".*?</select>', page, re.S)
        assert re.findall("<option.*?</option>", offered)[0] == '<option value="">choose …</option>'
        assert "selected" not in offered
        assert f'<option value="{name}">{name}</option>' in offered
    for name, label in PLACES.items():
        assert f'<label for="{name}">{label}</label>' in page


def test_it_says_what_is_not_there_and_what_goes_where(tmp_path: Path):
    shop = tmp_path / "shop"
    for place in ("shop", "page"):
        (tmp_path / place).mkdir()
    with asking(tmp_path / "page", Serving(tune=shop)) as (_, client):
        page = client.get("/tune").text
    assert page.count("none is here yet") == 5
    assert "No folder with A, B and mask in it lies there." in page
    assert page.index(f"<code>{shop}</code>") < page.index("<form")


def test_a_report_is_made_once_until_the_run_says_more(
    asked: tuple[Page, TestClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    client = asked[1]
    place = client.post("/tune", data=BEGUN | {"steps": "2"}).url.path
    until(lambda: client.get(f"{place}/state").headers.get("hx-refresh") == "true")
    shown = client.get(place).text
    assert "<iframe" not in shown  # an empty frame would be seen while the report is made
    assert f'hx-get="{place}/report/made"' in shown
    assert "The report is being made" in shown
    made: list[RunDirectory] = []
    monkeypatch.setattr("bridgetune.runs.report.write_report", lambda run: made.append(run) or write_report(run))
    assert f'<iframe src="{place}/report"' in client.get(f"{place}/report/made").text
    assert "dual adversarial fine-tuning" in client.get(f"{place}/report").text
    assert len(made) == 1
    run = RunDirectory(tmp_path / "shop" / "runs" / "bridgemff-1")
    run.metrics.write_text(run.metrics.read_text())
    client.get(f"{place}/report")
    assert len(made) == 2


def test_a_report_that_cannot_be_made_is_a_line_and_no_empty_frame(asked: tuple[Page, TestClient], tmp_path: Path):
    client = asked[1]
    place = client.post("/tune", data=BEGUN | {"steps": "2"}).url.path
    until(lambda: client.get(f"{place}/state").headers.get("hx-refresh") == "true")
    (tmp_path / "shop" / "runs" / "bridgemff-1" / "report.md").write_text("my notes")
    answer = client.get(f"{place}/report/made", headers={"HX-Request": "true"})
    assert "is not as bridgetune wrote it" in lines(answer.text)[0]
    assert "<iframe" not in answer.text


def test_a_pair_is_put_among_the_pictures_to_tune_on(asked: tuple[Page, TestClient], tmp_path: Path):
    client = asked[1]
    place = client.post("/fuse", files=stack_sent(2)).url.path
    settled(client, place)
    client.post(f"{place}/start", data={"method": "modified-laplacian", "align": "none"})
    assert "among the pictures to tune on" in settled(client, place)
    for _ in range(2):
        assert client.post(f"{place}/0/label").url.path == "/tune"
    pairs = FolderPairs(tmp_path / "shop" / "mended", size=32)
    assert list(pairs.stems) == ["frame-8", "frame-8-2"]
    assert '<option value="mended">' in client.get("/tune").text


def test_without_a_folder_it_says_how_to_begin(tmp_path: Path):
    with asking(tmp_path) as (_, client):
        assert "bridgetune app --tune DIR" in client.get("/tune").text
        assert "bridgetune app --tune DIR" in lines(client.post("/tune", data=BEGUN).text)[0]
