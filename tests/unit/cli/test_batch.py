"""Folders that are still to come."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from bridgetune.cli.batch import POLL, coming


class Telling:
    """A watch that tells, look by look, what it is given."""

    def __init__(self, *looks: list[Path]) -> None:
        self._looks = iter(looks)

    def ready(self) -> list[Path]:
        return next(self._looks, [])


def test_folders_come_as_they_are_told_but_for_those_that_are_written_to(tmp_path: Path):
    a, b, out = (tmp_path / name for name in ("a", "b", "out"))
    slept: list[float] = []
    folders = coming(Telling([], [out, a], [], [b]), [out], slept.append)
    assert list(islice(folders, 2)) == [a, b]
    assert slept == [POLL] * 3


def test_a_wait_that_is_stopped_ends(tmp_path: Path):
    def stopped(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(coming(Telling([], [tmp_path]), [], stopped))
