"""Plugins: found by entry points, each loaded on its own, and the registry of what they bring."""

from __future__ import annotations

import difflib
import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy
from pydantic import ValidationError

from bridgetune import hookspecs
from bridgetune.errors import RequestError, WorkError
from bridgetune.hookspecs import ENTRY_POINT_GROUP, HOOK_API, EvaluatorSpec, GeneratorSpec
from bridgetune.paths import shown
from bridgetune.targets import cause

logger = logging.getLogger("bridgetune")

OURS = {
    **{name: name for name in ("bridgemff", "drpl", "msfin")},
    **dict.fromkeys(("classic", "modified-laplacian", "spatial-frequency", "laplacian-pyramid"), "classic"),
    **dict.fromkeys(("peers", "sesf", "gacn", "ifcnn", "mfif-gan", "cnn", "ecnn", "deep-image-prior"), "peers"),
}
"""What plugins that are kept with this package bring -> the plugin, whose distribution is `bridgetune-PLUGIN`: the only
ones whose installation is ever suggested. A name may come from a file, and whoever wrote the file may have published a
distribution of that name."""


@dataclass(frozen=True)
class Plugin:
    """One entry point and what came of it.

    Attributes:
        name: The entry point's name.
        distribution, version: Who brought it.
        generators, evaluators: What it registered.
        doctor: Finds its facts for `bridgetune doctor`.
        operators: Says what stands for its own operators in an exported program.
        problem: Why it is broken, in one line; empty where it works.
    """

    name: str
    distribution: str
    version: str
    generators: tuple[GeneratorSpec, ...] = ()
    evaluators: tuple[EvaluatorSpec, ...] = ()
    doctor: Callable[[], dict[str, str]] = dict
    operators: Callable[[], Mapping[Any, Callable[..., Any]]] = dict
    problem: str = ""

    def facts(self) -> dict[str, str]:
        """What it tells `bridgetune doctor`; where it fails at that, its cause."""
        try:
            return self.doctor()
        except Exception as error:
            return {f"plugin {self.name}": f"its doctor fails ({_cause(error)})"}

    @property
    def source(self) -> str:
        """Distribution and version, as one names a culprit."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def names(self) -> list[str]:
        """Of all that it registered."""
        return [spec.name for spec in self.generators] + [spec.name for spec in self.evaluators]


@dataclass(frozen=True)
class Registry:
    """All plugins of this environment, the broken ones too."""

    plugins: tuple[Plugin, ...]

    def claims(self, name: str) -> list[tuple[Plugin, GeneratorSpec]]:
        """Who registered a generator called `name`."""
        return [(plugin, spec) for plugin in self.plugins for spec in plugin.generators if spec.name == name]

    def names(self) -> list[str]:
        """Every registered generator name, sorted, each once."""
        return sorted({spec.name for plugin in self.plugins for spec in plugin.generators})

    def evaluators(self) -> list[str]:
        """Every registered evaluator name, sorted, each once."""
        return sorted({spec.name for plugin in self.plugins for spec in plugin.evaluators})

    def conflicts(self) -> dict[str, list[str]]:
        """Names that are claimed more than once -> the distributions of the plugins that do."""
        claimed = {name: self._claimants(name) for name in (*self.names(), *self.evaluators())}
        return {name: sources for name, sources in claimed.items() if len(sources) > 1}

    def operators(self) -> dict[Any, Callable[..., Any]]:
        """What stands for the plugins' own operators in an exported program; a plugin that fails at it has none."""
        found: dict[Any, Callable[..., Any]] = {}
        for plugin in self.plugins:
            try:
                found |= plugin.operators()
            except Exception as error:
                logger.warning("plugin %s: its operators cannot be exported (%s)", plugin.name, _cause(error))
        return found

    def find(self, name: str) -> tuple[Plugin, GeneratorSpec]:
        """The one generator called `name`.

        Raises:
            RequestError: Where no plugin registers it, its plugin is broken, two plugins claim it, or it is an
                evaluator.
        """
        self._refuse_conflict(name)
        if claims := self.claims(name):
            return claims[0]
        if name in self.evaluators():
            raise RequestError(
                f"{name!r} is an evaluator: it fuses without a decision map, so that there is nothing to tune, export"
                f" or show; expected a generator ({', '.join(self.names()) or 'there is none'})"
            )
        for plugin in self.plugins:
            if plugin.problem and plugin.name == name:
                raise RequestError(
                    f"generator {name!r}: its plugin {plugin.source} is broken ({plugin.problem});"
                    " mend or reinstall it, see `bridgetune plugins list`"
                )
        near = difflib.get_close_matches(name, [*self.names(), *self.evaluators()], n=1)
        known = f"known: {', '.join(self.names()) or 'none'}"
        raise RequestError(f"unknown generator {shown(name)!r} ({known}){_mend(name, near)}")

    def find_evaluator(self, name: str) -> EvaluatorSpec:
        """The one evaluator called `name`, which is one of `evaluators`.

        Raises:
            RequestError: Where two plugins claim it.
        """
        self._refuse_conflict(name)
        return next(spec for plugin in self.plugins for spec in plugin.evaluators if spec.name == name)

    def _claimants(self, name: str) -> list[str]:
        return [plugin.source for plugin in self.plugins for claimed in plugin.names if claimed == name]

    def _refuse_conflict(self, name: str) -> None:
        if len(sources := self._claimants(name)) > 1:
            raise RequestError(
                f"generator {name!r} is claimed by {' and '.join(sources)}; uninstall all but one of them"
            )


