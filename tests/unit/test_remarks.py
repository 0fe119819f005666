"""Warnings that wait until nothing can refuse the work any more."""

from __future__ import annotations

import logging

import pytest

from bridgetune.remarks import held_back

logger = logging.getLogger("bridgetune")


def test_they_are_said_in_their_order_and_once(caplog: pytest.LogCaptureFixture):
    with held_back() as remarks:
        logger.warning("of %d", 1)
        logger.warning("of 2")
        assert caplog.messages == []
    logger.warning("at once")
    remarks.say()
    remarks.say()
    assert caplog.messages == ["at once", "of 1", "of 2"]


def test_of_what_is_refused_nothing_is_said(caplog: pytest.LogCaptureFixture):
    def refused() -> None:
        with held_back():
            logger.warning("a remark")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        refused()
    logger.warning("afterwards")
    assert caplog.messages == ["afterwards"]
