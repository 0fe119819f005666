"""One process at a time writes to a folder; another one is told who does."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from bridgetune.documents import Document, read_model
from bridgetune.errors import RequestError
from bridgetune.paths import is_file

if TYPE_CHECKING:
    from filelock import BaseFileLock

LOCK, OWNER = ".bridgetune.lock", ".bridgetune.owner.json"
"""Files that are in a folder, or beside it behind its name, as long as it is held."""

PATIENCE = 0.2
"""Seconds: what one process gives back while another one asks is had at once."""

_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


class Owner(Document):
    """Who holds a folder."""

    pid: int
    host: Annotated[str, Field(max_length=255)]
    since: Annotated[str, Field(max_length=19)]


@contextmanager
def held(folder: Path) -> Iterator[float]:
    """Have a folder alone; it is made where it is missing, and removed again if that was all, and failed.

    The lock is the kernel's, and ends with the process, however that ends; where the file system has none, it is a
    file that says which process wrote it.

    Yields:
        Since when, in the time of the file system.

    Raises:
        RequestError: Another process has it, which is named; or nothing can be written there.
    """
    with _alone(folder / LOCK, folder / OWNER, folder) as since:
        yield since


@contextmanager
def held_beside(path: Path) -> Iterator[None]:
    """Have alone what will be at `path` when it is whole; the lock is beside it. Raises as `held`."""
    lock, owner = (path.with_name(f".{path.name}{name}") for name in (LOCK, OWNER))
    with _alone(lock, owner, path):
        yield


def refuse_held(folder: Path) -> None:
    """Raise `RequestError` where another process has the folder; nothing is written."""
    if is_file(folder / LOCK):
        with _alone(folder / LOCK, folder / OWNER, folder):
            pass


@contextmanager
def _alone(path: Path, owner: Path, named: Path) -> Iterator[float]:
    with _unless_it_fails(path.parent), _locked(path, owner, named) as since:
        yield since


@contextmanager
def _unless_it_fails(folder: Path) -> Iterator[None]:
    """Remove the folders that are made for it within, if they are empty."""
    missing = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        yield
    except BaseException:
        for place in missing:
            with contextlib.suppress(OSError):
                place.rmdir()
        raise


@contextmanager
def _locked(path: Path, owner: Path, named: Path) -> Iterator[float]:
    from filelock import SoftFileLock, Timeout  # what fuses a pair locks nothing, and need not wait for it

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _acquired(path)
        owner.write_text(json.dumps(_this_process()) + "\n", encoding="utf-8")
        since = owner.stat().st_mtime
    except Timeout:
        raise RequestError(f"{named}: in use by {_told(owner)}; wait until it ends, or name another folder") from None
    except OSError as error:
        raise RequestError(
            f"{named}: cannot be written to ({error.strerror}), expected a folder for what is made; name another"
        ) from error
    try:
        yield since
    finally:
        with contextlib.suppress(OSError):
            owner.unlink()
            if not isinstance(lock, SoftFileLock):
                path.unlink()
        with contextlib.suppress(OSError):
            lock.release()


def _acquired(path: Path) -> BaseFileLock:
    from filelock import FileLock, SoftFileLock, Timeout

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the file system has no locks
        try:
            lock: BaseFileLock = FileLock(path, timeout=PATIENCE)
            lock.acquire()
        except OSError as error:
            if isinstance(error, Timeout) or error.errno not in _NO_LOCKS_HERE:
                raise
            lock = SoftFileLock(path, timeout=PATIENCE)
            lock.acquire()
    return lock


def _this_process() -> dict[str, str | int]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now().isoformat(" ", "seconds")}


def _told(owner: Path) -> str:
    try:
        said = read_model(Owner, owner, "the owner of a lock")
    except RequestError:
        return "another process"
    return f"process {said.pid} on {said.host} since {said.since}"
