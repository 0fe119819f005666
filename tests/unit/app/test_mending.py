"""Mending, as a browser asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.support.pages import asking, lines, settled, stack_sent

STROKE = {"points": [[20, 24], [70, 24]], "size": 20, "softness": 0.5, "frame": 2}


@pytest.fixture
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    """Who asks, and where a stack's first result is mended."""
    with asking(tmp_path_factory.mktemp("page")) as (_, client):
        place = client.post("/fuse", files=stack_sent()).url.path
        settled(client, place)
        client.post(f"{place}/start", data={"method": "sharpness", "align": "none"})
        assert f'href="{place}/0/mend"' in settled(client, place)
        yield client, f"{place}/0/mend"


def tile(client: TestClient, place: str, version: int, layer: str = "fused") -> bytes:
    answer = client.get(f"{place}/{version}/{layer}_files/7/0_0.png")
    assert answer.status_code == 200
    return answer.content


def test_a_stroke_is_seen_undone_done_again_and_kept(mended: tuple[TestClient, str]):
    client, place = mended
    assert 'Width="96"' in client.get(f"{place}/0/fused.dzi").text
    before = tile(client, place, 0), tile(client, place, 0, "map")
    assert client.post(f"{place}/paint", json=STROKE).json() == {"version": 1, "done": 1, "undone": 0}
    after = tile(client, place, 1), tile(client, place, 1, "map")
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert client.post(f"{place}/undo").json() == {"version": 2, "done": 0, "undone": 1}
    assert (tile(client, place, 2), tile(client, place, 2, "map")) == before
    assert client.post(f"{place}/redo").json() == {"version": 3, "done": 1, "undone": 0}
    page = client.get(place).text  # opened again
    assert 'data-version="3"' in page
    kept = client.post(f"{place}/keep")
    assert '<h2 id="result-title">The fused picture, by sharpness, alignment none, mended</h2>' in kept.text
    assert client.get(place.replace("/0/mend", "/1/fused_files/7/0_0.png")).content == after[0]
    assert client.get(place.replace("/0/mend", "/0/fused_files/7/0_0.png")).content == before[0]


@pytest.mark.parametrize("body", ["", "x", "[]", '{"points": [[1, 1]], "size": 5, "frame": 9}', '{"a": "<b>"}'])
def test_what_is_no_stroke_is_refused_in_a_line(mended: tuple[TestClient, str], body: str):
    client, place = mended
    answer = client.post(f"{place}/paint", content=body, headers={"HX-Request": "true"})
    assert (answer.status_code, len(lines(answer.text))) == (422, 1)
    assert "<b>" not in answer.text


def test_a_stroke_without_end_is_refused(mended: tuple[TestClient, str]):
    client, place = mended
    answer = client.post(f"{place}/paint", content=b" " * 1_000_001)
    assert lines(answer.text) == ["stroke: is too long; lift the brush sooner"]


def test_what_is_not_there_cannot_be_mended(mended: tuple[TestClient, str]):
    client, place = mended
    for odd in (place.replace("/0/", "/7/"), f"{place}/0/frame-0.dzi", f"{place}/0/fused_files/7/9_9.png"):
        assert client.get(odd).status_code == 422
