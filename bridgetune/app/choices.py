"""What can be chosen on the page: what fuses, and how. No path that a page sends is ever opened."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

from pydantic import ValidationError

from bridgetune.config import AdapterConfig, StackConfig
from bridgetune.documents import first_fault
from bridgetune.errors import RequestError
from bridgetune.paths import is_folder, shown
from bridgetune.plugins import registry

if TYPE_CHECKING:
    from bridgetune.protocol import Evaluator
    from bridgetune.wrapping import Adapter

MEASURE = "sharpness"
"""Stands for a focus measure, without a network."""

SETTINGS = {
    "quality": "Quality",
    "align": "Alignment",
    "exposure": "Exposure",
    "order": "Order",
    "edges": "Edges",
    "blend": "Seams",
    "smooth": "Smoothing",
}
"""Those of `StackConfig` that the page asks for -> what they are called there."""

_KEPT_BACK = {"saved"}
"""Values that are for programs."""


class Method(NamedTuple):
    """What fuses.

    Attributes:
        name: That the page sends.
        label: That it shows.
        ready: Whether it fuses as it is: no weights have to be found first.
    """

    name: str
    label: str
    ready: bool


class Choice(NamedTuple):
    """A setting with the values that it may have.

    Attributes:
        name: That the page sends.
        label: That it shows.
        values: Its own values, the default first among them or not.
        default: One of them.
        help: What they mean.
    """

    name: str
    label: str
    values: tuple[str, ...]
    default: str
    help: str


class Methods:
    """What fuses here: a focus measure, what was named when the page was started, what plugins bring.

    Args:
        own: As `--generator` takes them.
        trust: Whether code that they name is run, see `open_method`.
        more: Answers with others, whenever it is asked.
    """

    def __init__(self, own: Sequence[str] = (), trust: bool = False, more: Callable[[], Sequence[str]] = tuple) -> None:
        self._given, self._trust, self._more = tuple(own), trust, more
        self._opened = functools.lru_cache(maxsize=4)(self._open)

    def listed(self) -> list[Method]:
        """All of them, those that fuse as they are first."""
        known, own = registry(), (*self._given, *self._more())
        specs = {spec.name: spec for plugin in known.plugins for spec in plugin.generators}
        brought = [
            *(Method(name, name, specs[name].ready) for name in known.names() if name not in own),
            *(Method(name, f"{name} (no map)", False) for name in known.evaluators() if name not in own),
        ]
        first = Method(MEASURE, "sharpness, without a network", True)
        return [first, *(Method(name, shown(name), True) for name in own), *sorted(brought, key=_order)]

    def default(self, frames: int) -> str:
        """What fuses so many frames unless something else is chosen: a network for a pair, sharpness for a stack."""
        ready = [method.name for method in self.listed() if method.ready]
        return ready[1] if frames == 2 and len(ready) > 1 else MEASURE

    def trainable(self) -> list[str]:
        """Generators that can be tuned as they are."""
        known = registry()
        fixed = {spec.name for plugin in known.plugins for spec in plugin.generators if not spec.learns}
        others = {MEASURE, *known.evaluators(), *fixed}
        return [each.name for each in self.listed() if each.ready and each.name not in others]

    def adapter(self, name: str) -> AdapterConfig:
        """How a generator is called and read before anything is asked for; of a network of one's own, by default."""
        from bridgetune.pretrained import read_saved

        known = registry()
        if name in known.names():
            return known.find(name)[1].adapter
        return read_saved(Path(name)).config if is_folder(name) else AdapterConfig()

    def check(self, name: str) -> None:
        """Raise `RequestError` where none of `listed` is called so."""
        if name not in {method.name for method in self.listed()}:
            raise RequestError(f"method: got {shown(name)!r}, expected one of the list; reload the page")

    def open(self, name: str) -> Adapter | Evaluator | None:
        """What is called so; None stands for the focus measure.

        Raises:
            RequestError: It is none of `listed`, or cannot be opened, see `open_method`.
        """
        self.check(name)
        return None if name == MEASURE else self._opened(name)

    def _open(self, name: str) -> Adapter | Evaluator:
        from bridgetune.opening import open_method

        return open_method(name, trust=self._trust)


def choices() -> list[Choice]:
    """The settings that the page asks for, described as `StackConfig` has them."""
    found = []
    for name, label in SETTINGS.items():
        field = StackConfig.model_fields[name]
        values = tuple(value for value in get_args(field.annotation) if value not in _KEPT_BACK)
        found.append(Choice(name, label, values, field.default, (field.description or "").replace("`", "")))
    return found


def asked(form: Mapping[str, object]) -> StackConfig:
    """The settings that a page has sent; what it has not is as `StackConfig` has it.

    Raises:
        RequestError: A value is none of the choices.
    """
    try:
        return StackConfig.model_validate({name: form[name] for name in SETTINGS if name in form})
    except ValidationError as error:
        raise RequestError(first_fault(error)) from None


def title(method: str, config: StackConfig) -> str:
    """What a result is called: what fused it, and what was asked for that is not so by default."""
    asked_for = ((label.lower(), getattr(config, name), name) for name, label in SETTINGS.items())
    changed = [
        f"{label} {value}" for label, value, name in asked_for if value != StackConfig.model_fields[name].default
    ]
    return ", ".join([shown(method), *changed])


def _order(method: Method) -> tuple[bool, str]:
    return not method.ready, method.name
