"""`bridgetune inspect`: what a generator is, and what the probe sees of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table

from bridgetune.cli.console import RESULTS, print_json
from bridgetune.cli.options import (
    GeneratorArgument,
    Json,
    Option,
    Trust,
    Weights,
    WeightsKey,
    check_network,
    given_options,
)
from bridgetune.paths import as_text, is_folder

if TYPE_CHECKING:
    from bridgetune.wrapping import Adapter


def inspect(
    generator: GeneratorArgument,
    weights: Weights = None,
    weights_key: WeightsKey = "",
    option: Option = None,
    trust_code: Trust = False,
    as_json: Json = False,
) -> None:
    """Show how a network is called and read: as its plugin or its folder says, or as the probe finds out.

    Such as `bridgetune inspect bridgemff`, `bridgetune inspect runs/mine`, or, for a function `make` in my_module.py
    here that takes nothing and gives a network back, `bridgetune inspect my_module:make`.
    """
    check_network(generator, weights)
    from bridgetune.opening import is_factory

    options = given_options(option)
    if is_factory(generator) and not options and (weights is None or not is_folder(weights)):
        found = _of_own(generator, weights, weights_key)
    else:
        found = _known(generator, weights, weights_key, options, trust_code)
    if as_json:
        print_json(found)
        return
    table = Table("what", "found", title=generator)
    for name in ("network", "parameters", "trainable", "plugin", "factory", "options", "weights"):
        if (value := found.get(name)) not in (None, "", {}):
            table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    for number, reading in enumerate(found["readings"], 1):
        label = "wrapped as" if len(found["readings"]) == 1 else f"choice {number}"
        table.add_row(label, reading["config"])
        table.add_row("", reading["because"])
        for name, value in reading["seen"].items():
            table.add_row("", f"{name}: {value}")
    RESULTS.print(table, markup=False)


def _known(
    name_or_folder: str, weights: Path | None, weights_key: str, options: dict[str, Any], trust: bool
) -> dict[str, Any]:
    """Of a plugin's generator, with weights that are given, or shipped where it has any, or of a saved one."""
    from bridgetune.opening import open_generator
    from bridgetune.plugins import registry
    from bridgetune.wrapping.describing import described
    from bridgetune.wrapping.probing import pasted

    by_name = name_or_folder in registry().names()
    shipped = by_name and registry().find(name_or_folder)[1].weights is not None
    given = weights or (None if by_name and not shipped else "shipped")
    adapter = open_generator(name_or_folder, given, options=options, trust=trust, weights_key=weights_key)
    origin, parameters = adapter.origin, list(adapter.unwrap().parameters())
    saved = not by_name or (weights is not None and is_folder(weights))
    because = f"its {'folder' if saved else 'plugin'} says so"
    told = "shipped by the plugin" if shipped else "" if by_name else name_or_folder
    return {
        "network": type(adapter.unwrap()).__name__,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "plugin": f"{origin.distribution} {origin.version}".strip(),
        "factory": origin.factory,
        "options": dict(origin.options),
        "weights": told if weights is None else as_text(weights),
        "readings": [
            {"config": pasted(adapter.config), "because": because, "agreement": None, "seen": described(adapter)}
        ],
    }


def _of_own(target: str, weights: Path | None, weights_key: str) -> dict[str, Any]:
    """Of a network of the user's own, as the probe finds it."""
    from bridgetune.pretrained import read_weights
    from bridgetune.targets import build_own
    from bridgetune.wrapping import Adapter, probe
    from bridgetune.wrapping.describing import described
    from bridgetune.wrapping.probing import pasted

    network = build_own(target)
    if isinstance(network, Adapter):
        return _of_wrapped(network, weights, weights_key)
    if weights is not None:
        read_weights(network, weights, key=weights_key)
    findings = probe(network)
    return {
        "network": findings.network,
        "parameters": findings.parameters,
        "trainable": findings.trainable,
        "weights": "" if weights is None else as_text(weights),
        "readings": [
            {
                "config": pasted(reading.config),
                "because": "; ".join(filter(None, (reading.because, reading.scaling))),
                "agreement": reading.agreement,
                "seen": described(Adapter(network, reading.config)),
            }
            for reading in findings.readings
        ],
    }


def _of_wrapped(adapter: Adapter, weights: Path | None, weights_key: str) -> dict[str, Any]:
    """Of a network that the user's factory has wrapped already."""
    from bridgetune.pretrained import read_weights
    from bridgetune.wrapping.describing import described
    from bridgetune.wrapping.probing import pasted

    network = adapter.unwrap()
    if weights is not None:
        read_weights(network, weights, key=weights_key)
    parameters = list(network.parameters())
    return {
        "network": type(network).__name__,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "weights": "" if weights is None else as_text(weights),
        "readings": [
            {
                "config": pasted(adapter.config),
                "because": "its factory wraps it so",
                "agreement": None,
                "seen": described(adapter),
            }
        ],
    }
