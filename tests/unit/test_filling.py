"""What an earlier start left is gone on with, where the same settings left it, and else refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridgetune.errors import RequestError
from bridgetune.filling import RECORD, Journal, filling


def test_what_is_there_is_known_until_all_is_whole(tmp_path: Path):
    out = tmp_path / "out"
    files = [out / "1.png", out / "2.png"]

    def stopped() -> None:
        with filling([out], files, {"blend": "none"}, force=False) as filled:
            assert not filled.has(files[0])
            files[0].touch()
            (out / f".2.{os.getpid()}.partial.png").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert sorted(path.name for path in out.iterdir()) == [RECORD, "1.png"]
    with filling([out], files, {"blend": "none"}, force=False) as filled:
        assert filled.has(files[0])
        assert not filled.has(*files)
        files[1].touch()
        filled.is_whole()
    assert sorted(path.name for path in out.iterdir()) == ["1.png", "2.png"]
    with (
        pytest.raises(RequestError, match=r"1\.png and 1 more: exists already"),
        filling([out], files, {"blend": "none"}, force=False),
    ):
        pass


def test_other_settings_begin_again_only_when_told_to(tmp_path: Path):
    file = tmp_path / "1.png"
    with filling([tmp_path], [file], {"blend": "none", "borders": "keep"}, force=False):
        file.touch()
    now = {"blend": "feather", "borders": "keep"}
    with (
        pytest.raises(RequestError, match="begun with blend=none, now asked for feather"),
        filling([tmp_path], [file], now, force=False),
    ):
        pass
    with filling([tmp_path], [file], now, force=True) as filled:
        assert not filled.has(file)
    # written before it was begun: still to be replaced
    os.utime(file, (1, 1))
    with filling([tmp_path], [file], now, force=True) as filled:
        assert not filled.has(file)
        file.touch()
    with filling([tmp_path], [file], now, force=True) as filled:
        assert filled.has(file)


def test_a_request_that_is_refused_leaves_nothing(tmp_path: Path):
    with pytest.raises(RequestError), filling([tmp_path / "out"], [], {}, force=False):
        raise RequestError("no")
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_record_is_refused(tmp_path: Path):
    (tmp_path / RECORD).write_text('{"decided": 1}')
    with pytest.raises(RequestError, match="damaged"), filling([tmp_path], [], {}, force=False):
        pass


def test_a_journal_knows_what_was_said_of_each_item(tmp_path: Path):
    path = tmp_path / "scores.jsonl"
    journal = Journal(path, {"sources": "a"})
    journal.say("1", {"psnr": float("inf")})
    journal.say("2", 0.1)
    with path.open("a") as file:
        file.write('{"3": 0.')  # killed
    again = Journal(path, {"sources": "a"})
    assert again.known == {"1": {"psnr": float("inf")}, "2": 0.1}
    again.say("3", 0.25)
    assert Journal(path, {"sources": "a"}).known["3"] == 0.25
    with pytest.raises(RequestError, match="begun with sources=a, now asked for b"):
        Journal(path, {"sources": "b"})
    assert Journal(path, {"sources": "b"}, force=True).known == {}
    again.end()
    assert not path.exists()


def test_a_damaged_journal_is_refused(tmp_path: Path):
    path = tmp_path / "scores.jsonl"
    path.write_text("[]\n")
    with pytest.raises(RequestError, match="damaged"):
        Journal(path, {})
