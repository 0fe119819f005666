"""What is sent: bounded, and in files of our own naming."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridgetune.app.desk import Serving
from bridgetune.app.uploads import Limits, name_of
from tests.support.pages import Sent, asking, lines, named, stack_sent

SMALL = Limits(file=2000, files=3, whole=5000)
ASKED = {"HX-Request": "true"}


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("beetle 1.jpg", "beetle 1.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.png", "a.png"),
        ("/abs/olute.tif", "olute.tif"),
        ("a\nb\x1b.png", "a\\nb\\x1b.png"),
        ("", "picture"),
        (None, "picture"),
        ("folder/", "folder"),
    ],
)
def test_a_name_is_its_last_part_and_printable(sent: str | None, name: str):
    assert name_of(sent) == name


def test_files_are_kept_in_order_under_names_of_our_own(tmp_path: Path):
    odd = [*stack_sent(2), named("../../frame 10.<b>", b"x"), named("C:\\frame 11.PNG", b"y")]
    with asking(tmp_path) as (page, client):
        client.post("/fuse", files=odd, headers=ASKED)
        (sheet,) = page.sheets.all()
    assert [upload.name for upload in sheet.uploads] == ["frame 8.png", "frame 9.png", "frame 10.<b>", "frame 11.PNG"]
    assert [upload.path.name for upload in sheet.uploads] == [
        *("sent-0001.png", "sent-0002.png", "sent-0003", "sent-0004.png"),
    ]
    assert {upload.path.parent.parent for upload in sheet.uploads} == {tmp_path}


def test_files_of_one_name_are_told_apart(tmp_path: Path):
    with asking(tmp_path) as (page, client):
        client.post("/fuse", files=[named(f"{folder}/05.jpg", b"x") for folder in "ABC"], headers=ASKED)
        (sheet,) = page.sheets.all()
    assert [upload.name for upload in sheet.uploads] == ["05.jpg", "05.jpg (2)", "05.jpg (3)"]
    assert {upload.path.suffix for upload in sheet.uploads} == {".jpg"}


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        ([named("a.png", b"x" * 2001), named("b.png", b"x")], "a.png: has 0 MB, expected at most 0 MB"),
        ([named(f"{number}.png", b"x") for number in range(4)], "pictures: got more than 3"),
        ([named(f"{number}.png", b"x" * 1900) for number in range(3)], "pictures: got more than 0 MB in all"),
        ([("other", ("a.png", b"x", "image/png"))], "pictures: got none"),
    ],
    ids=["large", "many", "much", "none"],
)
def test_what_is_beyond_the_bounds_is_refused_in_a_line_and_nothing_stays(tmp_path: Path, sent: Sent, line: str):
    with asking(tmp_path, Serving(limits=SMALL)) as (page, client):
        answer = client.post("/fuse", files=sent, headers=ASKED)
        assert page.sheets.all() == []
    assert answer.status_code == 422
    assert lines(answer.text)[0].startswith(line)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "post",
    [
        lambda client: client.post("/fuse", content=b"x" * 100, headers={"content-type": "multipart/form-data"}),
        lambda client: client.post("/fuse", json={"pictures": "/etc/passwd"}),
        lambda client: client.post("/fuse", data={"pictures": "/etc/passwd"}),
        lambda client: client.post(
            "/fuse", content=b"--x\r\nbroken", headers={"content-type": "multipart/form-data; boundary=x"}
        ),
    ],
    ids=["no boundary", "json", "a path", "cut off"],
)
def test_what_is_no_form_of_files_is_refused_in_a_line(tmp_path: Path, post: Callable):
    with asking(tmp_path) as (_, client):
        answer = post(client)
    assert answer.status_code == 422
    assert len(lines(answer.text)) == 1
    assert list(tmp_path.iterdir()) == []
