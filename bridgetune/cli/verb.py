"""Verbs that take settings, and dataclasses of options, in whole."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from itertools import pairwise
from typing import Any

import typer
from pydantic import BaseModel, ValidationError
from typer.core import TyperCommand

from bridgetune.cli.settings import is_model, settings
from bridgetune.documents import first_fault
from bridgetune.errors import RequestError

TYPED = "bridgetune.typed"
"""Where a command's context keeps the arguments."""


class Command(TyperCommand):
    """A command that keeps how its options were typed."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[TYPED] = tuple(args)
        return super().parse_args(ctx, args)


class FromOptions:
    """A verb as typer takes it. See `from_options`."""

    def __init__(self, verb: Callable[..., None]) -> None:
        functools.update_wrapper(self, verb)
        self.__annotations__ = {}
        self._verb = verb

    @property
    def __signature__(self) -> inspect.Signature:
        """Made whenever it is asked for: a name that was registered in the meantime is a choice."""
        context = inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
        return inspect.Signature([context, *(option for taken in self._taken() for option in _options(taken))])

    def __call__(self, context: typer.Context, **values: Any) -> None:
        self._verb(**{taken.name: _whole(taken, context, values) for taken in self._taken()})

    def _taken(self) -> list[inspect.Parameter]:
        return list(inspect.signature(self._verb, eval_str=True).parameters.values())


def from_options(verb: Callable[..., None]) -> FromOptions:
    """Decorate a verb that takes settings as one parameter, or a dataclass of options: each field is an option.

    A model's options are made from its fields, and it is checked before the verb is called; a dataclass's fields are
    annotated as typer's parameters are. Any other parameter is an option itself. Register the verb with
    `cls=Command`, so that a refusal has the name that was typed.
    """
    return FromOptions(verb)


def _options(taken: inspect.Parameter) -> list[inspect.Parameter]:
    if is_model(taken.annotation):
        return [option.parameter for option in settings(taken.annotation)]
    if _is_group(taken.annotation):
        fields = inspect.signature(taken.annotation, eval_str=True).parameters.values()
        return [field.replace(kind=inspect.Parameter.KEYWORD_ONLY) for field in fields]
    return [taken.replace(kind=inspect.Parameter.KEYWORD_ONLY)]


def _whole(taken: inspect.Parameter, context: typer.Context, values: Mapping[str, Any]) -> Any:
    if is_model(taken.annotation):
        return _checked(taken.annotation, context, values)
    if _is_group(taken.annotation):
        return taken.annotation(**{field.name: values[field.name] for field in _options(taken)})
    return values[taken.name]


def _checked(model: type[BaseModel], context: typer.Context, values: Mapping[str, Any]) -> BaseModel:
    """A model of what was given; the rest is as the model has it.

    Raises:
        RequestError: One line for the first value that does not fit, under the name that was typed.
    """
    given = [option for option in settings(model) if _was_given(context, option.name)]
    typed = {option.name: option.typed(context.meta.get(TYPED, ())) for option in given}
    for one, other in pairwise(given):
        if one.field == other.field:
            raise RequestError(f"{typed[one.name]} and {typed[other.name]}: expected one of them; leave one out")
    try:
        return model(**{option.field: option.value(values[option.name], typed[option.name]) for option in given})
    except ValidationError as error:
        raise RequestError(_as_typed(first_fault(error), typed)) from None


def _was_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def _as_typed(fault: str, typed: Mapping[str, str]) -> str:
    """`learning_rate: …` → `--lr: …`; `betas.0: …` → `--betas: …`; `term_weights.swap: …` → `--term-weight swap: …`."""
    where, colon, said = fault.partition(": ")
    field, *inside = where.split(".")
    if field not in typed:
        return fault
    return " ".join([typed[field], *(part for part in inside if not part.isdigit())]) + colon + said


def _is_group(annotation: Any) -> bool:
    return is_dataclass(annotation)
