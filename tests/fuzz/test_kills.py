"""A few kills of commands that are quick; `make fuzz` kills for as long as one likes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.kills import Killing, half_written


@pytest.mark.slow
def test_what_is_killed_goes_on_and_ends_the_same(tmp_path: Path):
    killing = Killing(tmp_path, seed=16)
    for verb in ("pretrain", "fuse", "data make"):
        kind, faults = killing.kill(verb)
        assert faults == [], kind


def test_what_is_half_written_is_seen(tmp_path: Path):
    (tmp_path / "cut.json").write_text('{"format": 1')
    (tmp_path / "cut.png").write_bytes(b"\x89PNG")
    (tmp_path / "whole.json").write_text("{}")
    (tmp_path / ".hidden.json").write_text("{")
    assert [line.partition(":")[0] for line in half_written(tmp_path)] == ["cut.json", "cut.png"]
