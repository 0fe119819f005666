"""Folders that many processes fill: what decided their files, so that the same command goes on where it was."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, JsonValue

from bridgetune.destinations import REPLACE
from bridgetune.documents import Document, cut, modelled, parse_json
from bridgetune.errors import RequestError
from bridgetune.files import clear_partial, write_whole
from bridgetune.locking import held
from bridgetune.paths import shown
from bridgetune.stores import as_address, is_stored, read_text, remove, times, write_text

RECORD = ".bridgetune.unfinished.json"
"""In the first of the folders, as long as they are not whole."""

_NOT_FINITE = "not finite"
"""The key of a number's name in a journal."""

Decided = Mapping[str, JsonValue]


class Unfinished(Document):
    """What decided the files of folders that are not whole.

    Attributes:
        decided: Setting -> value.
        replacing: Whether files that were there before are replaced.
    """

    decided: dict[Annotated[str, Field(max_length=100)], JsonValue]
    replacing: bool = False


class Filling:
    """Which files are there already.

    Args:
        there: The files of an earlier start.
        before: Those that nobody has begun.

    Attributes:
        whole: Whether nothing is missing.
    """

    def __init__(self, there: frozenset[Path], before: frozenset[Path] = frozenset()) -> None:
        self._there, self._before, self.whole = there, before, False

    def has(self, *files: Path) -> bool:
        """Whether all of them are there."""
        return self._there.issuperset(files)

    def found(self, file: Path) -> bool:
        """Whether it was there when this was begun."""
        return file in self._before

    def is_whole(self) -> None:
        """Nothing is missing: the record may go."""
        self.whole = True


@contextmanager
def filling(places: Sequence[Path], files: Iterable[Path], decided: Decided, *, force: bool) -> Iterator[Filling]:
    """Have folders alone while files are written to them; those on an object store nobody has alone.

    A record of what was decided is in the first one until all is whole. The same settings go on with what is there;
    `force` begins again where others decided.

    Args:
        places: Folders; made where they are missing.
        files: All that are to be written, right in them.
        decided: All that they depend on.
        force: Whether files may be replaced that were there before.

    Raises:
        RequestError: Files are there that nobody has begun, or other settings have; or another process has a folder.
    """
    with ExitStack() as alone:
        for place in places:
            if not is_stored(place):
                clear_partial(place, alone.enter_context(held(place)))
        record = places[0] / RECORD
        earlier = _read(record)
        there = {path: written for place in places for path, written in times(place).items()}
        if earlier is not None and earlier.decided != decided and not force:
            raise RequestError(_changed(places[0], earlier.decided, decided))
        fresh = earlier is None or earlier.decided != decided
        if earlier is None or fresh:
            if not force and (in_the_way := [path for path in files if path in there]):
                more = f" and {len(in_the_way) - 1} more" if len(in_the_way) > 1 else ""
                raise RequestError(f"{as_address(in_the_way[0])}{more}: exists already; {REPLACE}")
            _write(record, Unfinished(decided=dict(decided), replacing=force))
            filled = Filling(frozenset(), frozenset(there))
        else:
            since = there.get(record, 0.0) if earlier.replacing else -math.inf
            filled = Filling(frozenset(path for path, written in there.items() if written >= since))
        try:
            yield filled
        except RequestError:
            if fresh:  # refused before anything was done
                _remove(record)
            raise
        finally:
            for place in places:
                if not is_stored(place):
                    clear_partial(place, math.inf)
            if filled.whole:
                _remove(record)


class Journal:
    """What is known so far, a line for each item, in a file that is gone when all is; of one process at a time.

    Args:
        path: The file; None keeps nothing.
        decided: All that the lines depend on.
        force: Whether it is begun again where other settings began it.

    Attributes:
        known: Item -> what was said of it, by earlier starts.

    Raises:
        RequestError: Other settings began it.
    """

    def __init__(self, path: Path | None, decided: Decided, *, force: bool = False) -> None:
        self._path, self.known = path, dict[str, Any]()
        if path is None:
            return
        lines = _lines(path)
        if lines and lines[0] != decided:
            if not force:
                raise RequestError(_changed(path, lines[0], decided))
            lines = []
        if not lines:
            write_whole(path, json.dumps(decided) + "\n")
        for line in lines[1:]:
            self.known.update(line)

    def say(self, name: str, what: Any) -> None:
        """Add what came of an item."""
        if self._path is not None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({name: _stored(what)}) + "\n")

    def end(self) -> None:
        """Nothing is missing: the file may go."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _lines(path: Path) -> list[Any]:
    """What is whole of a journal; the rest, that a killed process left, is cut off."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        with path.open("rb+") as file:
            file.truncate(len(whole))
    try:
        lines = [_restored(parse_json(line)) for line in whole.decode().splitlines()]
    except ValueError:
        lines = [None]
    if not all(isinstance(line, dict) for line in lines):
        raise RequestError(f"{shown(path)}: damaged, expected what an unfinished start left; delete it")
    return lines


def _changed(place: Path, earlier: Decided, now: Decided) -> str:
    name = next(name for name in {**earlier, **now} if earlier.get(name) != now.get(name))
    return (
        f"{as_address(place)}: begun with {cut(name)}={cut(earlier.get(name))}, now asked for {cut(now.get(name))};"
        " undo that, name another place, or begin again (--force)"
    )


def _read(record: Path) -> Unfinished | None:
    if is_stored(record):
        text = read_text(record)
    else:
        try:
            text = record.read_text(encoding="utf-8")
        except FileNotFoundError:
            text = None
    expected = "what an unfinished start left"
    if text is None:
        return None
    with contextlib.suppress(ValueError):
        return modelled(Unfinished, parse_json(text), record, expected)
    raise RequestError(f"{shown(record)}: damaged, expected {expected}; delete it")


def _write(record: Path, unfinished: Unfinished) -> None:
    text = unfinished.model_dump_json(indent=2) + "\n"
    if is_stored(record):
        write_text(record, text)
    else:
        write_whole(record, text)


def _remove(record: Path) -> None:
    if is_stored(record):
        remove(record)
    else:
        record.unlink(missing_ok=True)


def _stored(value: Any) -> Any:
    """For JSON, which has no infinity: what is not finite by its name."""
    if isinstance(value, dict):
        return {key: _stored(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(each) for each in value]
    return {_NOT_FINITE: repr(value)} if isinstance(value, float) and not math.isfinite(value) else value


def _restored(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_NOT_FINITE}:
            return float(value[_NOT_FINITE])
        return {key: _restored(each) for key, each in value.items()}
    return [_restored(each) for each in value] if isinstance(value, list) else value
