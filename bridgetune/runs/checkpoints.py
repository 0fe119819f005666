"""Checkpoints of a run: written whole or not at all, verified before they are read, the newest ones kept."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import logging
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeInt

from bridgetune.documents import Document, read_model
from bridgetune.errors import RequestError, WorkError

logger = logging.getLogger("bridgetune")

MANIFEST = "checkpoint.json"
"""What a checkpoint holds, with the size and the SHA-256 of each file. It is written last."""

FORMAT = 1
"""Version of the layout."""

GONE = "{}: the run's folder is gone, deleted or moved while the run went on; if it was moved, resume it there"

_NAME, _PARTIAL = re.compile(r"step-[0-9]{8}"), re.compile(r"\.step-[0-9]{8}\.partial")

LAST_STEP = 10**8 - 1
"""Eight digits of a checkpoint's name."""


class FileFacts(Document):
    """What a file of a checkpoint was when it was written."""

    bytes: NonNegativeInt
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=200)]
"""Of a file in the checkpoint's own folder: no path leads out of it."""


class Manifest(Document):
    """What `checkpoint.json` holds.

    Attributes:
        format: Of the checkpoint, `FORMAT`.
        step: The last that is in it.
        files: Of all files beside it, by name.
    """

    format: Annotated[int, Field(ge=1, le=FORMAT)]
    step: Annotated[int, Field(ge=0, le=LAST_STEP)]
    files: Annotated[dict[FileName, FileFacts], Field(min_length=1, max_length=10_000)]


class Checkpoints:
    """The checkpoints in a folder, `step-00000100` and so on.

    Args:
        folder: Made when the first one is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(
        self, step: int, save: Callable[[Path], None], keep: int, *, is_main: bool, wait: Callable[[], None]
    ) -> Path:
        """Write a checkpoint under a temporary name, flush it to the disk, rename it, drop all but the `keep` newest.

        What bridgetune did not write is never dropped: a folder of another's in a checkpoint's place is renamed.

        Args:
            step: The last step that is in it.
            save: Writes it into a folder; called by every process.
            keep: At least 1.
            is_main: Whether this process flushes, renames and drops.
            wait: Returns when every process has called it.

        Raises:
            WorkError: It cannot be written; the earlier ones are untouched.
        """
        final = self.folder / f"step-{step:08d}"
        partial = self.folder / f".{final.name}.partial"
        try:
            if is_main:
                shutil.rmtree(partial, ignore_errors=True)
                self.folder.mkdir(exist_ok=True)
                partial.mkdir()
            wait()
            save(partial)
            wait()
            if is_main:
                _write_manifest(partial, step)
                _make_way(final)
                partial.rename(final)
                _flush(self.folder)
        except Exception as error:  # torch and safetensors raise their own where the disk is full
            shutil.rmtree(partial, ignore_errors=True)
            if not self.folder.parent.is_dir():
                raise WorkError(GONE.format(self.folder.parent)) from error
            raise WorkError(
                f"{final}: the checkpoint of step {step} cannot be written ({_first_line(error)});"
                f" {self._last_good()}; free some space and resume"
            ) from error
        if is_main:
            for old in [folder for folder in self.steps() if (folder / MANIFEST).is_file()][:-keep]:
                _drop(old)
        return final

    def clear_partial(self) -> None:
        """Remove what was being written when a process was killed."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if _PARTIAL.fullmatch(path.name):
                    shutil.rmtree(path, ignore_errors=True)

    def load(self, load: Callable[[Path], None]) -> int:
        """Load the newest checkpoint that is whole and fits, and return its step; 0 where there is none.

        One that was cut off, changed, or made by something else is named and passed over.

        Raises:
            RequestError: There are some, and none can be read.
        """
        passed_over: list[str] = []
        for folder in reversed(self.steps()):
            try:
                step = _verified(folder)
                load(folder)
            except Exception as error:
                passed_over.append(f"{folder}: not readable ({_first_line(error)})")
                continue
            for said in passed_over:
                logger.warning("%s; trying the one before it", said)
            return step
        if passed_over:
            raise RequestError(f"{passed_over[0]}; no checkpoint before it can be read; start anew in another folder")
        return 0

    def steps(self) -> list[Path]:
        """All of them, oldest first: what is called `step-` and eight digits."""
        return sorted(path for path in self.folder.glob("step-*") if _NAME.fullmatch(path.name) and path.is_dir())

    def _last_good(self) -> str:
        before = self.steps()
        return f"the last good one is {before[-1].name}" if before else "there is none before it"


def _drop(folder: Path) -> None:
    """Delete the files that a checkpoint's manifest names, and the folder where that was all."""
    with contextlib.suppress(OSError, RequestError):
        for name in [*_manifest(folder).files, MANIFEST]:
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def _make_way(place: Path) -> None:
    """For a checkpoint: drop an earlier one that could not be read, rename what is no checkpoint."""
    if (place / MANIFEST).is_file():
        _drop(place)
    if os.path.lexists(place):
        numbered = (place.with_name(f"{place.name}-other-{number}") for number in itertools.count(1))
        other = next(path for path in numbered if not os.path.lexists(path))
        place.rename(other)
        logger.warning("%s: is no checkpoint of bridgetune's, and in the place of one; it is now %s", place, other.name)


def _write_manifest(folder: Path, step: int) -> None:
    files = {}
    for path in sorted(folder.iterdir()):
        files[path.name] = {"bytes": path.stat().st_size, "sha256": _digest(path)}
        _flush(path)
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps({"format": FORMAT, "step": step, "files": files}, indent=2) + "\n", encoding="utf-8")
    _flush(manifest)
    _flush(folder)


def _manifest(folder: Path) -> Manifest:
    return read_model(Manifest, folder / MANIFEST, "a checkpoint's list of files", FORMAT)


def _verified(folder: Path) -> int:
    """The step of a checkpoint all of whose files are as they were written."""
    if not (folder / MANIFEST).is_file():
        raise ValueError(f"no {MANIFEST} of bridgetune's in it")
    try:
        manifest = _manifest(folder)
    except RequestError as error:
        raise ValueError(str(error).removeprefix(f"{folder}{os.sep}")) from None
    for name, said in manifest.files.items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else -1
        if size != said.bytes:
            raise ValueError(f"{name} is missing" if size < 0 else f"{name} has {size} of {said.bytes} bytes")
        if _digest(path) != said.sha256:
            raise ValueError(f"{name} is not as it was written")
    return manifest.step


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    """Have the disk keep what was written to a file, or which files are in a folder."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folder, and needs it not
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _first_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"
