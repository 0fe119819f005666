"""Verbs with settings of their own, run in this process."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from pydantic import BaseModel, Field, NonNegativeFloat, PositiveInt
from typer.testing import CliRunner

from bridgetune.cli.verb import Command, from_options
from bridgetune.config import TuneConfig
from bridgetune.config._model import OneOf
from bridgetune.errors import RequestError

NUMBERS = {"one": 1}


class LongerConfig(TuneConfig):
    """Stage 2 with a field of each kind more."""

    warmth: Annotated[float, Field(gt=0, le=2)] = 0.5
    """Of the `batch`, see `swap_weight`: [bold] as it is, ``None``.

    Not for the terminal."""
    rounds: PositiveInt = 3
    """Times."""
    careful: bool = True
    """With care."""
    mood: Literal["calm", "wild"] = "calm"
    """How."""
    corner: tuple[int, float] = (1, 0.5)
    """Where."""
    title: str = "none"
    """What it is called."""
    number: Annotated[str, OneOf(NUMBERS)] = "one"
    """Which."""
    shares: dict[str, NonNegativeFloat] = Field(default={"left": 0.25})
    """Of each."""


class NeedingConfig(BaseModel):
    """Settings that say nothing by themselves."""

    needed: int


class Received(Exception):
    """What a verb was called with."""


@from_options
def longer(config: LongerConfig, out: Annotated[Path, typer.Option("-o")] = Path("here")) -> None:
    """A verb with an option beside its settings."""
    raise Received(config, out)


@from_options
def needing(config: NeedingConfig) -> None:
    """A verb with an option that must be given."""
    raise Received(config)


def app_of(verb: Callable[..., None]) -> typer.Typer:
    """A command line of this verb alone."""
    app = typer.Typer()
    app.command("verb", cls=Command)(verb)
    return app


def received(verb: Callable[..., None], *arguments: str) -> Any:
    """What the verb is called with, given these arguments.

    Raises:
        RequestError: It is not called: they are wrong.
    """
    result = CliRunner().invoke(app_of(verb), arguments)
    if isinstance(result.exception, RequestError):
        raise result.exception
    assert isinstance(result.exception, Received), result.output
    return result.exception.args


def help_of(app: typer.Typer, *path: str) -> str:
    """What `--help` says, without its frames and line breaks."""
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "300"})
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", shown.output).split())
