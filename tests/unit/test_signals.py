"""What asks a process to stop, and what of it is heeded."""

from __future__ import annotations

import signal

import pytest

from bridgetune.signals import SIGNALS, heeded


def test_what_is_ignored_is_not_heeded():
    before = {number: signal.getsignal(number) for number in SIGNALS}
    assert signal.SIGINT in before
    assert heeded() == before
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert heeded() == {number: handler for number, handler in before.items() if number != signal.SIGTERM}
    finally:
        signal.signal(signal.SIGTERM, before[signal.SIGTERM])


def test_what_another_language_has_set_cannot_be_set_again_and_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    assert heeded() == {}
