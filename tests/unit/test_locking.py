"""A folder is one process's at a time, and nobody's behind a process that is gone."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
from multiprocessing.synchronize import Event
from pathlib import Path

import filelock
import pytest

from bridgetune import RequestError
from bridgetune.locking import LOCK, OWNER, held, held_beside, refuse_held

FORK = multiprocessing.get_context("fork")


def hold(folder: Path, there: Event, enough: Event) -> None:
    with held(folder):
        there.set()
        enough.wait(60)


@pytest.fixture
def other(tmp_path: Path):
    """A process that has tmp_path/run, and what tells it that it is enough."""
    there, enough = FORK.Event(), FORK.Event()
    process = FORK.Process(target=hold, args=(tmp_path / "run", there, enough))
    process.start()
    assert there.wait(60)
    yield process, enough
    process.kill()
    process.join()


@pytest.mark.parametrize("asked", [lambda folder: held(folder).__enter__(), refuse_held], ids=["held", "asked"])
def test_a_second_process_is_told_who_has_it(tmp_path: Path, other, asked):
    process, enough = other
    with pytest.raises(RequestError, match=rf"run: in use by process {process.pid} on \S+ since 20\S+ \S+; wait"):
        asked(tmp_path / "run")
    enough.set()
    process.join(60)
    with held(tmp_path / "run"):
        pass


def test_what_a_killed_process_had_is_free_and_not_told_to_be_its(tmp_path: Path, other):
    process, _ = other
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    assert (tmp_path / "run" / OWNER).is_file()
    refuse_held(tmp_path / "run")
    with held(tmp_path / "run"):
        assert json.loads((tmp_path / "run" / OWNER).read_text())["pid"] == os.getpid()


def test_nothing_of_it_is_left_behind(tmp_path: Path):
    with held(tmp_path / "run") as since:
        (tmp_path / "run" / "made").touch()
        assert (tmp_path / "run" / "made").stat().st_mtime >= since
    with held_beside(tmp_path / "set"):
        assert not (tmp_path / "set").exists()
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*"))] == ["run", "run/made"]


def test_folders_that_were_made_for_work_that_failed_are_gone(tmp_path: Path):
    with pytest.raises(RequestError, match="wrong"), held(tmp_path / "a" / "b"):
        raise RequestError("wrong")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match=r"file/run: cannot be written to \(Not a directory\)"):
        held(tmp_path / "file" / "run").__enter__()


def test_an_owner_that_cannot_be_read_is_another_process(tmp_path: Path):
    with held(tmp_path):
        (tmp_path / OWNER).write_text("[" * 10_000)
        with pytest.raises(RequestError, match="in use by another process"):
            held(tmp_path).__enter__()


def test_a_file_system_without_locks_has_a_file_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Lockless(filelock.FileLock):
        def _acquire(self) -> None:
            raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock, "FileLock", Lockless)
    with held(tmp_path):
        assert (tmp_path / LOCK).is_file()
        with pytest.raises(RequestError, match=rf"in use by process {os.getpid()} "):
            held(tmp_path).__enter__()
    assert list(tmp_path.iterdir()) == []
    process = FORK.Process(target=lambda: (filelock.SoftFileLock(tmp_path / LOCK).acquire(), os._exit(0)))
    process.start()
    process.join()
    assert (tmp_path / LOCK).is_file(), "it is left behind"
    with held(tmp_path):
        pass
