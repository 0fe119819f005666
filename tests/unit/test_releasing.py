"""Memory that is given back."""

from __future__ import annotations

import sys

import pytest

from bridgetune import releasing


def test_what_is_free_is_given_back(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    monkeypatch.setattr(releasing, "_trim", lambda: asked.append)
    releasing.release()
    assert asked == [0]


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_elsewhere_nothing_is_done(platform: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", platform)
    assert releasing._trim.__wrapped__() is None
    releasing.release()
