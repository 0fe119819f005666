"""Writing files so that a reader sees the old one or the whole new one, never half of it."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridgetune.errors import WorkError

_PARTIAL = re.compile(r"\..+\.[0-9]+\.partial(\.\w+)?")
"""The names that `replaced` gives."""


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` to write to; it is flushed and becomes `path` if all goes well.

    The temporary name keeps the suffix, by which writers tell the format.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
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
        raise WorkError(f"{path}: cannot be written ({error.strerror}); name another place") from error
