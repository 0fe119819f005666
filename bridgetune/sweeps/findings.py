"""A sweep's results told: on its report's first page, and as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridgetune.config import Steps, TrainConfig
from bridgetune.evaluation.findings import Findings, described, described_table
from bridgetune.evaluation.tables import Table
from bridgetune.evaluation.wording import listed
from bridgetune.evaluation.write_up import Section, write_report
from bridgetune.markdown import markdown_text
from bridgetune.sweeps.gathering import alpha_tables, cost_table, gathered
from bridgetune.sweeps.plan import is_trained_already
from bridgetune.sweeps.running import SweepResult
from bridgetune.sweeps.settings import alpha_name


@dataclass(frozen=True)
class SweepFindings:
    """What a sweep found.

    Attributes:
        result: What came of its runs.
        findings: The methods compared at the first α; None where no run of them has succeeded.
        alphas: Table 5 on each dataset.
        cost: Table 6; None where nothing could be measured.
    """

    result: SweepResult
    findings: Findings | None
    alphas: list[Table]
    cost: Table | None

    @classmethod
    def of(cls, result: SweepResult, metrics: Sequence[str] = (), alpha: float = 0.05) -> SweepFindings:
        """Gather a sweep's results; see `gathered`."""
        return cls(result, gathered(result, metrics, alpha), alpha_tables(result, metrics), cost_table(result.costs))

    def write(self, out: Path) -> list[Path]:
        """Write the report with its tables and figures; nothing where there is nothing to compare."""
        return [] if self.findings is None else write_report(self.findings, out, self._sections(), force=True)

    def described(self) -> dict[str, Any]:
        """As one JSON document."""
        result = self.result
        return {
            "runs": [
                {
                    "name": outcome.name,
                    "folder": str(outcome.folder),
                    "state": outcome.state,
                    "seconds": round(outcome.seconds, 2),
                    **({"failure": outcome.failure} if outcome.failure else {}),
                }
                for outcome in result.outcomes
            ],
            "comparison": described(self.findings) if self.findings else None,
            "alphas": {table.name: described_table(table) for table in self.alphas},
            "cost": {name: cost.model_dump() for name, cost in result.costs.items()},
        }

    def _sections(self) -> list[Section]:
        sections = [Section("The sweep", self._said())]
        if self.alphas:
            sections.append(Section("α, weight of the adversarial loss", "Table 5 of the paper.", tuple(self.alphas)))
        if self.cost is not None:
            sections.append(Section("Cost", "Table 6 of the paper.", (self.cost,)))
        return sections

    def _said(self) -> str:
        sweep = self.result.sweep
        parts = [f"{len(sweep.backbones)} backbone{'s' * (len(sweep.backbones) > 1)}"]
        parts.append("BridgeTune " + " and ".join("on" if tuned else "off" for tuned in sweep.bridgetune))
        if True in sweep.bridgetune:
            parts.append(f"α {listed([alpha_name(alpha) for alpha in sweep.alphas])}")
        parts.append(f"seed{'s' * (len(sweep.seeds) > 1)} {listed([str(seed) for seed in sweep.seeds])}")
        lines = [f"{' × '.join(parts)}. Each run has a folder below `runs/`, with its settings and scores."]
        if len(sweep.alphas) > 1:
            lines.append(
                f"BridgeTune stands for α {alpha_name(sweep.alphas[0])}, the first, wherever α is not named: none was"
                " chosen by its results."
            )
        for backbone in sweep.backbones:
            stages = [] if is_trained_already(backbone) else [_stage(1, sweep.pretraining(backbone, sweep.seeds[0]))]
            if True in sweep.bridgetune:
                stages.append(_stage(2, sweep.tuning(backbone, sweep.seeds[0], sweep.alphas[0])))
            said = [f"{name} {value}" for name, value in backbone.options.items()]
            said += [_asked(name, wanted) for name, wanted in backbone.asked.items()]
            options = "".join(f", {words}" for words in said)
            generator = Path(backbone.generator).name
            lines.append(markdown_text(f"{backbone.name} ({generator}{options}): {'; '.join(stages) or 'as given'}."))
        lines += [f"Failed: {markdown_text(f'{one.name}: {one.failure}')}." for one in self.result.failed]
        return "\n".join(f"- {line}" for line in lines)


def _asked(name: str, wanted: bool | list[float]) -> str:
    if isinstance(wanted, list):
        return f"{name} {' '.join(f'{one:g}' for one in wanted)}"
    return name if wanted else f"not {name}"


def _stage(number: int, config: TrainConfig) -> str:
    duration = config.duration
    amount = f"{duration.steps} steps" if isinstance(duration, Steps) else f"{duration.epochs} epochs"
    return (
        f"stage {number}, {amount} of {config.batch} pairs of {config.size}×{config.size},"
        f" learning rate {config.learning_rate:g}"
    )
