"""The app, and the one place where errors become exit codes."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from bridgetune._version import __version__
from bridgetune.cli.console import ERRORS, show_anything
from bridgetune.cli.process import keep_memory, let_threads_rest
from bridgetune.cli.stopping import INTERRUPTED, Stop
from bridgetune.cli.verbs import Verbs
from bridgetune.cli.wording import as_typed
from bridgetune.errors import BridgetuneError, RequestError
from bridgetune.paths import printable

app = typer.Typer(
    name="bridgetune",
    cls=Verbs,
    help="Fine-tune any decision-map network for multi-focus image fusion, and fuse pictures with it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

LISTED = "\n  "
"""What the first of a list's lines begins with, in the message of a wrong request."""

_EXTRAS = {
    "accelerate": "train",
    "matplotlib": "train",
    "scikit_posthocs": "metrics",
    "scipy": "metrics",
    "statsmodels": "metrics",
    "torchmetrics": "metrics",
    "captum": "explain",
    "skimage": "demo",
    "starlette": "app",
    "uvicorn": "app",
    "jinja2": "app",
    "ray": "cluster",
    "pyarrow": "cluster",
}
"""Which of the package's extras a module that was not found belongs to."""


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")] = False,
) -> None:
    if show_version:
        typer.echo(f"bridgetune {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str], stop: Stop) -> int:
    """Run the command line; its exit code, see `bridgetune.cli.main`.

    Args:
        arguments: Behind the program's name.
        stop: Tells whether what failed did because it was stopped.
    """
    given = list(arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    let_threads_rest()
    keep_memory()
    show_anything()
    _log_to_standard_error()
    try:
        _refuse_empty(given)
        given = _addressed(given)
        returned = app(given, standalone_mode=False)
        code = returned if isinstance(returned, int) else 0
        return _failed("stopped", code) if code == INTERRUPTED else code
    except Exception as error:
        message, code = _told(error, given)
        if stop.asked:
            message, code = "stopped", INTERRUPTED
        notes = [] if stop.asked else _to_paste(error)
        return _failed(message, code, debug and not isinstance(error, TyperException), notes)


def _told(error: Exception, given: Sequence[str]) -> tuple[str, int]:
    """What is said of an error, and the exit code."""
    match error:
        case TyperException():
            said = str(getattr(error, "format_message", error.__str__)()).replace("Value error, ", "").rstrip(".")
            end = "" if said.endswith("?") else "."
            verb = [name for name in given[:1] if not said.startswith(f"No such command {name!r}")]
            return f"{said or 'no verb given'}{end} See `{' '.join(['bridgetune', *verb, '--help'])}`.", 2
        case RequestError():
            return as_typed(str(error).partition(LISTED)[0]), 2
        case BridgetuneError():
            return str(error), 1
        case ModuleNotFoundError():
            extra = _EXTRAS.get(str(error.name).partition(".")[0], "all")
            return f"{error.name} is not installed; pip install 'bridgetune[{extra}]'", 1
        case OSError(filename=str(), strerror=str()):
            return f"{error.filename}: {error.strerror}; is the place still there, and is there space?", 1
        case _:
            return f"{type(error).__name__}: {error} (run again with --debug to see where)", 1


def _to_paste(error: Exception) -> list[str]:
    """What stands below the line: a choice that a wrong request leaves, one in a line, and notes."""
    _, listed, choices = str(error).partition(LISTED) if isinstance(error, RequestError) else ("", "", "")
    return [*([listed[1:] + choices] if listed else []), *getattr(error, "__notes__", [])]


def _refuse_empty(given: Sequence[str]) -> None:
    """Refuse an argument without a letter, which as a path would mean the folder that one is in."""
    for place, argument in enumerate(given):
        option, equals, value = argument.partition("=")
        if not argument or (option.startswith("--") and equals and not value):
            where = option or (given[place - 1] if place else "the verb")
            raise RequestError(
                f"{where}: given nothing, expected a value; leave it out, or set the variable that it was to come from"
            )


def _addressed(given: Sequence[str]) -> list[str]:
    """`--ray` without an address has this machine's."""
    if "--ray" not in given:
        return list(given)
    from bridgetune.cluster import HERE

    followed = zip(given, [*given[1:], "--"], strict=True)
    return [f"--ray={HERE}" if one == "--ray" and after.startswith("-") else one for one, after in followed]


def _failed(message: str, code: int, debug: bool = False, notes: Sequence[str] = ()) -> int:
    """Say it in one line, below the traceback where that was asked for, and return the exit code.

    Args:
        message: What is said, in a line.
        code: The exit code.
        debug: Whether there is a traceback, which has the notes, too.
        notes: What is to be pasted, each of some lines, below it.
    """
    if debug:
        traceback.print_exc()
    line = printable(" ".join(message.split()))
    pasted = [] if debug else [printable(line) for note in notes for line in note.splitlines()]
    with contextlib.suppress(OSError):  # nobody is there to read it
        ERRORS.print(f"bridgetune: {line}", style="red", markup=False, highlight=False, soft_wrap=True)
        for line in pasted:
            ERRORS.print(line, markup=False, highlight=False, soft_wrap=True)
    return code


class _OneLine(logging.Formatter):
    """A warning in one line that any terminal shows."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(as_typed(" ".join(super().format(record).split())))


def _log_to_standard_error() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine("bridgetune: %(message)s"))
    logger = logging.getLogger("bridgetune")
    logger.handlers, logger.propagate = [handler], False
