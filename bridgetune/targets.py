"""Objects named as `package.module:attribute`, imported only when they are needed."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridgetune.errors import RequestError


def resolve(target: str) -> Any:
    """The object that `package.module:attribute` names. Raises whatever importing it does."""
    module, _, attribute = target.partition(":")
    return functools.reduce(getattr, attribute.split("."), importlib.import_module(module))


def resolve_own(target: str) -> Callable[..., Any]:
    """What the user's own `module:factory` names; modules in the working folder are found.

    Raises:
        RequestError: It cannot be imported, or is not callable.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        factory = resolve(target)
    except Exception as error:  # whatever the user's module does at import
        raise RequestError(f"{target}: cannot be imported ({cause(error)}); expected module:factory") from None
    if not callable(factory):
        raise RequestError(f"{target}: is a {type(factory).__name__}, expected what builds the network when called")
    found: Callable[..., Any] = factory
    return found


def cause(error: BaseException) -> str:
    """An error of somebody else's code in a line: its kind, and the first line of what it says."""
    said = str(error).strip()
    return f"{type(error).__name__}: {said.splitlines()[0] if said else 'no message'}"
