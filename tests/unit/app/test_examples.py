"""Pairs to try the page with."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from bridgetune.app.examples import THUMBNAIL, Examples
from bridgetune.errors import RequestError
from bridgetune.pictures import read_image
from tests.support.pages import asking, settled


def test_each_photograph_is_there_once_and_its_pictures_differ(tmp_path: Path):
    examples = Examples()
    names = [example.name for example in examples.all()]
    assert len(names) == len(set(names)) > 1
    first = examples.find(0)
    uploads = first.put(tmp_path)
    found = [read_image(upload.path).pixels for upload in uploads]
    assert all((pixels == own).all() for pixels, own in zip(found, first.pictures, strict=True))
    assert np.abs(found[0].astype(int) - found[1]).max() > 20
    (tmp_path / "small.png").write_bytes(first.thumbnail(1))
    assert max(read_image(tmp_path / "small.png").size) <= THUMBNAIL
    with pytest.raises(RequestError, match="reload"):
        examples.find(len(names))


def test_without_its_package_there_are_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert Examples().all() == []


def test_one_press_takes_one(tmp_path: Path):
    with asking(tmp_path) as (_, client):
        assert 'hx-get="/examples"' in client.get("/").text
        page = client.get("/examples").text
        for source in re.findall(r'src="(\S+)"', page):
            assert client.get(source).headers["content-type"] == "image/png"
        sent = client.post(re.findall(r'action="(\S+)"', page)[1])
        shown = settled(client, sent.url.path)
        assert "<h1>2 pictures</h1>" in shown
        for odd in ("/examples/99-0.png", "/examples/0-2.png"):
            assert client.get(odd).status_code == 422
        assert client.post("/examples/99").status_code == 422
