"""Options from settings: one for each field of a pydantic model, named, described and bounded as the field is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Literal, NamedTuple, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from rich.markup import escape

from bridgetune.cli.options import NETWORK, PICTURES, named_values
from bridgetune.config._model import OneOf
from bridgetune.config.naming import flags

TRAINING, MACHINE, RECORDS = "The training", "The machine", "The records"
STACK, STACKS = "The stack", "Stacks, with --stack"

PANELS = {
    **dict.fromkeys(("size", "fit", "kernel_sizes", "augmentation", "validation_share", "validation_most"), PICTURES),
    **dict.fromkeys(
        ("precision", "device", "workers", "micro_batch", "checkpoint_activations", "compile"),
        MACHINE,
    ),
    **dict.fromkeys(
        ("align", "exposure", "order", "reference", "quality", "blend", "smooth", "edges", "undecided"), STACK
    ),
    "measure": NETWORK,
    **dict.fromkeys(("validate_every", "checkpoint_every", "checkpoints_kept", "tensorboard"), RECORDS),
    **dict.fromkeys(("depth_shape", "blur", "noise", "breathing", "shift", "rotation"), STACKS),
}
"""Where a field's option stands in `--help`; that of any other is in `TRAINING`."""


class Kind(NamedTuple):
    """How values of a field are typed.

    Attributes:
        type: What typer reads them as.
        metavar: What `--help` shows for them; None leaves it to typer.
        parser: Reads a value in typer's place.
    """

    type: Any
    metavar: str | None = None
    parser: Callable[[str], Any] | None = None


TABLE = list[str]
"""Type of the kind of a dictionary: its option is given as NAME=VALUE, once for each entry."""


@dataclass(frozen=True)
class Setting:
    """A field of a model as an option.

    Attributes:
        field: The field's name.
        name: The option's: the field's; or, where it takes one of several models of a single field, that field's.
        within: The model of them that it is for.
        kind: How values are typed.
        default: Of the field; `...` where it has none.
        help: What the field is.
    """

    field: str
    name: str
    within: type[BaseModel] | None
    kind: Kind
    default: Any
    help: str

    @property
    def flags(self) -> tuple[str, ...]:
        """What may be typed for it."""
        return flags(self.name)

    @property
    def parameter(self) -> inspect.Parameter:
        """As typer takes it."""
        default = self.default
        if isinstance(default, dict):
            default = [f"{name}={value:g}" for name, value in default.items()] or None
        option = typer.Option(
            default,
            *(f"{flag}/--no-{flag[2:]}" if self.default is True else flag for flag in self.flags),
            help=escape(self.help),
            metavar=self.kind.metavar,
            parser=self.kind.parser,
            rich_help_panel=PANELS.get(self.field, TRAINING),
        )
        keyword = inspect.Parameter.KEYWORD_ONLY
        return inspect.Parameter(self.name, keyword, default=option, annotation=self.kind.type)

    def typed(self, arguments: Sequence[str]) -> str:
        """Which of its flags the arguments have; the last one, if several, for that one counts."""
        names = (argument.partition("=")[0] for argument in reversed(arguments))
        return next((name for name in names if name in self.flags), self.flags[0])

    def value(self, given: Any, typed: str) -> Any:
        """What the model takes, of what typer has read.

        Raises:
            RequestError: An entry of a table is not NAME=VALUE.
            ValidationError: It is not what `within` takes.
        """
        if self.within is not None:
            return self.within(**{self.name: given})
        if self.kind.type == TABLE:
            named = named_values(typed, given, "NAME=VALUE, a number for each name")
            return {name: number_or_text(text) for name, text in named.items()}
        return given


def settings(model: type[BaseModel]) -> list[Setting]:
    """The options of a model, in the order of its fields.

    Raises:
        TypeError: A field is of a kind that no option is known for.
    """
    return [option for name, field in model.model_fields.items() for option in _of_field(model, name, field)]


