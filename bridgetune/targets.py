"""Objects named as `package.module:attribute`, imported only when they are needed, and what a user's own ones build."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridgetune.errors import RequestError
from bridgetune.paths import printable, shown

if TYPE_CHECKING:
    from torch import nn

_SAFE_PATH = "PYTHONSAFEPATH"
_NAME = r"[^\W\d]\w*"
_TARGET = re.compile(rf"{_NAME}(\.{_NAME})*:{_NAME}(\.{_NAME})*")

LONGEST_SHOWN = 200
"""Characters of another's message that are shown."""


def resolve(target: str) -> Any:
    """The object that `package.module:attribute` names. Raises whatever importing it does."""
    module, _, attribute = target.partition(":")
    return functools.reduce(getattr, attribute.split("."), importlib.import_module(module))


def build_own(target: str) -> nn.Module:
    """The network that the user's own `module:factory` builds; see `built_by`."""
    from torch import nn

    network: nn.Module = built_by(target, nn.Module)
    return network


def built_by(target: str, *kinds: type[Any]) -> Any:
    """What the user's own `module:factory` builds; modules in the working folder are found while it does.

    What it prints appears on standard error once it is done, and it reads nothing from standard input.

    Args:
        target: As the user typed it. A name that stands in a file is for `refuse_untrusted` first.
        kinds: Of one of which it has to be.

    Raises:
        RequestError: It is no such name, cannot be imported or called, or builds something else.
    """
    file, _, function = target.rpartition(":")
    if file.endswith(".py"):
        where = f" in the folder of {shown(Path(file).name)}" if Path(file).name != file else ""
        raise RequestError(
            f"{shown(target)}: names a file, expected a module and what builds the network:"
            f" {shown(Path(file).stem)}:{shown(function)}{where}"
        )
    if not _TARGET.fullmatch(target):
        raise RequestError(f"{shown(target)}: expected module:factory, names of Python's, such as my_module:make")
    with _guarded(target, "cannot be imported", "module:factory"):
        factory = _found(target)
    if not callable(factory):
        raise RequestError(f"{target}: is a {type(factory).__name__}, expected what builds the network when called")
    with _guarded(target, "builds nothing when called without arguments", "a network, a torch.nn.Module"):
        built = factory()
        if not isinstance(built, kinds):
            raise TypeError(f"it gave a {type(built).__name__}")
    return built


def refuse_untrusted(file: Path, factory: str, mend: str = "") -> None:
    """Refuse a factory that a file names, before anything of it is imported.

    Args:
        file: What names it.
        factory: As it stands there.
        mend: Another way to go on than trust.

    Raises:
        RequestError: Always.
    """
    raise RequestError(
        f"{shown(file)}: names {shown(factory)}, code that would be run; pass --trust-code (trust=True) where you trust"
        f" the file and that code{mend}"
    )


@contextlib.contextmanager
def clean_path_for_children() -> Iterator[None]:
    """Processes that are spawned meanwhile look for no module in the working folder before they are told the path.

    Python puts it first for a process that begins with `-c`, as those of multiprocessing do.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


def cause(error: BaseException) -> str:
    """An error of somebody else's code in a line: its kind, and the first line of what it says."""
    try:
        said = str(error).strip()
    except Exception:  # another's class may fail at that, too
        said = ""
    first = printable(said.splitlines()[0]) if said else "no message"
    return f"{type(error).__name__}: {first if len(first) <= LONGEST_SHOWN else first[:LONGEST_SHOWN] + '…'}"


def _found(target: str) -> Any:
    """As `resolve`, and where there is no such module it is told where one would be."""
    try:
        return resolve(target)
    except ModuleNotFoundError as error:
        if error.name and target.partition(":")[0].startswith(error.name):  # not one that the module itself imports
            error.msg += ", neither in the working folder nor installed"
        raise


@contextlib.contextmanager
def _guarded(target: str, failure: str, expected: str) -> Iterator[None]:
    """Another's code: whatever it raises is a `RequestError` in a line, except where Ctrl-C was pressed."""
    said = io.StringIO()
    with _noticed_interrupt() as pressed, _working_folder_on_path(), _standard_input_empty():
        try:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                yield
        except BaseException as error:  # SystemExit, too: it is not the module's to end this process
            if pressed and isinstance(error, KeyboardInterrupt):
                raise
            raise RequestError(f"{target}: {failure} ({cause(error)}); expected {expected}") from None
    sys.stderr.write(said.getvalue())


@contextlib.contextmanager
def _working_folder_on_path() -> Iterator[None]:
    try:
        here = str(Path.cwd())
    except OSError:  # it has been deleted
        here = ""
    if not here or here in sys.path:
        yield
        return
    sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(here)


@contextlib.contextmanager
def _standard_input_empty() -> Iterator[None]:
    given, sys.stdin = sys.stdin, io.StringIO()
    try:
        yield
    finally:
        sys.stdin = given


@contextlib.contextmanager
def _noticed_interrupt() -> Iterator[list[int]]:
    """A list that is no longer empty once the user has pressed Ctrl-C, which a KeyboardInterrupt alone does not say."""
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield pressed
        return
    handler: Callable[..., Any] = before

    def notice(number: int, frame: Any) -> None:
        pressed.append(number)
        handler(number, frame)

    signal.signal(signal.SIGINT, notice)
    try:
        yield pressed
    finally:
        if signal.getsignal(signal.SIGINT) is notice:
            signal.signal(signal.SIGINT, before)
