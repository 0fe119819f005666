"""The command line: one typer app, a file a verb."""

from bridgetune.cli.app import main

__all__ = ["main"]
