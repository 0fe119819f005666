"""What MkDocs asks while it builds: tables and lists that come from the code, and pages that lie elsewhere.

What stands between `<!-- made: what NAME -->` and `<!-- /made -->` is for those who read the source; the site has in
its place what the code says:

- `settings bridgetune.config:TuneConfig`: a table of a pydantic model's fields
- `verbs`: a table of the verbs
- `verbs_in_full`: every verb with a table of its options
- `scores`: a table of the metrics
- `score_functions`: every fusion metric, with its function's docstring
- `terms`: a table of what training minimises
- `names bridgetune.data`: every public name of a module, with its docstring

`PAGES` are files of the repository that are pages, too; links between files are made to fit where the pages lie.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "CHANGELOG.md": "changelog.md",
    "bridgetune_plugins/bridgetune-bridgemff/README.md": "networks/bridgemff.md",
    "bridgetune_plugins/bridgetune-bridgemff/src/bridgetune_bridgemff/weights/README.md": "networks/weights.md",
    "bridgetune_plugins/bridgetune-msfin/README.md": "networks/msfin.md",
    "bridgetune_plugins/bridgetune-drpl/README.md": "networks/drpl.md",
    "bridgetune_plugins/bridgetune-peers/README.md": "networks/peers.md",
    "bridgetune_plugins/bridgetune-classic/README.md": "networks/classic.md",
}
"""File of the repository -> the page that it is."""

MADE = re.compile(r"^<!-- made: (\w+)(?: ([\w.:]+))? -->\n(.*?)^<!-- /made -->$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()([^)#\s:]+)(?=[)#])")
_FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)


HOUSE = {"Security": "SECURITY.md", "Contributing": "CONTRIBUTING.md", "Changelog": "CHANGELOG.md"}
"""Title -> file of the repository: the last entries of the navigation, where they are there."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the pages of the house to the navigation."""
    if config.nav is not None:
        config.nav += [{title: PAGES[source]} for title, source in HOUSE.items() if (ROOT / source).exists()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere in the repository."""
    for source, page in PAGES.items():
        if (ROOT / source).exists():
            files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make links fit, and put in what the code says."""
    parts = _FENCE.split(markdown)
    prose = (MADE.sub(_written, _linked(part, page.file.src_uri)) for part in parts[::2])
    return "".join(text for pair in zip(prose, [*parts[1::2], ""], strict=True) for text in pair)


def _linked(markdown: str, page: str) -> str:
    """Links between files of the repository as links between pages."""
    elsewhere = {target: source for source, target in PAGES.items()}
    folder = posixpath.dirname(elsewhere.get(page, f"docs/{page}"))

    def link(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[1]))
        inside = PAGES.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        return posixpath.relpath(inside, posixpath.dirname(page) or ".") if inside else match[1]

    return _LINK.sub(link, markdown)


def _written(match: re.Match[str]) -> str:
    what, name, _ = match.groups(default="")
    if what not in _WRITERS:
        raise PluginError(f"made: got {what!r}, expected one of {', '.join(_WRITERS)}")
    return _WRITERS[what](name)


def settings_table(name: str) -> str:
    """The fields of a pydantic model `module:class`: name, default, description."""
    module, _, attribute = name.partition(":")
    model = getattr(importlib.import_module(module), attribute)
    rows = [
        (f"`{field}`", _default(info.get_default(call_default_factory=True)), info.description or "")
        for field, info in model.model_fields.items()
    ]
    return table(("setting", "default", ""), rows)


def verbs_table(_: str) -> str:
    """All verbs with what they do in a line."""
    rows = [(f"[`{verb}`](#{verb.replace(' ', '-')})", _first_line(command.help)) for verb, command in verbs()]
    return table(("verb", ""), rows)


def verbs_in_full(_: str) -> str:
    """Every verb under a heading: what it does, and its arguments and options as `--help` has them."""
    parts = []
    for verb, command in verbs():
        rows = [_described(parameter) for parameter in command.params if parameter.name != "help"]
        parts.append(f"## {verb}\n\n{_first_line(command.help)}\n\n{table(('option', 'default', ''), rows)}")
    return "\n\n".join(parts)


def _described(parameter: Any) -> tuple[str, str, str]:
    """An argument's or option's names, default and help."""
    is_option = parameter.param_type_name == "option"
    names = [*parameter.opts, *parameter.secondary_opts] if is_option else [parameter.metavar or parameter.name]
    unsaid = parameter.default is None or parameter.default is False or parameter.default in ((), [])
    default = "" if unsaid else f"`{parameter.default}`"
    return " ".join(f"`{name}`" for name in names), default, parameter.help or ""


def verbs() -> Iterator[tuple[str, Any]]:
    """Every verb's name, as it is typed, and its command."""
    import typer

    from bridgetune.cli.app import app

    for name, command in typer.main.get_command(app).commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}", sub) for inner, sub in command.commands.items())
        else:
            yield name, command


def scores_table(_: str) -> str:
    """Every score: name, direction, definition, what it needs and source."""
    from bridgetune.metrics.registry import metric_table

    return metric_table()


def score_functions(_: str) -> str:
    """Every fusion metric as mkdocstrings documents its function, under a heading of its own."""
    from bridgetune.metrics.registry import FUSION_METRICS, METRICS

    named = (str(METRICS[name].function).replace(":", ".") for name in FUSION_METRICS)
    return "\n\n".join(f"::: {path}\n    options:\n      show_signature: false" for path in named)


def terms_table(_: str) -> str:
    """Every loss term of training: name, what it is, weight's setting, equation."""
    from bridgetune.terms import TERMS

    rows = [(f"`{term.name}`", term.definition, f"`{term.weight}`" if term.weight else "") for term in TERMS.values()]
    return table(("term", "", "weighed by"), rows)


def names_list(module_name: str) -> str:
    """Every public name of a module as mkdocstrings documents it, under a heading of its own."""
    return "\n\n".join(f"::: {module_name}.{name}" for name in public_names(module_name))


def public_names(module_name: str) -> list[str]:
    """`__all__`; or else what the module itself defines without an underscore, in its order.

    A module is imported only where its source does not tell: some need more than the documentation does.
    """
    spec = importlib.util.find_spec(module_name)
    assert spec is not None
    assert spec.origin is not None
    defined: dict[str, ast.AST] = {}
    for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AugAssign):  # names that are made when they are asked for
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
        defined |= {getattr(target, "name", getattr(target, "id", "_")): node for target in targets}
    names: list[str] = list(defined)
    if "__all__" in defined:
        try:
            names = ast.literal_eval(defined["__all__"].value)  # type: ignore[attr-defined]
        except ValueError:
            names = importlib.import_module(module_name).__all__
    return [name for name in names if not name.startswith("_")]


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""
    cells = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows]
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _default(value: object) -> str:
    from pydantic_core import PydanticUndefined

    return "" if value is PydanticUndefined else f"`{value!r}`"


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n\n")[0]


_WRITERS = {
    "settings": settings_table,
    "verbs": verbs_table,
    "verbs_in_full": verbs_in_full,
    "scores": scores_table,
    "score_functions": score_functions,
    "terms": terms_table,
    "names": names_list,
}
