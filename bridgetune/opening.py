"""Generators and evaluators by name, by folder and by factory: `create`, `load`, and what `--generator` means."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from bridgetune import plugins
from bridgetune.config import AdapterConfig
from bridgetune.documents import checked
from bridgetune.errors import RequestError, WorkError
from bridgetune.hookspecs import EvaluatorSpec, GeneratorSpec
from bridgetune.origin import Origin
from bridgetune.paths import is_file, is_folder, is_there, looks_foreign
from bridgetune.pretrained import Saved, fits, read_saved, read_weights
from bridgetune.protocol import Evaluator
from bridgetune.saving import CONFIG
from bridgetune.sizing import refuse_huge
from bridgetune.targets import build_own, built_by, refuse_untrusted, resolve
from bridgetune.wrapping import Adapter, InputDomain, pair_twin, wrap


def create(
    name: str,
    *,
    weights: str | Path | None = "shipped",
    weights_key: str = "",
    symmetric: bool | None = None,
    mirrored: bool | None = None,
    scales: Sequence[float] | None = None,
    **options: Any,
) -> Adapter:
    """A plugin's generator, ready to call, in eval mode.

    Args:
        name: As `list_generators` gives it.
        weights: `shipped`, those that the plugin brings, or none for a network that has nothing to load; None, a fresh
            initialisation; or the path of a saved generator's folder, of a safetensors file, or of what `torch.save`
            wrote: a state_dict, plain or in other dictionaries, or a checkpoint that the plugin knows how to read.
        weights_key: Which part of that file, where several fit: `generator`, `params_ema`.
        symmetric, mirrored, scales: See `AdapterConfig`. None: as the folder of the weights says, or else not.
        options: For the plugin's network.

    Raises:
        RequestError: An unknown or doubly claimed name, options that the network does not take, weights that
            cannot be read or do not fit.
    """
    plugin, spec = plugins.registry().find(name)
    shipped = weights == "shipped"
    path = None if weights is None else _shipped(spec) if shipped else Path(weights)
    config = spec.adapter
    if path is not None and is_folder(path):
        saved = read_saved(path)
        config, options, path = saved.config, _options(saved, path, name, options), saved.weights
    config = config.asked(symmetric, mirrored, scales)
    network = _built(spec, spec.network, options)
    if shipped and path is None and network.state_dict():
        raise RequestError(
            f"generator {spec.name!r} comes without weights; give a trained one (--generator RUN/generator,"
            " bridgetune.load), or a file of weights (--weights FILE, weights=)"
        )
    if path is not None:
        foreign = resolve(spec.read_weights) if spec.read_weights else None
        with _told_whose(path, name, weights_key):
            read_weights(network, path, foreign, weights_key)
    twin = functools.partial(_twin, spec, options) if spec.discriminator else pair_twin(network, config)
    origin = Origin(generator=name, options=dict(options), distribution=plugin.distribution, version=plugin.version)
    return Adapter(network, config, origin, twin).eval()


def load(path: str | Path, network: nn.Module | None = None, *, trust: bool = False) -> Adapter:
    """Read back what `save_pretrained` wrote, in eval mode.

    Args:
        path: The folder; or a run's, whose product is meant.
        network: A fresh network of the same class, for one that was wrapped by hand without naming its factory;
            a plugin's generator is built by its plugin.
        trust: Import and call the factory that the folder names, `module:callable`. It is code of whoever wrote the
            folder, or whatever has that name here.

    Raises:
        RequestError: The folder is not one, its plugin is missing, a network is needed, the weights do not fit, or it
            names a factory and is not trusted.
    """
    saved = read_saved(Path(path))
    origin = saved.origin
    if network is None and origin.factory:
        if not trust:
            own = f", or build the network yourself: --generator MODULE:FACTORY --weights {saved.folder} (network=)"
            refuse_untrusted(saved.folder / CONFIG, origin.factory, own)
        network = build_own(origin.factory)
    if network is not None:
        generator = wrap(network, saved.config, factory=origin.factory)
        read_weights(generator.unwrap(), saved.weights)
    elif origin.generator:
        generator = create(origin.generator, weights=saved.folder)
    else:
        raise RequestError(
            f"{saved.folder}: holds a network that was wrapped by hand ({saved.network});"
            " pass a fresh one: bridgetune.load(path, network=...), or name its factory= when wrapping"
        )
    return generator.eval()


def open_generator(
    name_or_path: str,
    weights: str | Path | None = "shipped",
    symmetric: bool | None = None,
    mirrored: bool | None = None,
    scales: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
    *,
    trust: bool = False,
    weights_key: str = "",
    adapter: Mapping[str, Any] | None = None,
) -> Adapter:
    """What `--generator` means: a plugin's generator by name, a saved one's folder, or `module:factory`.

    A network of the user's own, made by a factory, is wrapped by the probe; `weights` is then a state_dict's file, or
    the folder of a saved generator, which also says how the network is called.

    Args:
        name_or_path: See above. A factory is imported and called, so that its name has to be the user's own.
        weights: For a name or a factory; see `create`.
        symmetric, mirrored, scales: See `AdapterConfig`. None: as it was saved, or else not.
        options: For the network of a name.
        trust: See `load`.
        weights_key: See `create`.
        adapter: Settings of `AdapterConfig`: in place of those that the network has; of one that a factory makes, in
            place of what the probe would find.

    Raises:
        RequestError: See `create`, `load` and `wrap`; or there are no such settings.
    """
    generator = _opened(name_or_path, weights, options or {}, trust, weights_key, adapter or {})
    config = generator.config
    if adapter and not is_factory(name_or_path):
        config = checked(AdapterConfig, **{**dict(config), **adapter})
    return generator.reconfigured(config.asked(symmetric, mirrored, scales))


def open_method(
    name_or_path: str,
    weights: str | Path | None = None,
    symmetric: bool | None = None,
    mirrored: bool | None = None,
    scales: Sequence[float] | None = None,
    *,
    trust: bool = False,
    weights_key: str = "",
    options: Mapping[str, Any] | None = None,
    adapter: Mapping[str, Any] | None = None,
) -> Adapter | Evaluator:
    """What `--generator` means where a method only fuses: an evaluator, by name or as a factory builds it, or else see
    `open_generator`.

    Args:
        name_or_path, symmetric, mirrored, scales, trust, weights_key, adapter: See `open_generator`.
        weights: None: those that a plugin ships.
        options: For what a plugin brings by that name.

    Raises:
        RequestError: An evaluator is given what only generators take, or options that are not its own.
    """
    evaluator = _evaluator(name_or_path, options or {})
    ways = symmetric, mirrored, scales
    if isinstance(evaluator, nn.Module):
        generator = _own(evaluator, name_or_path, weights, weights_key, adapter or {})
        return generator.reconfigured(generator.config.asked(*ways))
    if evaluator is None:
        more = {"trust": trust, "weights_key": weights_key, "adapter": adapter}
        return open_generator(name_or_path, weights or "shipped", *ways, options, **more)  # type: ignore[arg-type]
    asked = {
        "weights": weights,
        "symmetric": symmetric,
        "mirrored": mirrored,
        "scales": scales,
        "adapter": adapter or None,
    }
    for option, value in asked.items():
        if value is not None:
            raise RequestError(f"{option}: {evaluator.name} is an evaluator, which has no such choice; leave it out")
    return evaluator


@dataclass(frozen=True)
class Opening:
    """What `open_method` is to open, and can be sent to another process.

    Attributes:
        name_or_path, weights, symmetric, mirrored, scales, trust, weights_key, options, adapter: See there.
        device: Where the network is to be; empty for where it is opened, the CPU.
    """

    name_or_path: str
    weights: str | Path | None = None
    symmetric: bool | None = None
    mirrored: bool | None = None
    scales: Sequence[float] | None = None
    trust: bool = False
    weights_key: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    device: str = ""
    adapter: Mapping[str, Any] = field(default_factory=dict)

    def open(self) -> Adapter | Evaluator:
        """See `open_method`."""
        ways = self.symmetric, self.mirrored, self.scales
        opened = open_method(
            self.name_or_path,
            self.weights,
            *ways,
            trust=self.trust,
            weights_key=self.weights_key,
            options=self.options,
            adapter=self.adapter,
        )
        if self.device and isinstance(opened, nn.Module):
            opened.to(self.device)
        return opened


def _evaluator(name_or_path: str, options: Mapping[str, Any]) -> Evaluator | nn.Module | None:
    """The evaluator of a name; what a factory builds, be it one or a network; else nothing."""
    found = plugins.registry()
    if name_or_path in found.evaluators():
        spec = found.find_evaluator(name_or_path)
        return Evaluator(spec.name, _built(spec, spec.method, dict(options)), spec.optimises)
    built: Evaluator | nn.Module | None = None
    if is_factory(name_or_path):
        _refuse_options(name_or_path, options)
        built = built_by(name_or_path, nn.Module, Evaluator)
    return built


def is_factory(name_or_path: str) -> bool:
    """Whether what stands for a generator is `module:factory`, code that is imported and called."""
    return ":" in name_or_path and not looks_foreign(name_or_path) and not is_there(name_or_path)


def _opened(
    name_or_path: str,
    weights: str | Path | None,
    options: Mapping[str, Any],
    trust: bool,
    weights_key: str,
    adapter: Mapping[str, Any],
) -> Adapter:
    path = Path(name_or_path)
    known = plugins.registry()
    if name_or_path in (*known.names(), *known.evaluators()):
        return create(name_or_path, weights=weights, weights_key=weights_key, **options)
    own = is_factory(name_or_path)
    if not own and not is_folder(path) and path.name == name_or_path:
        return create(name_or_path, weights=weights, **options)  # which says what it knows instead
    _refuse_options(name_or_path, options)
    if own:
        given = None if weights in ("shipped", None) else Path(str(weights))
        return _own(build_own(name_or_path), name_or_path, given, weights_key, adapter)
    if weights not in ("shipped", None):
        raise RequestError(f"--weights: {path} brings its own weights; give one or the other")
    return load(path, trust=trust)


def _own(
    network: nn.Module, factory: str, weights: str | Path | None, weights_key: str, adapter: Mapping[str, Any]
) -> Adapter:
    """The network of the user's own factory, with weights from a file or a saved generator's folder."""
    weights = None if weights is None else Path(weights)
    config = checked(AdapterConfig, **adapter) if adapter else None
    if weights is not None and is_folder(weights):
        saved = read_saved(weights)
        read_weights(network, saved.weights)
        return wrap(network, checked(AdapterConfig, **{**dict(saved.config), **adapter}), factory=factory)
    if weights is not None:
        with _told_whose(weights, factory, weights_key):
            read_weights(network, weights, key=weights_key)
    return wrap(network, config, factory=factory)


@contextlib.contextmanager
def _told_whose(path: Path, name: str, key: str) -> Iterator[None]:
    """Where weights do not fit, whose they are is added to the refusal: a plugin's generator that they do fit."""
    try:
        yield
    except RequestError as error:
        whose = [one for one in plugins.registry().names() if one != name and is_file(path) and _fits(one, path, key)]
        if not whose:
            raise
        raise RequestError(f"{error}: those of {' or '.join(whose)}, it seems (--generator {whose[0]})") from None


