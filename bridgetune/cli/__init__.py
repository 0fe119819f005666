"""The command line: one typer app, a file a verb."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bridgetune.cli.stopping import INTERRUPTED, stops

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed while working, 2 the request was wrong, 130 stopped."""
    with stops() as stop:
        try:
            from bridgetune.cli.app import run

            code = run(sys.argv[1:] if arguments is None else arguments, stop)
        except BaseException:
            if not stop.asked:
                raise
            print("bridgetune: stopped", file=sys.stderr)
            code = INTERRUPTED
    sys.exit(code)
