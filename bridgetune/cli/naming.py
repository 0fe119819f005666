"""Help that names what is registered when it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperOption

from bridgetune.metrics.registry import METRICS

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter


class NamingMetrics(TyperCommand):
    """A verb in whose options' help, and in whose epilogue, `{metrics}` stands for the names of all metrics."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        names = ", ".join(METRICS)
        for option in self.params:
            if isinstance(option, TyperOption) and option.help:
                option.help = option.help.replace("{metrics}", names)
        self.epilog = self.epilog and self.epilog.replace("{metrics}", names)
        super().format_help(ctx, formatter)
