"""`bridgetune inspect`: what a generator is, and what the probe sees of it."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from bridgetune.cli.console import RESULTS, print_json
from bridgetune.cli.options import Json


def inspect(
    generator: Annotated[
        str, typer.Argument(metavar="NAME|MODULE:FACTORY", help="A plugin's generator, or what builds your network.")
    ],
    as_json: Json = False,
) -> None:
    """Show how a network is called and read: as its plugin says, or as the probe finds out."""
    found = _of_own(generator) if ":" in generator else _of_plugin(generator)
    if as_json:
        print_json(found)
        return
    table = Table("what", "found", title=generator)
    for name in ("network", "parameters", "trainable", "plugin"):
        if name in found:
            value = found[name]
            table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value))
    for number, reading in enumerate(found["readings"], 1):
        label = "wrapped as" if len(found["readings"]) == 1 else f"choice {number}"
        table.add_row(label, reading["config"])
        table.add_row("", reading["because"])
    RESULTS.print(table, markup=False)


def _of_plugin(name: str) -> dict[str, Any]:
    from bridgetune.plugins import create
    from bridgetune.wrapping.probing import pasted

    adapter = create(name, weights=None)
    parameters = list(adapter.unwrap().parameters())
    return {
        "network": type(adapter.unwrap()).__name__,
        "parameters": sum(parameter.numel() for parameter in parameters),
        "trainable": sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        "plugin": f"{adapter.origin.distribution} {adapter.origin.version}",
        "readings": [{"config": pasted(adapter.config), "because": "its plugin says so", "agreement": None}],
    }


def _of_own(target: str) -> dict[str, Any]:
    from bridgetune.plugins import resolve_own
    from bridgetune.wrapping import probe
    from bridgetune.wrapping.probing import pasted

    findings = probe(resolve_own(target)())
    return {
        "network": findings.network,
        "parameters": findings.parameters,
        "trainable": findings.trainable,
        "readings": [
            {"config": pasted(reading.config), "because": reading.because, "agreement": reading.agreement}
            for reading in findings.readings
        ],
    }
