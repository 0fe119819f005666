"""The app, and the one place where errors become exit codes."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer
from typer.exceptions import TyperException

from bridgetune._version import __version__
from bridgetune.cli import (
    compare,
    data,
    demo,
    doctor,
    evaluate,
    export,
    finetune,
    fuse,
    inspect,
    panels,
    plugins,
    pretrain,
    report,
)
from bridgetune.cli.console import ERRORS
from bridgetune.cli.naming import NamingMetrics
from bridgetune.cli.process import keep_memory, let_threads_rest
from bridgetune.cli.verb import Command
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
app.command("pretrain", cls=Command)(pretrain.pretrain)
app.command("finetune", cls=Command)(finetune.finetune)
app.command("report")(report.report)
app.command("evaluate", cls=NamingMetrics, epilog="Metrics: {metrics}")(evaluate.evaluate)
app.command("compare", cls=NamingMetrics)(compare.compare)
app.command("panels")(panels.panels)
app.add_typer(data.app, name="data")
app.add_typer(plugins.app, name="plugins")
app.command("export")(export.export)
app.command("inspect")(inspect.inspect)
app.command("doctor")(doctor.doctor)


INTERRUPTED = 130
"""What typer returns for a KeyboardInterrupt."""

_EXTRAS = {
    "accelerate": "train",
    "matplotlib": "train",
    "scikit_posthocs": "metrics",
    "scipy": "metrics",
    "statsmodels": "metrics",
    "torchmetrics": "metrics",
    "captum": "explain",
    "cv2": "align",
    "skimage": "demo",
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed while working, 2 the request was wrong."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    let_threads_rest()
    keep_memory()
    _log_to_standard_error()
    try:
        returned = app(given, standalone_mode=False)
        code = returned if isinstance(returned, int) else 0
        if code == INTERRUPTED:
            code = _failed("stopped", 1)
    except TyperException as error:
        said = str(getattr(error, "format_message", error.__str__)()).replace("Value error, ", "").rstrip(".")
        verb = " ".join(["bridgetune", *given[:1], "--help"])
        code = _failed(f"{said}. See `{verb}`.", 2)
    except RequestError as error:
        code = _failed(str(error), 2, debug)
    except BridgetuneError as error:
        code = _failed(str(error), 1, debug)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(str(error.name).partition(".")[0], "all")
        code = _failed(f"{error.name} is not installed; pip install 'bridgetune[{extra}]'", 1, debug)
    except Exception as error:
        code = _failed(f"{type(error).__name__}: {error} (run again with --debug to see where)", 1, debug)
    sys.exit(code)


def _failed(message: str, code: int, debug: bool = False) -> int:
    """Say it in one line, below the traceback where that was asked for, and return the exit code."""
    if debug:
        traceback.print_exc()
    line = " ".join(message.split())
    ERRORS.print(f"bridgetune: {line}", style="red", markup=False, highlight=False, soft_wrap=True)
    return code


def _log_to_standard_error() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("bridgetune: %(message)s"))
    logger = logging.getLogger("bridgetune")
    logger.handlers, logger.propagate = [handler], False
