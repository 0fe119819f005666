"""What is wrong with a sweep's file, in a line."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from pydantic import ValidationError


def first_fault(error: ValidationError, keys: Mapping[str, list[str]]) -> str:
    """What is wrong first, in a line.

    Args:
        error: Of a model that has the tables.
        keys: A table's name, the outermost being nameless -> the keys that it may have.
    """
    faults = error.errors(include_url=False)
    # a key that is mistyped is also missing
    first = next((fault for fault in faults if fault["type"] == "extra_forbidden"), faults[0])
    where = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"{where} is missing"
    if first["type"] == "extra_forbidden":
        table, key = str(first["loc"][0]) if len(first["loc"]) > 1 else "", str(first["loc"][-1])
        return f"{where}: {unknown('key', key, keys[table])}"
    if first["type"] == "value_error":
        return f"{where}: {said}" if where else said
    given = repr(first["input"])
    return f"{where}: got {given if len(given) < 60 else given[:57] + '…'}; {said[0].lower()}{said[1:]}"


def unknown(what: str, given: str, known: list[str]) -> str:
    """No such key; did you mean that one?"""
    close = difflib.get_close_matches(given, known, 1)
    return f"no such {what}; " + (f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(known)}")
