"""`bridgetune plugins`: which generators and evaluators there are, and how to bring one."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.options import Json
from bridgetune.hookspecs import GeneratorSpec
from bridgetune.plugins import Registry, installing, registry

WEIGHTS = {"shipped": "come along", "none": "yours: --weights", "not needed": "needs none"}
"""Of a generator, in documents -> in the table."""

app = typer.Typer(help="The plugins that bring generators and evaluators.", no_args_is_help=True)


@app.callback()
def _plugins() -> None:
    """The plugins that bring generators and evaluators."""


@app.command("list")
def list_plugins(as_json: Json = False) -> None:
    """List the generators, the evaluators, the plugins they come from, and plugins that are broken."""
    found = registry()
    if as_json:
        print_json(described(found))
        return
    if not found.plugins:
        RESULTS.print(f"No plugins. Install one: {installing('bridgemff')}", soft_wrap=True)
        return
    generators = Table("generator", "weights", "from", "what it is")
    evaluators = Table("evaluator", "from", "what it is, without a map to tune")
    for plugin in found.plugins:
        for spec in plugin.generators:
            generators.add_row(spec.name, WEIGHTS[weights_of(spec)], plugin.source, spec.summary)
        for method in plugin.evaluators:
            evaluators.add_row(method.name, plugin.source, method.summary)
    for table in (generators, evaluators):
        if table.row_count:
            RESULTS.print(table)
    for plugin in found.plugins:
        if plugin.problem:
            ERRORS.print(f"broken: {plugin.name} from {plugin.source}: {plugin.problem}", style="red", markup=False)
    for name, sources in found.conflicts().items():
        ERRORS.print(f"conflict: {name!r} is claimed by {' and '.join(sources)}; uninstall all but one", style="red")


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the generator: what --generator will take.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Where bridgetune-NAME/ is written.")
    ] = Path(),
) -> None:
    """Write a plugin from a template: a small network that works, to be replaced by your own, and its tests."""
    from bridgetune.templates import write_plugin

    folder = write_plugin(name, out, registry())
    steps = (
        f"pip install -e {shlex.quote(f'{folder}[test]')}",
        f"pytest {shlex.quote(str(folder))}",
        f"bridgetune inspect {name}",
        f"bridgetune pretrain --generator {name} --images photos --masks masks --out runs/one",
    )
    RESULTS.print(f"{folder} holds a plugin that works. Next:", markup=False)
    for step in steps:
        RESULTS.print(f"    {step}", markup=False)
    RESULTS.print("Put your own network in its src folder; the comments there say what goes where. It has no weights")
    RESULTS.print("until it is pretrained, on sharp photographs and object masks of the same names.")


def weights_of(spec: GeneratorSpec) -> str:
    """One of `WEIGHTS`."""
    return "shipped" if spec.weights is not None else "none" if spec.learns else "not needed"


def described(found: Registry) -> dict[str, object]:
    """The registry as a JSON document."""
    return {
        "plugins": [
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "generators": [
                    {"name": spec.name, "summary": spec.summary, "weights": weights_of(spec)}
                    for spec in plugin.generators
                ],
                "evaluators": [{"name": spec.name, "summary": spec.summary} for spec in plugin.evaluators],
                "problem": plugin.problem or None,
            }
            for plugin in found.plugins
        ],
        "conflicts": found.conflicts(),
    }
