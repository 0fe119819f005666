"""Who may use the page, and that a browser takes and sends nothing elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgetune.app.desk import Serving
from bridgetune.app.guard import COOKIE
from tests.support.pages import asking

TOKEN = "a-token-of-20-letters"
OPEN = Serving(host="0.0.0.0", token=TOKEN)


def test_a_browser_is_told_to_stay_here(tmp_path: Path):
    with asking(tmp_path) as (_, client):
        for answer in (client.get("/"), client.get("/nothing"), client.get("/static/page.css")):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "http" not in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", ""])
def test_it_answers_to_no_other_name(tmp_path: Path, host: str):
    with asking(tmp_path) as (_, client):
        assert client.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1:8765", "localhost:1", "[::1]:8765", "LOCALHOST"])
def test_it_answers_to_this_machines_names(tmp_path: Path, host: str):
    with asking(tmp_path) as (_, client):
        assert client.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999"])
def test_what_another_site_sends_is_not_taken(tmp_path: Path, origin: str):
    with asking(tmp_path) as (_, client):
        answer = client.post("/fuse", data={}, headers={"origin": origin})
        assert answer.status_code == 403
        ours = client.post("/fuse", data={}, headers={"origin": "http://127.0.0.1:8765"})
        assert ours.status_code == 422


def test_without_the_token_nothing_is_shown_but_the_question(tmp_path: Path):
    with asking(tmp_path, OPEN) as (_, client):
        for path in ("/", "/fuse/anything", "/?token=wrong"):
            answer = client.get(path)
            assert (answer.status_code, "asks for its token" in answer.text) == (401, True)
            assert TOKEN not in answer.text
        assert client.post("/fuse", data={}).status_code == 401
        assert client.get("/static/page.css").status_code == 200


def test_with_the_token_a_browser_is_let_in_and_remembered(tmp_path: Path):
    with asking(tmp_path, OPEN) as (_, client):
        answer = client.get("/", params={"token": TOKEN})
        assert answer.status_code == 200
        assert "token" not in str(answer.url)  # nor in its history
        assert client.get("/").status_code == 200
    with asking(tmp_path, OPEN) as (_, client):
        assert client.post("/token", data={"token": "wrong"}).status_code == 401
        entered = client.post("/token", data={"token": TOKEN}, follow_redirects=False)
        assert "HttpOnly" in entered.headers["set-cookie"]
        assert "SameSite=strict" in entered.headers["set-cookie"]
        assert client.cookies[COOKIE] == TOKEN
        assert client.get("/").status_code == 200
