"""Settings on the page: a field of a form for each of a model's, described and bounded as that is, and read back."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bridgetune.config._model import OneOf
from bridgetune.config.naming import flags
from bridgetune.documents import first_fault, parse_json
from bridgetune.errors import RequestError

Model = TypeVar("Model", bound=BaseModel)

_WORDS = {"yes": True, "no": False}
"""What stands for a truth value on the page."""

_BOUNDS = {"ge": "from {}", "gt": "above {}", "le": "up to {}", "lt": "below {}"}


class FieldError(RequestError):
    """What stands in a field of a form cannot be taken.

    Args:
        field: Its name in the form.
        line: Why, in a line.
    """

    def __init__(self, field: str, line: str) -> None:
        super().__init__(line)
        self.field = field


@dataclass(frozen=True)
class Asked:
    """A field of a form.

    Attributes:
        name: That the page sends, and the model has.
        label: That it shows.
        values: That it may have; empty where it is typed.
        default: What stands there at first.
        help: What it is.
        bounds: Of a number, in words; how others are typed.
    """

    name: str
    label: str
    values: tuple[str, ...]
    default: str
    help: str
    bounds: str


def asked(model: type[BaseModel], leave_out: Collection[str] = ()) -> list[Asked]:
    """A field of a form for each of a model's, in their order.

    Args:
        model: Of settings.
        leave_out: Fields that are not asked for here.
    """
    return [_asked(model, name, field) for name, field in model.model_fields.items() if name not in leave_out]


def given(model: type[BaseModel], form: Mapping[str, str], blank: bool = False) -> dict[str, Any]:
    """What a form says otherwise than its defaults, as a model takes it: that is still to be checked.

    Args:
        model: Of settings.
        form: Texts by the names of its fields; others are left out.
        blank: Whether fields stand empty at first, whatever their default.
    """
    found = {}
    for name, field in model.model_fields.items():
        text = form[name].strip() if name in form else None
        if text is not None and text != ("" if blank else _default(model, name, field)):
            found[name] = _value(field, text)
    return found


def checked(model: type[Model], values: Mapping[str, Any], before: str = "") -> Model:
    """A model of values.

    Args:
        model, values: Of settings.
        before: What the names of its fields begin with in the form.

    Raises:
        FieldError: One of them does not fit, alone or with others.
    """
    try:
        return model(**values)
    except ValidationError as error:
        line = first_fault(error)
        name = re.split(r"[.:]", line, maxsplit=1)[0]
        raise FieldError(before + name if name in model.model_fields else "", line) from None


def arguments(values: Mapping[str, Any]) -> list[str]:
    """Settings as the command line takes them.

    Args:
        values: By their names, see `given`.
    """
    typed: list[str] = []
    for name, value in values.items():
        flag = flags(name)[0]
        if isinstance(value, bool):
            typed.append(flag if value else f"--no-{flag[2:]}")
        elif isinstance(value, dict):
            typed += [part for key, one in value.items() for part in (flag, f"{key}={one}")]
        elif isinstance(value, list | tuple):
            typed += [flag, *map(str, value)]
        else:
            typed += [flag, str(value)]
    return typed


def _asked(model: type[BaseModel], name: str, field: FieldInfo) -> Asked:
    help = " ".join((field.description or "").partition("\n\n")[0].replace("`", "").split())
    values = _choices(field)
    return Asked(name, name.replace("_", " ").capitalize(), values, _default(model, name, field), help, _bounds(field))


def _choices(field: FieldInfo) -> tuple[str, ...]:
    for table in (entry.table for entry in field.metadata if isinstance(entry, OneOf)):
        return tuple(table)
    if field.annotation is bool:
        return tuple(_WORDS)
    return tuple(map(str, get_args(field.annotation))) if get_origin(field.annotation) is Literal else ()


def _bounds(field: FieldInfo) -> str:
    if _choices(field):
        return ""
    found = {sign: getattr(entry, sign) for entry in field.metadata for sign in _BOUNDS if hasattr(entry, sign)}
    said = " ".join(_BOUNDS[sign].format(_number(value)) for sign, value in sorted(found.items()))
    if get_origin(field.annotation) is tuple:
        return "one after the other, with spaces between"
    if get_origin(field.annotation) is dict:
        return "NAME=VALUE, with spaces between"
    words = [word for one in _members(field) for word in get_args(one) if get_origin(one) is Literal]
    return said or (f"a number, or {' or '.join(words)}" if words and float in _members(field) else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def _members(field: FieldInfo) -> tuple[Any, ...]:
    return get_args(field.annotation) if get_origin(field.annotation) in (Union, UnionType) else ()


def _default(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    if field.is_required():
        return ""
    value = getattr(model(), name) if field.validate_default else field.get_default(call_default_factory=True)
    if isinstance(value, bool):
        return next(word for word, truth in _WORDS.items() if truth == value)
    if isinstance(value, tuple):
        return " ".join(map(_text, value))
    if isinstance(value, dict):
        return " ".join(f"{key}={_text(one)}" for key, one in value.items())
    return "" if value is None else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _value(field: FieldInfo, text: str) -> Any:
    """What a text is meant as; what it may be the model says."""
    if field.annotation is bool:
        return _WORDS.get(text, text)
    if _choices(field):
        return text
    if get_origin(field.annotation) is dict:
        return {key: _single(one) for key, _, one in (part.partition("=") for part in text.split())}
    if get_origin(field.annotation) is tuple:
        listed = _single(text)
        return listed if isinstance(listed, list) else [_single(part) for part in re.split(r"[\s,]+", text) if part]
    return _single(text)


def _single(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        pass
    return float(Fraction(text)) if re.fullmatch(r"\d{1,9}/[1-9]\d{0,8}", text) else text
