"""The app, and the one place where errors become exit codes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from bridgetune import __version__
from bridgetune.cli import data, demo, doctor, finetune, fuse, inspect, plugins, pretrain
from bridgetune.cli.console import ERRORS
from bridgetune.errors import BridgetuneError, RequestError

app = typer.Typer(
    name="bridgetune",
    help="Fine-tune any decision-map network for multi-focus image fusion, and fuse pictures with it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("fuse")(fuse.fuse)
app.command("pretrain")(pretrain.pretrain)
app.command("finetune")(finetune.finetune)
app.add_typer(data.app, name="data")
app.add_typer(plugins.app, name="plugins")
app.command("inspect")(inspect.inspect)
app.command("doctor")(doctor.doctor)


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks; may stand anywhere.")] = False,
) -> None:
    if show_version:
        typer.echo(f"bridgetune {__version__}")
        raise typer.Exit


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed while working, 2 the request was wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    _let_threads_rest()
    _log_to_standard_error()
    try:
        code = app(given, standalone_mode=False)
    except TyperException as error:
        _complain(f"{getattr(error, 'format_message', error.__str__)()} See `bridgetune --help`.")
        code = 2
    except BridgetuneError as error:
        if debug:
            raise
        _complain(str(error))
        code = 2 if isinstance(error, RequestError) else 1
    except Exception as error:
        if debug:
            raise
        said = " ".join(str(error).split())
        _complain(f"{type(error).__name__}: {said} (run again with --debug to see where)")
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


def _let_threads_rest() -> None:
    """Shorten the time that GNU OpenMP's threads spin before they sleep; before torch is imported.

    A step has thousands of small parallel regions. As it is set by default, a neighbour on the same cores makes
    every one of them wait for a time slice: steps of ten times the length and more have been seen. Spinning this
    long costs nothing measurable on idle cores.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "6000")


def _complain(message: str) -> None:
    line = " ".join(message.split())
    ERRORS.print(f"bridgetune: {line}", style="red", markup=False, highlight=False, soft_wrap=True)


def _log_to_standard_error() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("bridgetune: %(message)s"))
    logger = logging.getLogger("bridgetune")
    logger.handlers, logger.propagate = [handler], False
