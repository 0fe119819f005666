"""Which signals are wishes, and for how long."""

from __future__ import annotations

import os
import signal

import pytest

from bridgetune.training.interrupts import interrupts_as_wishes

SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"]


class Stopped(BaseException):
    """By a handler of before."""


def stop(number, frame):
    raise Stopped


@pytest.fixture(autouse=True)
def handlers():
    before = {name: signal.signal(getattr(signal, name), stop) for name in SIGNALS}
    yield
    for name, handler in before.items():
        signal.signal(getattr(signal, name), handler)


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_the_first_is_a_wish_and_the_second_acts_as_before(first: str, second: str):
    with interrupts_as_wishes() as wish:
        assert not wish.uttered
        os.kill(os.getpid(), getattr(signal, first))
        assert wish.uttered
        with pytest.raises(Stopped):
            os.kill(os.getpid(), getattr(signal, second))


def test_a_hangup_that_is_ignored_goes_on_to_be():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interrupts_as_wishes() as wish:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not wish.uttered
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is stop
