"""Object stores, `s3://bucket/folder` and `gs://…`: listed, read from, and written to whole, beside files as they are.

A `Path` keeps of an address all but the second slash, `s3:/bucket/folder`, and is taken for one here.
"""

from __future__ import annotations

import functools
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from bridgetune.errors import RequestError, WorkError
from bridgetune.paths import entries, is_folder, shown

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/+(.*)", re.DOTALL)
_NEAR = "bridgetune-near-"
_FETCHED = re.compile(rf"[^\s:]*/{_NEAR}\w+/([a-z][a-z0-9+.-]+)/")

Kind = Literal["file", "folder"]


def located(path: Path) -> Path:
    """The path; of `file:///pictures` the one that it names on this machine."""
    found = _ADDRESS.fullmatch(str(path))
    return Path("/", found[2]) if found is not None and found[1] == "file" else path


def is_stored(path: Path) -> bool:
    """Whether it is the address of something on an object store."""
    found = _ADDRESS.fullmatch(str(path))
    return found is not None and found[1] != "file"


def as_address(path: Path) -> str:
    """How a path is written: `s3://bucket/folder`, and one of this machine as it is."""
    found = _ADDRESS.fullmatch(str(path))
    return f"{found[1]}://{found[2]}" if found is not None and is_stored(path) else str(path)


def listed(folder: Path, kind: Kind = "file") -> dict[Path, float]:
    """The files, or the folders, right in a folder, and when each was written, in seconds; 0 where nobody knows.

    Raises:
        RequestError: No such folder, or it cannot be listed.
    """
    if not is_stored(folder):
        return {path: path.stat().st_mtime for path in entries(folder) if path.is_dir() == (kind == "folder")}
    from pyarrow import fs

    store, place = _open(folder)
    with _told(folder):
        found = store.get_file_info(fs.FileSelector(place))
    wanted = fs.FileType.Directory if kind == "folder" else fs.FileType.File
    return {
        folder / info.base_name: 0.0 if info.mtime is None else info.mtime.timestamp()
        for info in found
        if info.type == wanted
    }


def times(folder: Path) -> dict[Path, float]:
    """See `listed`; nothing of a folder that is not there, as one of an object store is before something is in it."""
    if not is_stored(folder):
        return listed(folder) if is_folder(folder) else {}
    from pyarrow import fs

    store, place = _open(folder)
    with _told(folder):
        is_there = store.get_file_info(place).type == fs.FileType.Directory
    return listed(folder) if is_there else {}


def read_text(path: Path) -> str | None:
    """What a file on an object store holds, in UTF-8; None where there is none."""
    from pyarrow import fs

    store, place = _open(path)
    with _told(path):
        if store.get_file_info(place).type != fs.FileType.File:
            return None
        with store.open_input_stream(place) as stream:
            return bytes(stream.read()).decode("utf-8", "replace")


def write_text(path: Path, text: str) -> None:
    """Write a file on an object store, in UTF-8; it is whole once it is there."""
    with made(path) as (near,):
        near.write_text(text, encoding="utf-8")


def remove(path: Path) -> None:
    """Remove a file from an object store."""
    store, place = _open(path)
    with _told(path):
        store.delete_file(place)


@contextmanager
def fetched(*paths: Path) -> Iterator[list[Path]]:
    """Files as they can be opened here: what is on an object store is fetched, and is gone afterwards.

    Raises:
        RequestError: One is not there, or cannot be read.
    """
    with _nearby(*paths) as near:
        for path, copy in zip(paths, near, strict=True):
            if is_stored(path):
                _fetch(path, copy)
        yield near


@contextmanager
def fetched_folder(folder: Path) -> Iterator[Path]:
    """A folder with the files right in it; see `fetched`."""
    with _nearby(folder) as (near,):
        if is_stored(folder):
            near.mkdir()
            for path in listed(folder):
                _fetch(path, near / path.name)
        yield near


@contextmanager
def made(*paths: Path) -> Iterator[list[Path]]:
    """Where to write what is to be at some paths; what is for an object store is sent there if all goes well.

    Raises:
        WorkError: It cannot be written there.
    """
    with _nearby(*paths) as near:
        yield near
        for path, copy in zip(paths, near, strict=True):
            if is_stored(path) and copy.is_file():
                _send(copy, path)


def in_words(text: str) -> str:
    """A message in which what was fetched is called by its address."""
    return _FETCHED.sub(r"\1://", text)


def _fetch(path: Path, copy: Path) -> None:
    store, place = _open(path)
    with _told(path), store.open_input_stream(place) as stream, copy.open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)


def _send(copy: Path, path: Path) -> None:
    from pyarrow import fs

    store, place = _open(path)
    try:
        fs.copy_files(str(copy), place, source_filesystem=fs.LocalFileSystem(), destination_filesystem=store)
    except OSError as error:
        raise WorkError(f"{as_address(path)}: cannot be written ({_line(error)}); name another place") from error


@contextmanager
def _nearby(*paths: Path) -> Iterator[list[Path]]:
    """Paths of this machine for those on a store, called alike; the folder is there."""
    if not any(map(is_stored, paths)):
        yield list(paths)
        return
    with tempfile.TemporaryDirectory(prefix=_NEAR) as root:
        near = []
        for path in paths:
            found = _ADDRESS.fullmatch(str(path))
            copy = path if found is None or found[1] == "file" else Path(root, found[1], found[2])
            if copy is not path:
                copy.parent.mkdir(parents=True, exist_ok=True)
            near.append(copy)
        yield near


def _open(path: Path) -> tuple[Any, str]:
    """The store, and the place in it."""
    found = _ADDRESS.fullmatch(str(path))
    assert found is not None
    return _store(found[1], found[2].partition("/")[0]), found[2]


@functools.cache
def _store(scheme: str, bucket: str) -> Any:
    from pyarrow import fs

    try:
        store, _ = fs.FileSystem.from_uri(f"{scheme}://{bucket}")
    except (OSError, ValueError) as error:
        raise RequestError(
            f"{scheme}://{shown(bucket)}: cannot be opened ({_line(error)}), expected a folder, or one on a store,"
            " s3://… or gs://…"
        ) from None
    return store


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What a store says of a path, as a refusal in one line."""
    try:
        yield
    except OSError as error:
        reason = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({_line(error)})"
        raise RequestError(f"{as_address(path)}: {reason}; check the address, and who may read it") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split()).removeprefix("[Errno 2] ")