def _fits(name: str, path: Path, key: str) -> bool:
    """Whether weights are those of a plugin's generator, as it is built by default."""
    try:
        _, spec = plugins.registry().find(name)
        network = _built(spec, spec.network, {})
        return fits(network, path, resolve(spec.read_weights) if spec.read_weights else None, key)
    except Exception:  # of a plugin that is not asked for
        return False


def _refuse_options(name_or_path: str, options: Mapping[str, Any]) -> None:
    if options:
        what = f"--option: is for a plugin's generator or evaluator, which {name_or_path} is not"
        raise RequestError(f"{what}; leave it out")


def _options(saved: Saved, path: Path, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a saved generator's network is built with, and `options` beyond that.

    Raises:
        RequestError: It is another generator, or one that other options were meant for.
    """
    if saved.origin.generator != name:
        raise RequestError(f"{path}: holds {saved.origin.generator or saved.network}, expected {name}")
    built = saved.origin.options
    if differing := [option for option in options if built.get(option, options[option]) != options[option]]:
        raise RequestError(f"{path}: was saved with {built}, not with {differing[0]}={options[differing[0]]!r}")
    return {**built, **options}


def _built(spec: GeneratorSpec | EvaluatorSpec, target: str, options: dict[str, Any]) -> Any:
    factory, what = _resolved(spec, target), f"{_kind(spec)} {spec.name!r}"
    if options:
        refuse_huge(what, factory, options)
    try:
        return factory(**options)
    except TypeError as error:
        raise RequestError(f"{what} does not take the options {options}: {error}") from error


def _resolved(spec: GeneratorSpec | EvaluatorSpec, target: str) -> Any:
    try:
        return resolve(target)
    except (ImportError, AttributeError) as error:
        raise WorkError(
            f"{_kind(spec)} {spec.name!r}: its plugin names {target!r}, which is not there ({error})"
        ) from error


def _kind(spec: GeneratorSpec | EvaluatorSpec) -> str:
    return "evaluator" if isinstance(spec, EvaluatorSpec) else "generator"


def _twin(spec: GeneratorSpec, options: dict[str, Any]) -> nn.Module:
    """The plugin's own discriminator, for canonical images."""
    assert spec.discriminator is not None
    return nn.Sequential(InputDomain(spec.adapter), _built(spec, spec.discriminator, options))


def _shipped(spec: GeneratorSpec) -> Path | None:
    return None if spec.weights is None else Path(resolve(spec.weights)())
