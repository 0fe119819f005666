"""`bridgetune plugins`: which generators there are."""

from __future__ import annotations

import typer
from rich.table import Table

from bridgetune.cli.console import ERRORS, RESULTS, print_json
from bridgetune.cli.options import Json
from bridgetune.plugins import Registry, registry

app = typer.Typer(help="The plugins that bring generators.", no_args_is_help=True)


@app.callback()
def _plugins() -> None:
    """The plugins that bring generators."""


@app.command("list")
def list_plugins(as_json: Json = False) -> None:
    """List the generators, the plugins they come from, and plugins that are broken."""
    found = registry()
    if as_json:
        print_json(described(found))
        return
    if not found.plugins:
        RESULTS.print("No plugins. Install one: pip install bridgetune-bridgemff")
        return
    table = Table("generator", "from", "what it is")
    for plugin in found.plugins:
        for spec in plugin.generators:
            table.add_row(spec.name, plugin.source, spec.summary)
    if table.row_count:
        RESULTS.print(table)
    for plugin in found.plugins:
        if plugin.problem:
            ERRORS.print(f"broken: {plugin.name} from {plugin.source}: {plugin.problem}", style="red", markup=False)
    for name, sources in found.conflicts().items():
        ERRORS.print(f"conflict: {name!r} is claimed by {' and '.join(sources)}; uninstall all but one", style="red")


def described(found: Registry) -> dict[str, object]:
    """The registry as a JSON document."""
    return {
        "plugins": [
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "generators": [{"name": spec.name, "summary": spec.summary} for spec in plugin.generators],
                "problem": plugin.problem or None,
            }
            for plugin in found.plugins
        ],
        "conflicts": found.conflicts(),
    }