def number_or_text(value: str) -> float | str:
    """The number, where it is one; whether it may be something else the model says."""
    try:
        return float(value)
    except ValueError:
        return value


def _of_field(model: type[BaseModel], name: str, field: FieldInfo) -> Iterator[Setting]:
    place = f"{model.__name__}.{name}"
    default = ... if field.is_required() else _default(model, name, field)
    choices = [member for member in _members(field.annotation) if is_model(member)]
    for choice in choices:
        ((inner, its),) = choice.model_fields.items()
        shown = getattr(default, inner, None)
        yield Setting(name, inner, choice, _kind(place, its), shown, _for_terminal(choice.__doc__ or "", model))
    if not choices:
        description = _for_terminal(field.description or "", model)
        yield Setting(name, name, None, _kind(place, field), default, description)


def _default(model: type[BaseModel], name: str, field: FieldInfo) -> Any:
    """Of a field; where its default is validated, as it comes of that: with what has been registered, say."""
    return getattr(model(), name) if field.validate_default else field.get_default(call_default_factory=True)


def _kind(place: str, field: FieldInfo) -> Kind:
    annotation = field.annotation
    for table in (entry.table for entry in field.metadata if isinstance(entry, OneOf)):
        return Kind(Literal.__getitem__(tuple(table)))
    if annotation is bool or get_origin(annotation) is Literal:
        return Kind(annotation)
    if annotation in SHOWN:
        return Kind(annotation, SHOWN[annotation] + _bounds(field.metadata))
    entries = [FieldInfo.from_annotation(entry) for entry in get_args(annotation)]
    if get_origin(annotation) is tuple and all(entry.annotation in SHOWN for entry in entries):
        return _several(entries)
    if get_origin(annotation) is dict and [entry.annotation for entry in entries] == [str, float]:
        return Kind(TABLE, f"NAME=VALUE{_bounds(entries[1].metadata)}")
    words = [word for member in _members(annotation) for word in get_args(member) if get_origin(member) is Literal]
    if float in _members(annotation) and words:
        return Kind(str, "|".join([SHOWN[float], *words]), number_or_text)
    raise TypeError(f"{place}: no option is known for {annotation}; bridgetune.cli.settings is where to add one")


SHOWN: dict[Any, str] = {int: "INT", float: "FLOAT", str: "TEXT"}
"""Types of single values, as `--help` names them."""


def _several(entries: Sequence[FieldInfo]) -> Kind:
    """Values that are typed one after the other: `FLOAT FLOAT [0<=x<1]`."""
    types = tuple(entry.annotation for entry in entries)
    bounds = dict.fromkeys(_bounds(entry.metadata) for entry in entries)
    return Kind(tuple.__class_getitem__(types), " ".join(SHOWN[one] for one in types) + "".join(bounds))


def _bounds(metadata: Sequence[Any]) -> str:
    """` [0<=x<1]` or ` [x>0]`, as typer shows them; empty where there are none."""
    found = {name: getattr(entry, name) for entry in metadata for name in _SIGNS if hasattr(entry, name)}
    if len(found) == 2:
        (below, low), (above, high) = sorted(found.items())  # "ge" and "gt" come before "le" and "lt"
        return f" [{low}{_SIGNS[below].replace('>', '<')}x{_SIGNS[above]}{high}]"
    return "".join(f" [x{_SIGNS[name]}{bound}]" for name, bound in found.items())


_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def _for_terminal(description: str, model: type[BaseModel]) -> str:
    """The first paragraph, without the marks of code, and with other fields under the names of their options."""

    def plain(code: re.Match[str]) -> str:
        return flags(code[1])[0] if code[1] in model.model_fields else code[1]

    return " ".join(re.sub(r"`+([^`]+)`+", plain, description.partition("\n\n")[0]).split())


def _members(annotation: Any) -> tuple[Any, ...]:
    """Of a union; none of anything else."""
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else ()


def is_model(annotation: Any) -> bool:
    """Whether it is a pydantic model's class."""
    return inspect.isclass(annotation) and issubclass(annotation, BaseModel)
