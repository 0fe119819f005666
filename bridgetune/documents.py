"""Documents read into models: JSON and TOML files and a caller's arguments, and what is wrong with one in a line."""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bridgetune.errors import RequestError
from bridgetune.paths import open_file

Model = TypeVar("Model", bound=BaseModel)

LONGEST_SHOWN = 60
"""Characters of a wrong value, or of a key, that are shown."""

LARGEST_JSON, LARGEST_TOML = 64 << 20, 1 << 20
"""Bytes of a document. An evaluation of 10,000 images in 30 metrics has 15 MB; a sweep is typed by hand."""

DEEPEST = 32
"""Tables and lists inside one another; what bridgetune writes has six."""

LONGEST_TEXT = 100_000
"""Characters of a text or a key."""

LARGEST_INTEGER = 2**63 - 1

Name = Annotated[str, Field(max_length=200)]
"""What something is called: a generator, a version, a device."""

Text = Annotated[str, Field(max_length=20_000)]
"""What is told in words: where pairs came from, say."""


class Document(BaseModel):
    """What a file of bridgetune's holds: every key known, nothing converted, every number finite."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def checked(model: type[Model], **values: Any) -> Model:
    """Build a model.

    Raises:
        RequestError: One line for the first value that does not fit.
    """
    try:
        return model(**values)
    except ValidationError as error:
        raise RequestError(first_fault(error, {"": list(model.model_fields)})) from None


def read_json(path: Path, expected: str) -> Any:
    """What a JSON file holds.

    It is a regular file of UTF-8, no larger and no deeper than a document of bridgetune's can be, in which no key
    stands twice, every number is finite, and every whole number fits 64 bits.

    Args:
        path: The file.
        expected: What it should be, for the refusal.

    Raises:
        RequestError: No such file, one that cannot be read, or no such JSON.
    """
    return _read(path, expected, "JSON", parse_json, LARGEST_JSON)


def read_toml(path: Path, expected: str) -> dict[str, Any]:
    """What a TOML file holds; see `read_json`."""
    content: dict[str, Any] = _read(path, expected, "TOML", _parse_toml, LARGEST_TOML)
    return content


def read_model(model: type[Model], path: Path, expected: str, newest: int | None = None) -> Model:
    """A JSON file read into a model.

    Args:
        model, path, expected: See `modelled` and `read_json`.
        newest: The newest `format` that is read; None where the document has none.

    Raises:
        RequestError: See `read_json` and `modelled`; or a format that is newer.
    """
    content = read_json(path, expected)
    if newest is not None:
        refuse_newer(content, path, newest)
    return modelled(model, content, path, expected)


def modelled(model: type[Model], content: Any, where: object, expected: str) -> Model:
    """What was read as a model, strictly: nothing is converted.

    Args:
        model: What it should be.
        content: As `read_json` gives it.
        where: The file, or the line of one, for the refusal.
        expected: What it should be, likewise.

    Raises:
        RequestError: One line for the first value that does not fit.
    """
    if not isinstance(content, dict):
        raise RequestError(f"{where}: holds {kind_of(content)}, expected {expected}")
    try:
        # as JSON, a list is a tuple's, and a number without a point a float's
        return model.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        raise RequestError(f"{where}: {fault_of_file(error)}") from None


def fault_of_file(error: ValidationError) -> str:
    """What is wrong first in what no person types, in a line; see `first_fault`."""
    foreign = next((fault for fault in error.errors(include_url=False) if fault["type"] == "extra_forbidden"), None)
    if foreign is None:
        return first_fault(error)
    return f"{_place(foreign['loc'])}: no such key; upgrade bridgetune, should a newer one have written it"


def refuse_newer(content: Any, path: Path, newest: int) -> None:
    """Raise `RequestError` where a document says that it is of a format that is newer than `newest`."""
    written = content.get("format") if isinstance(content, dict) else None
    if type(written) is int and written > newest:
        raise RequestError(
            f"{path}: written in format {written}, this bridgetune reads {newest}; it was written by a newer one;"
            " upgrade bridgetune"
        )


def parse_json(text: str) -> Any:
    """What a text in JSON says, within the bounds of `read_json`.

    Raises:
        ValueError: It is none, or out of these bounds; said in a line.
    """
    try:
        content = json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_no_number, parse_int=_integer)
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    return _within_bounds(content)


def as_json(value: Any) -> Any:
    """What a value is once it was written as JSON and read again: its tuples are lists."""
    return json.loads(json.dumps(value))


def kind_of(content: Any) -> str:
    """What a value is, for a refusal: a list."""
    if content is None:
        return "null"
    kinds: dict[type, str] = {dict: "a table", list: "a list", str: "a text", bool: "true or false"}
    return kinds.get(type(content), "a number")


def first_fault(error: ValidationError, keys: Mapping[str, list[str]] | None = None) -> str:
    """What is wrong first, in a line.

    Args:
        error: Of the model.
        keys: A table's name, the outermost being nameless -> the keys that it may have; None where keys are not
            mistyped by people.
    """
    faults = error.errors(include_url=False)
    # a key that is mistyped is also missing
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    where = _place(first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"{where} is missing"
    if first["type"] == "extra_forbidden" and keys is not None:
        table, key = str(first["loc"][0]) if len(first["loc"]) > 1 else "", str(first["loc"][-1])
        if table in keys:
            return f"{where}: {unknown('key', key, keys[table])}"
    if first["type"] == "value_error":
        return f"{where}: {said}" if where else said
    return f"{where}: got {_cut(repr(first['input']))}; {said[0].lower()}{said[1:]}"


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """No such key; did you mean that one?"""
    return f"no such {what}; {near(given, known)}"


def near(given: str, known: Iterable[str]) -> str:
    """The one that was meant, perhaps; or all there are."""
    known = list(known)
    close = difflib.get_close_matches(given, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(known)}"


_TOO_DEEP = f"more than {DEEPEST} tables and lists inside one another"


def _read(path: Path, expected: str, kind: str, parse: Callable[[str], Any], largest: int) -> Any:
    with open_file(path, expected) as file:
        content = file.read(largest + 1)
    try:
        if len(content) > largest:
            raise ValueError(f"it has more than {largest >> 20} MiB")
        return parse(content.decode("utf-8-sig"))  # Windows' editors put a mark in front
    except UnicodeDecodeError:
        raise RequestError(f"{path}: not a {kind} file (it is not in UTF-8); expected {expected}") from None
    except ValueError as error:
        raise RequestError(f"{path}: not a {kind} file ({_in_a_line(error)}); expected {expected}") from None


def _parse_toml(text: str) -> Any:
    for line in text.splitlines():
        if line.partition("=")[0].count(".") > DEEPEST:  # which would take tomllib time that grows by the square
            raise ValueError(_TOO_DEEP)
    try:
        return _within_bounds(tomllib.loads(text))
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for place, key in enumerate(keys) if key in keys[:place])
        raise ValueError(f"{_cut(repr(twice))} stands there twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON's")


def _integer(digits: str) -> int:
    if len(digits) > 20:
        raise ValueError(_TOO_LARGE)
    return int(digits)


_TOO_LARGE = "a whole number of more than 64 bits"


def _within_bounds(content: Any) -> Any:
    """The same.

    Raises:
        ValueError: It is deeper, longer or larger than a document can be, or holds what cannot be written again.
    """
    level = [content]
    for _ in range(DEEPEST + 1):
        inside: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                for key in value:
                    _check_text(key)
                inside.extend(value.values())
            elif isinstance(value, list):
                inside.extend(value)
            else:
                _check_single(value)
        if not inside:
            return content
        level = inside
    raise ValueError(_TOO_DEEP)


def _check_single(value: Any) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number that is not finite")
    elif isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ValueError(_TOO_LARGE)


def _check_text(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"a text of more than {LONGEST_TEXT:,} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a text with half a character (a lone surrogate)") from None


def _place(parts: Iterable[object]) -> str:
    return ".".join(_cut(str(part)) for part in parts)


def cut(value: object, longest: int = 200) -> str:
    """A value as a message shows it: the end of a very long one is left out."""
    text = str(value)
    return text if len(text) < longest else f"{text[: longest - 3]}…"


def _cut(text: str) -> str:
    return cut(text, LONGEST_SHOWN)


def _in_a_line(error: Exception) -> str:
    return cut(" ".join(str(error).split()))
