"""Where results are to go, checked before the work: a refusal leaves everything as it was, folders too.

Links are followed: what a link leads to is checked, and later written. FIFOs, devices and sockets are never replaced.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridgetune.errors import RequestError, WorkError
from bridgetune.paths import are_same, is_there, kind_of, looks_foreign, resolved, shown, special

REPLACE = "name another, or replace it (--force)"
"""How what is there already is mended, in every verb."""

LEAST_SPACE = 65_536
"""Bytes that a drive has to have left for anything at all to be written."""


def check_file(
    path: Path, expected: str, *, suffixes: Sequence[str] = (), force: bool = False, space: int = LEAST_SPACE
) -> None:
    """Refuse a file that could not be written.

    Args:
        path: As it was given.
        expected: What it is to be: `the fused image`.
        suffixes: Those it may have, in lower case; any where there are none.
        force: Whether a file that is there may be replaced.
        space: Bytes that it takes at the least.

    Raises:
        RequestError: Another suffix, a folder or special file, a file that is there already, no folder to put it in
            and none that could be made, no permission, too long a name, no space. Nothing has been written.
    """
    _check_name(path, f"a file for {expected}")
    if suffixes and path.suffix.lower() not in suffixes:
        given = shown(path.suffix) or "no suffix"
        raise RequestError(f"{shown(path)}: {given}, expected {', '.join(suffixes)} for {expected}")
    kind = kind_of(path)
    if kind == "folder":
        example = f"result{suffixes[0] if suffixes else ''}"
        raise RequestError(f"{shown(path)}: is a folder, expected a file for {expected}; add a name such as {example}")
    if kind == "special":
        raise RequestError(f"{shown(path)}: is {special(path)}, expected a file for {expected}; name another")
    if kind == "file" and not force:
        raise RequestError(f"{shown(path)}: exists already; {REPLACE}")
    _check_place(resolved(path).parent, path, space)


def check_folder(path: Path, expected: str, *, space: int = LEAST_SPACE) -> None:
    """Refuse a folder that is none, or that could not be made or written to.

    Args:
        path: As it was given.
        expected: What it is for: `the run`.
        space: Bytes that are to be written at the least.

    Raises:
        RequestError: As `check_file`. Nothing has been written.
    """
    _check_name(path, f"a folder for {expected}")
    kind = kind_of(path)
    if kind in ("file", "special"):
        found = "a file" if kind == "file" else special(path)
        raise RequestError(f"{shown(path)}: is {found}, expected a folder for {expected}; name another")
    _check_place(resolved(path), path, space)


def check_absent(files: Iterable[Path], force: bool = False) -> None:
    """Refuse to write files of which some are there.

    Args:
        files: All that are to be written.
        force: Whether they may be replaced. What is no regular file never is.

    Raises:
        RequestError: The first is named, and how many more there are.
    """
    there = []
    for path in files:
        kind = kind_of(path)
        if kind in ("folder", "special"):
            found = "a folder" if kind == "folder" else special(path)
            raise RequestError(f"{shown(path)}: is {found}, where a file is to be written; move it away")
        there += [path] * (kind == "file")
    if there and not force:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise RequestError(f"{shown(there[0])}{more}: exists already; {REPLACE}")


def check_apart(outputs: Iterable[Path], inputs: Iterable[Path] = ()) -> None:
    """Refuse an output that is an input, or another output, by whatever name.

    Raises:
        RequestError: Both are named.
    """
    read, taken = list(inputs), list[Path]()
    for path in outputs:
        for other in read:
            if are_same(path, other):
                raise RequestError(f"{shown(path)}: is {_too(path, other)} read; name another place")
        for other in taken:
            if are_same(path, other):
                raise RequestError(f"{shown(path)}: is {_too(path, other)} written; name two places")
        taken.append(path)


@contextmanager
def begun() -> Iterator[None]:
    """Around work that has written something: a request that turns out wrong only now has failed on the way.

    Raises:
        WorkError: For any `RequestError` inside.
    """
    try:
        yield
    except RequestError as error:
        raise WorkError(str(error)) from error


def _too(path: Path, other: Path) -> str:
    return "also" if path == other else f"the same as {shown(other)}, which is"


def _check_name(path: Path, expected: str) -> None:
    if path.name == "-":
        raise RequestError(f"-: expected the name of {expected}; nothing is written to standard output")
    if looks_foreign(path):
        raise RequestError(f"{shown(path)}: a Windows path, expected {expected}; here it has another, /mnt/c/… in WSL")


def _check_place(folder: Path, path: Path, space: int) -> None:
    """Refuse a folder, without links, that could not be made or written to."""
    above = next((each for each in (folder, *folder.parents) if is_there(each)), folder)
    if kind_of(above) != "folder":
        raise RequestError(f"{shown(path)}: {shown(above)} is not a folder, expected one; name another place")
    for name in (*folder.relative_to(above).parts, path.name):
        if len(os.fsencode(name)) > 255:  # what several drives allow; one that allows less answers below
            raise RequestError(f"{shown(path)}: the name is too long; expected at most 255 bytes between two slashes")
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
        free = shutil.disk_usage(above).free
    except OSError as error:
        reason = error.strerror or "no reason given"
        raise RequestError(
            f"{shown(path)}: cannot be written there ({reason}), expected a writable place; name another"
        ) from None
    if free < space:
        raise RequestError(
            f"{shown(path)}: takes {_bytes(space)} at least, and {_bytes(free)} are free there; free some space, or"
            " name another place"
        )


def _bytes(count: int) -> str:
    for power, unit in ((3, "GB"), (2, "MB"), (1, "kB")):
        if count >= 1000**power:
            return f"{count / 1000**power:.1f} {unit}"
    return f"{count} bytes"
