"""Writing files and folders so that a reader sees the old one or the whole new one, never half of it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridgetune.errors import RequestError, WorkError
from bridgetune.paths import is_folder, is_there, resolved, shown, special

LONGEST_NAME = 255
"""Bytes, on the drives that there are."""

LONGEST_SUFFIX = 20
"""Letters; none is longer by which a writer tells the format."""

HALF_MADE = ".bridgetune-partial"
"""Ends the name of a folder of pictures as long as they are made."""

_PARTIAL = re.compile(r"\..+\.[0-9]+\.partial(\.\w+)?")
"""The names that `replaced` gives."""


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it is flushed and becomes `path` if all goes well.

    It is beside `path`, or beside what `path` is a link to, which stays one; and it keeps the suffix, by which writers
    tell the format.

    Raises:
        WorkError: `path` is a FIFO, a device or a socket, which nothing replaces.
    """
    if found := special(path):
        raise WorkError(f"{shown(path)}: is {found}, and is not replaced; name another place")
    path = resolved(path) if path.is_symlink() else path
    partial = _beside(path)
    try:
        yield partial
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    finally:
        with contextlib.suppress(OSError):  # of a folder that is gone; what went wrong is told already
            partial.unlink(missing_ok=True)


def clear_partial(folder: Path, before: float) -> None:
    """Remove what `replaced` left in a folder when a process was killed.

    Args:
        folder: Only its own files are looked at.
        before: A time as files have it; what is younger may be being written.
    """
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            with contextlib.suppress(OSError):
                if _PARTIAL.fullmatch(path.name) and path.is_file() and path.stat().st_mtime < before:
                    path.unlink()


def write_whole(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all; folders are made.

    Raises:
        WorkError: It cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replaced(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WorkError(f"{shown(path)}: cannot be written ({error.strerror}); name another place") from error


def half_made(folder: Path) -> Path:
    """Where the pictures are made that will be in a folder when they are whole."""
    return folder.with_name(f".{folder.name}{HALF_MADE}")


def check_made(folder: Path) -> Path:
    """The folder.

    Raises:
        RequestError: It is one that `bridgetune data make` has begun.
    """
    begun = folder.name.startswith(".") and folder.name.endswith(HALF_MADE)
    if begun or (not is_there(folder) and is_folder(half_made(folder))):
        name = folder.name[1 : -len(HALF_MADE)] if begun else folder.name
        raise RequestError(
            f"{shown(folder)}: bridgetune data make has not ended, or was killed; once it has, the pairs are in"
            f" {shown(folder.with_name(name))}: run it again"
        )
    return folder


def _beside(path: Path) -> Path:
    """A name of this process's own, no longer than a drive takes."""
    suffix = path.suffix if len(path.suffix) < LONGEST_SUFFIX else ""
    rest = f".{os.getpid()}.partial{suffix}"
    room = LONGEST_NAME - 1 - len(os.fsencode(rest))
    stem = path.stem
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return path.with_name(f".{stem}{rest}")
