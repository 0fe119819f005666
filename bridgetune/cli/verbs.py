"""The verbs, each imported when it is asked for: the list of them imports none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from bridgetune.targets import resolve


@dataclass(frozen=True)
class Verb:
    """Where a verb is, and what the list of verbs says of it.

    Attributes:
        place: `module:attribute` within this package: a function, or the typer app of a group.
        summary: The first paragraph of its help.
        kind: The class of its command, likewise; empty for typer's own.
        epilog: Below its help.
    """

    place: str
    summary: str
    kind: str = ""
    epilog: str | None = None

    def command(self, name: str) -> Any:
        """Its command as typer makes it, of that name."""
        found = _within(self.place)
        if not isinstance(found, typer.Typer):
            kind = {"cls": _within(self.kind)} if self.kind else {}
            holder = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            holder.command(name, epilog=self.epilog, **kind)(found)
            return _switches_alone(typer.main.get_command(holder))
        group = typer.main.get_group(found)
        group.name = name
        for inner in group.commands.values():
            _switches_alone(inner)
        return _switches_alone(group)


VERBS = {
    "demo": Verb("demo:demo", "Tune and fuse on photographs that are already here: about a minute on two idle cores."),
    "fuse": Verb("fuse:fuse", "Fuse two images A and B, or every pair of a folder.", "fuse:OfTwo"),
    "stack": Verb(
        "stack:stack",
        "Fuse a stack: frames of one scene, focused at different depths, into one picture that is sharp everywhere.",
        "verb:Command",
    ),
    "app": Verb(
        "page:app",
        "Fuse, compare, mend and tune in the browser: a page that this machine serves to itself, until Ctrl-C.",
    ),
    "pretrain": Verb(
        "pretrain:pretrain",
        "Train a generator on pairs with known maps (stage 1). A NAME without --weights starts fresh.",
        "verb:Command",
    ),
    "finetune": Verb(
        "finetune:finetune",
        "Fine-tune a trained generator with BridgeTune (stage 2): dual adversarial learning.",
        "verb:Command",
    ),
    "report": Verb(
        "report:report",
        "Write report.html and report.md, with curves, into a run's folder, from its records; also while it runs.",
    ),
    "evaluate": Verb(
        "evaluate:evaluate",
        "Measure a method's fused images: fusion metrics, and map metrics where there is a ground truth.",
        "naming:NamingMetrics",
        "Metrics: {metrics}",
    ),
    "compare": Verb(
        "compare:compare",
        "Compare methods on datasets: mean scores, ranks, Friedman, Nemenyi and Wilcoxon tests, figures for a paper.",
        "naming:NamingMetrics",
    ),
    "panels": Verb(
        "panels:panels", "Draw sources, decision maps and the fused image side by side, a row for each pair."
    ),
    "export": Verb(
        "export:export",
        "Write a generator as a file that runs without bridgetune, and check it against the network itself.",
    ),
    "inspect": Verb(
        "inspect:inspect",
        "Show how a network is called and read: as its plugin or its folder says, or as the probe finds out.",
    ),
    "doctor": Verb("doctor:doctor", "Show versions, the device, which scan runs, and broken plugins."),
    "data": Verb("data:app", "Training data on disk."),
    "plugins": Verb("plugins:app", "The plugins that bring generators and evaluators."),
}
"""By their names, as they are listed."""


class Verbs(TyperGroup):
    """The group of all verbs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.commands = _Commands()  # type: ignore[assignment]
        self._listing = False
        _switches_alone(self)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if self._listing:
            return TyperCommand(cmd_name, help=VERBS[cmd_name].summary)
        return super().get_command(ctx, cmd_name)


class _Commands(Mapping[str, Any]):
    def __getitem__(self, name: str) -> Any:
        return _command(name)

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


def _command(name: str) -> Any:
    return VERBS[name].command(name)


def _switches_alone(command: Any) -> Any:
    """The command, with nothing behind its switches in its help, where typer shows `<bool>`: they take no value."""
    for parameter in command.get_params(typer.Context(command)):
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return command


def _within(place: str) -> Any:
    return resolve(f"{__package__}.{place}")