@functools.cache
def registry() -> Registry:
    """The plugins of this environment, loaded at the first call."""
    return discover(entry_points(group=ENTRY_POINT_GROUP))


def discover(points: Iterable[EntryPoint]) -> Registry:
    """Load each entry point on its own; one that fails is listed with its cause and harms no other."""
    return Registry(tuple(_loaded(point) for point in sorted(points, key=lambda point: point.name)))


def list_generators() -> dict[str, str]:
    """Every generator that `create` knows -> the distribution and version it comes from."""
    found = registry()
    return {name: " and ".join(plugin.source for plugin, _ in found.claims(name)) for name in found.names()}


def _loaded(point: EntryPoint) -> Plugin:
    distribution = point.dist.name if point.dist else "unknown distribution"
    version = point.dist.version if point.dist else ""
    try:
        generators, evaluators, hook = _registered(point)
    except (Exception, SystemExit) as error:
        return Plugin(point.name, distribution, version, problem=_cause(error))
    return Plugin(
        point.name,
        distribution,
        version,
        generators,
        evaluators,
        doctor=lambda: _joined(hook.bridgetune_doctor()),
        operators=lambda: _joined(hook.bridgetune_operators()),
    )


def _registered(point: EntryPoint) -> tuple[tuple[GeneratorSpec, ...], tuple[EvaluatorSpec, ...], Any]:
    """Load one plugin under a manager of its own, so that its hooks are validated and called alone.

    Returns:
        The generators and the evaluators that it registers, and the caller of its hooks.
    """
    module = point.load()
    stated = getattr(module, "bridgetune_hook_api", None)
    if stated is None:
        raise WorkError(f"states no bridgetune_hook_api; expected bridgetune_hook_api = {HOOK_API}")
    if stated != HOOK_API:
        mend = "upgrade bridgetune" if stated > HOOK_API else "upgrade the plugin"
        raise WorkError(f"written for hook API {stated}, this bridgetune has {HOOK_API}; {mend}")
    manager = pluggy.PluginManager("bridgetune")
    manager.add_hookspecs(hookspecs)
    manager.register(module, point.name)
    generators: list[GeneratorSpec] = []
    manager.hook.bridgetune_register_generators(register=generators.append)
    evaluators: list[EvaluatorSpec] = []
    manager.hook.bridgetune_register_evaluators(register=evaluators.append)
    if not generators and not evaluators:
        raise WorkError("registers no generator and no evaluator")
    return tuple(generators), tuple(evaluators), manager.hook


def _joined(answers: Iterable[Mapping[Any, Any]]) -> dict[Any, Any]:
    return {key: value for answer in answers for key, value in answer.items()}


def installing(plugin: str) -> str:
    """How a plugin of `OURS` is installed, from an index and from a clone."""
    name = f"bridgetune-{plugin}"
    return f"`pip install {name}`, or in a clone of the repository `pip install -e bridgetune_plugins/{name}`"


def _mend(name: str, near: list[str]) -> str:
    if name in OURS:
        return f"; its plugin is not installed: {installing(OURS[name])}"
    if near:
        return f"; did you mean {near[0]!r}?"
    return "; the plugin that brings it is not installed, or the name is mistyped"


def _cause(error: BaseException) -> str:
    """Why a plugin is broken, in a line."""
    if isinstance(error, ValidationError):
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        return f"{type(error).__name__}: {'; '.join(faults)}"
    return (str(error).strip().splitlines() or ["no message"])[0] if isinstance(error, WorkError) else cause(error)
