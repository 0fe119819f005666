"""Documents read into models: JSON and TOML files and a caller's arguments, and what is wrong with one in a line."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from bridgetune.errors import RequestError

Model = TypeVar("Model", bound=BaseModel)

LONGEST_SHOWN = 60
"""Characters of a wrong value that are shown."""


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

    Args:
        path: The file.
        expected: What it should be, for the refusal.

    Raises:
        RequestError: No such file, one that cannot be read, or no JSON.
    """
    return _read(path, expected, "JSON", json.loads)


def read_toml(path: Path, expected: str) -> dict[str, Any]:
    """What a TOML file holds; see `read_json`."""
    content: dict[str, Any] = _read(path, expected, "TOML", tomllib.loads)
    return content


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
    where = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"{where} is missing"
    if first["type"] == "extra_forbidden" and keys is not None:
        table, key = str(first["loc"][0]) if len(first["loc"]) > 1 else "", str(first["loc"][-1])
        if table in keys:
            return f"{where}: {unknown('key', key, keys[table])}"
    if first["type"] == "value_error":
        return f"{where}: {said}" if where else said
    given = repr(first["input"])
    given = given if len(given) < LONGEST_SHOWN else f"{given[: LONGEST_SHOWN - 3]}…"
    return f"{where}: got {given}; {said[0].lower()}{said[1:]}"


def unknown(what: str, given: str, known: Iterable[str]) -> str:
    """No such key; did you mean that one?"""
    return f"no such {what}; {near(given, known)}"


def near(given: str, known: Iterable[str]) -> str:
    """The one that was meant, perhaps; or all there are."""
    known = list(known)
    close = difflib.get_close_matches(given, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(known)}"


def _read(path: Path, expected: str, kind: str, parse: Any) -> Any:
    try:
        return parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror}; expected {expected}") from None
    except ValueError as error:
        raise RequestError(f"{path}: not a {kind} file ({error}); expected {expected}") from None
