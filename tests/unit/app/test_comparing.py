"""Results beside one another, as a browser asks for them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from bridgetune.app.work import Task
from tests.support.pages import asking, hold, lines, settled, stack_sent

METHODS = ("sharpness", "modified-laplacian", "spatial-frequency")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    """Who asks, and the address of a pair that was fused by three methods at once."""
    with asking(tmp_path_factory.mktemp("page")) as (_, client):
        place = client.post("/fuse", files=stack_sent(2)).url.path
        settled(client, place)
        client.post(f"{place}/start", data={"method": METHODS, "align": "none"})
        settled(client, place)
        yield client, place


def layers(page: str) -> list[str]:
    return re.findall(r'data-layer="(.*?)"', page)


def test_several_methods_are_asked_at_once_and_shown_side_by_side(compared: tuple[TestClient, str]):
    client, place = compared
    page = client.get(f"{place}/compare").text
    assert layers(page) == [f"{place}/{number}/fused.dzi" for number in range(3)]
    assert re.findall(r"<figcaption>\d: (.*?), alignment none", page) == list(METHODS)
    assert all(client.get(layer).status_code == 200 for layer in layers(page))


def test_who_fuses_by_more_methods_is_led_back_to_compare_where_they_arrive(tmp_path: Path):
    with asking(tmp_path) as (page, client):
        place = client.post("/fuse", files=stack_sent(2)).url.path
        settled(client, place)
        compare = client.get(f"{place}/compare").text
        assert '<input type="hidden" name="to" value="compare">' in compare
        assert "Choose up to 8 methods" in compare
        assert "<legend>Others, without a map or weights of their own</legend>" in compare
        held = Task(hold)
        page.worker.submit(held)
        asked = {"method": ["sharpness", "modified-laplacian"], "align": "none", "to": "compare"}
        answer = client.post(f"{place}/start", data=asked)
        assert answer.url.path == f"{place}/compare"
        assert f'hx-get="{place}/state?seen=0"' in answer.text
        assert "Fuse by each" not in answer.text
        assert f'hx-get="{place}/state?seen=0"' in client.get(f"{place}/state?seen=0").text
        assert client.get(f"{place}/state?seen=1").headers["hx-refresh"] == "true"
        held.stop()
        settled(client, place)
        assert layers(client.get(f"{place}/compare").text) == [f"{place}/{number}/fused.dzi" for number in (0, 1)]
        assert "now alignment none" in client.get(f"{place}/compare").text


@pytest.mark.parametrize(
    ("asked", "shown"), [("?show=2&show=0", [2, 0]), ("?show=9&show=x", [0, 1, 2]), ("?show=1&show=-1", [1])]
)
def test_those_that_are_asked_for_are_shown(compared: tuple[TestClient, str], asked: str, shown: list[int]):
    client, place = compared
    found = layers(client.get(f"{place}/compare{asked}").text)
    assert found == [f"{place}/{number}/fused.dzi" for number in shown]


def test_a_region_is_scored_method_by_method(compared: tuple[TestClient, str]):
    client, place = compared
    region = {"left": 20, "top": 4, "width": 40, "height": 40, "show": [1, 2]}
    page = client.get(f"{place}/scores", params=region).text
    assert re.findall(r"<tr><td>\d: ([\w-]+), alignment none", page) == list(METHODS[1:])
    assert "40×40 pixels from (20, 4) on" in page
    assert "<i>Q</i><sup>AB/F</sup> ↑" in page
    assert "invention ↓" in page
    (row,) = re.findall(r"<tr><td>2: .*?</tr>", page)
    assert 0 < float(re.findall(r"<td[^>]*>(?:<b>)?([\d.]+)", row)[2]) < 1
    outline = client.get(re.findall(r'data-homogeneous="(.*?)"', client.get(f"{place}/compare").text)[0])
    assert 'Width="96"' in outline.text


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"width": 8}, "region: got 8×40 pixels, expected sides of 32 or more; choose a larger one"),
        ({"left": 80}, "expected a part of 96×48"),
        ({"left": ""}, "region: left: got ''"),
        ({"top": "-1"}, "region: top: got '-1'"),
    ],
)
def test_a_region_that_is_none_is_refused_in_a_line(
    compared: tuple[TestClient, str], changes: dict[str, object], line: str
):
    client, place = compared
    region = {"left": 20, "top": 4, "width": 40, "height": 40} | changes
    answer = client.get(f"{place}/scores", params=region, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert line in lines(answer.text)[0].replace("&#39;", "'")


def test_votes_are_cast_without_names_and_counted_with_them(compared: tuple[TestClient, str]):
    client, place = compared
    for number in range(4):
        page = client.get(f"{place}/blind").text
        assert not any(method in page for method in METHODS)
        assert layers(page) == [f"{place}/blind/{number}/{side}.dzi" for side in ("left", "right")]
        assert "scores" not in page
        assert "data-homogeneous" not in page
        for layer in layers(page):
            assert 'Width="96"' in client.get(layer).text
            assert client.get(layer.replace(".dzi", "_files/0/0_0.png")).headers["content-type"] == "image/png"
        voted = client.post(f"{place}/blind", data={"trial": number, "choice": "left"})
        assert voted.url.path == f"{place}/blind"
        assert f"{number + 1} vote" in voted.text
    rows = re.findall(r"<tr><td>(.*?)</td></tr>", client.get(f"{place}/compare").text)
    counts = [[int(cell) for cell in row.split("</td><td>")[2:5]] for row in rows]
    assert sum(map(sum, counts)) == 4
    assert len(rows) == 3
    for odd in ("blind/99/left.dzi", "blind/4/middle.dzi"):
        assert client.get(f"{place}/{odd}").status_code == 422


@pytest.mark.parametrize("data", [{"trial": "x", "choice": "left"}, {"trial": "0", "choice": "best"}, {}])
def test_what_is_no_vote_is_refused_in_a_line(compared: tuple[TestClient, str], data: dict[str, str]):
    client, place = compared
    answer = client.post(f"{place}/blind", data=data)
    assert (answer.status_code, len(lines(answer.text))) == (422, 1)


def test_before_anything_is_fused_there_is_nothing_to_compare_but_much_to_choose(tmp_path: Path):
    with asking(tmp_path) as (_, client):
        place = client.post("/fuse", files=stack_sent(2)).url.path
        settled(client, place)
        page = client.get(f"{place}/compare").text
        assert layers(page) == []
        assert 'name="method" value="bridgemff"' in page
        assert client.get(f"{place}/blind").status_code == 422
        many = client.post(f"{place}/start", data={"method": ["sharpness"] * 9})
        assert lines(many.text)[0].startswith("results: 0 are there, and 8 find room")
