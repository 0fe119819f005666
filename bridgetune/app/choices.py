"""What can be chosen on the page: what fuses, and how. No path that a page sends is ever opened."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

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

VALUES = {
    "quality": {
        "auto": "by the size of the pictures",
        "fast": "fast",
        "good": "good, takes longer",
        "best": "best, takes longest",
    },
    "align": {
        "auto": "by what is found",
        "none": "none: as they are",
        "translation": "shifts",
        "similarity": "shifts, size and rotation",
        "affine": "these, and shear",
        "homography": "these, and perspective",
    },
    "exposure": {
        "auto": "evened where it differs much",
        "even": "always evened",
        "keep": "kept as it is",
    },
    "order": {"name": "by name", "depth": "by depth, which is measured"},
    "edges": {"crop": "crop to what all show", "keep": "keep the whole size"},
    "blend": {"none": "none: hard edges", "feather": "soft", "pyramid": "soft, wider where coarse"},
    "smooth": {
        "none": "none",
        "regions": "without small islands",
        "guided": "along the picture's edges",
    },
}
"""Of each, its values -> what they are called on the page, in the order in which they are offered."""

HELP = {
    "quality": "How often a network is asked about a pair: once; in both orders; or also about mirror images and"
    " other sizes. By sharpness all are the same but fast, which leaves places that nothing decides as they are.",
    "align": "What the pictures may differ by and are freed of: by what is found, whichever of the others fits.",
    "exposure": "Brightness and colour, channel by channel: brought to those of one picture, the first of two or the"
    " middle one of a stack.",
    "order": "In which the frames of a stack follow each other.",
    "edges": "Margins that only some pictures show once they are aligned.",
    "blend": "What becomes of seams between pictures. Elsewhere every pixel is as a picture has it.",
    "smooth": "What is done to the choice between pictures before their pixels are taken.",
}
"""Of each, what it is about."""

READY, TUNED, OTHERS = "Ready", "Tuned here", "Others, without a map or weights of their own"
"""Groups of what fuses."""


class Method(NamedTuple):
    """What fuses.

    Attributes:
        name: That the page sends.
        label: That it shows.
        group: See `READY`, `TUNED` and `OTHERS`.
    """

    name: str
    label: str
    group: str

    @property
    def ready(self) -> bool:
        """Whether it fuses as it is: no weights have to be found first."""
        return self.group != OTHERS


class Choice(NamedTuple):
    """A setting with the values that it may have.

    Attributes:
        name: That the page sends.
        label: That it shows.
        values: Its own values -> what they are called, the default first among them or not.
        default: One of them.
        help: What it is about.
    """

    name: str
    label: str
    values: dict[str, str]
    default: str
    help: str


class Methods:
    """What fuses here: a focus measure, what was named when the page was started, what plugins bring, what was tuned.

    Args:
        own: As `--generator` takes them.
        trust: Whether code that they name is run, see `open_method`.
        more: Answers with others and what they are called, whenever it is asked.
    """

    def __init__(
        self, own: Sequence[str] = (), trust: bool = False, more: Callable[[], Mapping[str, str]] = dict
    ) -> None:
        self._given, self._trust, self._more = tuple(own), trust, more
        self._opened = functools.lru_cache(maxsize=4)(self._open)

    def listed(self) -> list[Method]:
        """All of them: those that fuse as they are first, and among these what was tuned here last."""
        known = registry()
        tuned = {name: label for name, label in self._more().items() if name not in self._given}
        own = {*self._given, *tuned}
        specs = {spec.name: spec for plugin in known.plugins for spec in plugin.generators}
        brought = [name for name in known.names() if name not in own]
        ready = [name for name in brought if specs[name].ready]
        others = {name: name for name in brought if not specs[name].ready}
        others |= {name: f"{name} (no map)" for name in known.evaluators() if name not in own}
        return [
            Method(MEASURE, "sharpness, without a network", READY),
            *(Method(name, shown(name), READY) for name in self._given),
            *(Method(name, f"{name}, {'a' if specs[name].learns else 'without a'} network", READY) for name in ready),
            *(Method(name, label, TUNED) for name, label in tuned.items()),
            *(Method(name, others[name], OTHERS) for name in sorted(others)),
        ]

    def grouped(self) -> dict[str, list[Method]]:
        """The same by their groups."""
        groups: dict[str, list[Method]] = {}
        for method in self.listed():
            groups.setdefault(method.group, []).append(method)
        return groups

    def default(self, frames: int) -> str:
        """What fuses so many frames unless something else is chosen: a network for a pair, sharpness for a stack."""
        ready = [method.name for method in self.listed() if method.group == READY]
        return ready[1] if frames == 2 and len(ready) > 1 else MEASURE

    def trainable(self) -> list[Method]:
        """Generators that can be tuned as they are."""
        known = registry()
        fixed = {spec.name for plugin in known.plugins for spec in plugin.generators if not spec.learns}
        others = {MEASURE, *known.evaluators(), *fixed}
        return [each for each in self.listed() if each.ready and each.name not in others]

    def called(self, name: str) -> str:
        """What a result by it is called."""
        return self._more().get(name, shown(name))

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
    """The settings that the page asks for, with the defaults that `StackConfig` has."""
    found = []
    for name, label in SETTINGS.items():
        field = StackConfig.model_fields[name]
        found.append(Choice(name, label, VALUES[name], field.default, HELP[name]))
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
    """What a result is called: what fused it, see `Methods.called`, and what of the settings is not so by default."""
    return ", ".join([method, *changes(config)])


def changes(config: StackConfig) -> list[str]:
    """What was asked for that is not so by default."""
    asked_for = ((label.lower(), getattr(config, name), name) for name, label in SETTINGS.items())
    return [f"{label} {value}" for label, value, name in asked_for if value != StackConfig.model_fields[name].default]
