"""The page from the first picture to the last file, as a browser asks for it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from bridgetune.app.desk import Serving
from bridgetune.app.server import Page, address, listening
from bridgetune.app.sheets import Sheet
from bridgetune.app.tiles import as_png
from bridgetune.app.work import Task
from bridgetune.errors import RequestError
from tests.support.pages import asking, frames_of, hold, lines, named, settled, stack_sent, until

STILL = {"method": "sharpness", "align": "none"}
ASKED = {"HX-Request": "true"}


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[tuple[Page, TestClient]]:
    with asking(tmp_path) as both:
        yield both


@pytest.fixture
def client(asked: tuple[Page, TestClient]) -> TestClient:
    return asked[1]


@pytest.fixture
def sheet(client: TestClient) -> str:
    """The address of a stack that has been read."""
    place = client.post("/fuse", files=stack_sent()).url.path
    settled(client, place)
    return place


def test_a_stack_goes_in_and_a_picture_comes_out(client: TestClient, sheet: str):
    ready = client.get(sheet).text
    assert re.findall(r"<b>(.*?)</b>", ready) == ["frame 8.png", "frame 9.png", "frame 10.png"]
    assert client.get(f"{sheet}/preview.png").headers["content-type"] == "image/png"
    assert client.get(f"{sheet}/thumbnails/2.png").status_code == 200
    assert client.get(f"{sheet}/thumbnails/3.png").status_code == 422
    client.post(f"{sheet}/start", data=STILL)
    done = settled(client, sheet)
    assert lines(done) == []
    (layer,) = re.findall(r'data-fused="(.*?)"', done)
    assert 'Width="96" Height="48"' in client.get(layer).text
    tile = client.get(layer.replace(".dzi", "_files/7/0_0.png"))
    assert tile.content == as_png(np.ascontiguousarray(fused(client, done)))
    assert client.get(layer.replace(".dzi", "_files/7/1_0.png")).status_code == 422
    for file in re.findall(r'href="(\S+?/files/\S+?)"', done):
        answer = client.get(file)
        assert answer.status_code == 200
        assert answer.headers["content-disposition"] == f'attachment; filename="{Path(file).name}"'


def fused(client: TestClient, page: str) -> np.ndarray:
    import cv2

    (file,) = re.findall(r'href="(\S+?/files/fused.png)"', page)
    return cv2.imdecode(np.frombuffer(client.get(file).content, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_a_pair_is_for_the_network_that_comes_along(client: TestClient):
    place = client.post("/fuse", files=stack_sent(2)).url.path
    ready = settled(client, place)
    assert '<option value="bridgemff" selected>' in ready
    client.post(f"{place}/start", data={"method": "bridgemff", "quality": "fast", "align": "none"})
    done = settled(client, place)
    assert '<h2 id="result-title">The fused picture, by bridgemff, quality fast, alignment none</h2>' in done
    assert "data-map=" in done
    assert client.get(f"{place}/0/files/map.png").status_code == 200


def test_several_results_stay_and_are_laid_upon_each_other(client: TestClient, sheet: str):
    for smooth in ("none", "regions"):
        client.post(f"{sheet}/start", data={**STILL, "smooth": smooth})
        settled(client, sheet)
    first, last = client.get(sheet, params={"result": 0}).text, client.get(sheet).text
    assert (f'data-fused="{sheet}/0/fused.dzi"' in first, f'data-fused="{sheet}/1/fused.dzi"' in last) == (True, True)
    assert f'<option value="{sheet}/0/fused.dzi">' in last
    for odd in ("9", "-1", "x", "²"):
        assert client.get(sheet, params={"result": odd}).text == last


def test_what_was_asked_for_stays_chosen(client: TestClient, sheet: str):
    client.post(f"{sheet}/start", data={**STILL, "blend": "pyramid"})
    assert '<option value="pyramid" selected>' in settled(client, sheet)


def test_names_are_text_whatever_is_in_them(client: TestClient):
    first, second = (as_png(frame) for frame in frames_of(2))
    odd = [named("../<script>alert(1)</script>.png", first), named('"><img src=x>.png', second), named("<b>.txt", b"x")]
    page = settled(client, client.post("/fuse", files=odd).url.path)
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;/script&gt;.png" in page or "script&gt;.png" in page
    assert lines(page)[0].startswith("&lt;b&gt;.txt: ")


def test_one_picture_alone_is_refused_in_a_line(client: TestClient):
    page = settled(client, client.post("/fuse", files=stack_sent(1)).url.path)
    assert lines(page) == ["pictures: 1 can be read, expected two or more of one scene"]
    assert "Choose" not in page or 'name="pictures"' in page


@pytest.mark.parametrize("data", [{"method": "os:system"}, {"method": "sharpness", "blend": "x"}, {}])
def test_what_is_asked_wrongly_is_refused_in_a_line_on_the_page(client: TestClient, sheet: str, data: dict[str, str]):
    answer = client.post(f"{sheet}/start", data=data, headers=ASKED)
    assert (answer.status_code, len(lines(answer.text))) == (422, 1)
    assert "<html" not in answer.text
    whole = client.post(f"{sheet}/start", data=data)
    assert (whole.status_code, lines(whole.text)) == (422, lines(answer.text))
    assert "<html" in whole.text


def test_a_script_is_led_on_by_a_header(client: TestClient):
    answer = client.post("/fuse", files=stack_sent(2), headers=ASKED)
    assert (answer.status_code, answer.headers["hx-redirect"][:6], answer.text) == (200, "/fuse/", "")


def test_pictures_are_gone_when_they_are_removed(client: TestClient, sheet: str, tmp_path: Path):
    client.post(f"{sheet}/start", data=STILL)
    settled(client, sheet)
    client.get(f"{sheet}/0/fused.dzi")
    assert client.post(f"{sheet}/remove").url.path == "/"
    answer = client.get(sheet)
    assert (answer.status_code, lines(answer.text)) == (422, ["these pictures are no longer here; choose them again"])
    assert list(tmp_path.iterdir()) == []


def test_pictures_that_nobody_looks_at_are_gone_in_time(tmp_path: Path):
    with asking(tmp_path, Serving(idle=0.5, tidied=0.01)) as (_, client):
        place = client.post("/fuse", files=stack_sent(2)).url.path
        settled(client, place)
        until(lambda: list(tmp_path.iterdir()) == [])
        assert client.get(place).status_code == 422


def test_work_is_seen_again_when_the_page_is_opened_again_and_can_be_stopped(
    asked: tuple[Page, TestClient], sheet: str
):
    page, client = asked
    until(lambda: not page.sheets.all()[0].busy)
    held = Task(hold)
    page.worker.submit(held)
    until(lambda: held.step == "holding")
    client.post(f"{sheet}/start", data=STILL)
    shown = client.get(sheet).text
    assert "Waiting: 1 before this one" in shown
    assert "<progress" in shown
    assert client.post(f"{sheet}/start", data=STILL).status_code == 422
    assert client.post(f"{sheet}/stop", headers=ASKED).status_code == 204
    assert lines(client.get(sheet).text) == ["Stopped."]
    held.stop()


def test_who_comes_when_too_many_wait_is_told(tmp_path: Path):
    with asking(tmp_path, Serving(queue=1)) as (page, client):
        tasks = [Task(hold), Task(hold)]
        page.worker.submit(tasks[0])
        until(lambda: tasks[0].step == "holding")
        page.worker.submit(tasks[1])
        answer = client.post("/fuse", files=stack_sent(2))
        assert lines(answer.text)[0].startswith("1 others are waiting already")
        assert list(tmp_path.iterdir()) == []


def test_there_is_nothing_else(client: TestClient, sheet: str):
    for path in ("/etc/passwd", "/static/../server.py", "/static/%2e%2e/server.py", f"{sheet}/0/fused.dzi"):
        answer = client.get(path)
        assert answer.status_code in (404, 422)
        assert "import" not in answer.text


def test_a_port_that_is_taken_is_refused_in_a_line():
    with listening("127.0.0.1", 0) as taken, pytest.raises(RequestError, match="--port 0 takes any port"):
        listening("127.0.0.1", taken.getsockname()[1])


def test_the_address_has_the_token_and_a_name_that_a_browser_takes():
    assert address(Serving(), 8765) == "http://127.0.0.1:8765/"
    assert address(Serving(host="::1", token="abc"), 1) == "http://[::1]:1/?token=abc"
    assert "0.0.0.0" not in address(Serving(host="0.0.0.0"), 1)


def test_lines_on_pictures_of_one_name_are_in_the_words_of_the_page(
    client: TestClient, caplog: pytest.LogCaptureFixture
):
    noise = np.random.default_rng(0).integers(0, 255, (2, 48, 96, 3), dtype=np.uint8)
    place = client.post("/fuse", files=[named("05.png", as_png(each)) for each in noise]).url.path
    settled(client, place)
    client.post(f"{place}/start", data={"method": "modified-laplacian", "align": "homography"})
    (line,) = map(html.unescape, lines(settled(client, place)))
    assert line.startswith("05.png (2): cannot be registered with 05.png: ")
    assert line.endswith("have “Alignment” at “none: as they are” and “Exposure” at “kept as it is”")
    client.post(f"{place}/start", data={"method": "modified-laplacian", "align": "none", "exposure": "even"})
    settled(client, place)
    assert "sent-" not in caplog.text


def test_pictures_of_different_sizes_are_pointed_out_before_they_are_fused(client: TestClient):
    sizes = [frames_of(1)[0], frames_of(1, 60, 120)[0]]
    page = settled(client, client.post("/fuse", files=[named("a.png", as_png(each)) for each in sizes]).url.path)
    assert "different sizes: 96×48, 120×60." in lines(page)[0]
    assert "lay the second picture upon the first, where Alignment is not “none”" in lines(page)[0]
    assert "There is no quick look: it is made by sharpness, which needs pictures of one size." in page
    sizes.append(sizes[0][:, ::-1])
    page = settled(client, client.post("/fuse", files=[named("a.png", as_png(each)) for each in sizes]).url.path)
    assert "Those that have another size than most are left out." in lines(page)[0]


def test_the_line_of_progress_has_a_gap_before_the_time_that_is_left(tmp_path: Path):
    task = Task(lambda task: None)
    task.state = "working"
    task.tell("reading", 1, 3, "0000.jpg")
    sheet = Sheet(tmp_path, [], task=task)
    shown = Page(Serving(), tmp_path).shown("state.html", sheet=sheet, ahead=0, seen=None)
    line = " ".join(re.sub("<.*?>", "", bytes(shown.body).decode()).split())
    assert line.startswith("Reading: 0000.jpg (1 of 3) · about ")
