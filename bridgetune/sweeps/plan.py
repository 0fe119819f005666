"""Which runs a sweep has, where each is kept, and what decided it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from bridgetune.config import Alpha, TrainConfig
from bridgetune.documents import Document, Name, Text, cut, modelled, read_json
from bridgetune.errors import RequestError
from bridgetune.evaluation.results import TUNED_SUFFIX
from bridgetune.paths import is_file
from bridgetune.runs.directory import UNDECIDED, first_difference
from bridgetune.runs.documents import STAGES, with_defaults
from bridgetune.saving import CARD, CONFIG, PRODUCT
from bridgetune.sweeps.settings import Backbone, Sweep, alpha_name

RUNS = "runs"
"""Where a sweep's folder holds its runs."""


@dataclass(frozen=True)
class Run:
    """One training: stage 1 of a backbone and seed, or stage 2 at an α on top of that.

    Attributes:
        backbone: What is trained.
        seed: Of all that is drawn; None for a backbone that was trained before the sweep, and is as it is.
        alpha: None for stage 1.
        measured: Whether it is evaluated; a stage 1 that only begins others is not.
    """

    backbone: Backbone
    seed: int | None
    alpha: Alpha | None
    measured: bool

    def __hash__(self) -> int:
        return hash(self.folder)

    @property
    def folder(self) -> Path:
        """Its place in the sweep's folder, named by what it is."""
        seeded = Path(RUNS, self.backbone.slug, "given" if self.seed is None else f"seed-{self.seed}")
        return seeded / ("supervised" if self.alpha is None else f"bridgetune-alpha-{alpha_name(self.alpha)}")

    @property
    def name(self) -> str:
        """For people: DRPL, seed 0, α 1e-4."""
        if self.seed is None:
            return f"{self.backbone.name}, as given"
        stage = "supervised" if self.alpha is None else f"α {alpha_name(self.alpha)}"
        return f"{self.backbone.name}, seed {self.seed}, {stage}"


Facts = dict[Name, JsonValue]


class RunSettings(Document):
    """What `settings.json` of a run holds, see `decided`."""

    backbone: Facts
    data: dict[Name, Text] | None = None
    pretrain: Facts | None = None
    finetune: Facts | None = None


@dataclass(frozen=True)
class RunFiles:
    """The files of a run.

    Attributes:
        path: The run's folder.
    """

    path: Path

    @property
    def decided(self) -> Path:
        """What decided the run, written before it begins."""
        return self.path / "settings.json"

    @property
    def training(self) -> Path:
        """The run directory of its stage."""
        return self.path / "training"

    @property
    def product(self) -> Path:
        """The generator that came of it."""
        return self.training / PRODUCT

    @property
    def failure(self) -> Path:
        """The traceback, where it failed."""
        return self.path / "failure.txt"

    @property
    def is_trained(self) -> bool:
        """Whether the product is whole: its card is written last."""
        return is_file(self.product / CARD)

    def earlier(self) -> Any:
        """What decided the run when it was begun, see `decided`; None where it was not."""
        if not is_file(self.decided):
            return None
        expected = "the settings of a sweep's run"
        facts = read_json(self.decided, expected)
        modelled(RunSettings, facts, self.decided, expected)
        stages = {name: _deciding(with_defaults(name, facts[name])) for name in STAGES if name in facts}
        return {**facts, **stages}

    def evaluation(self, dataset_slug: str) -> Path:
        """Where its scores on a dataset are kept, for `bridgetune compare` too."""
        return self.path / "evaluations" / f"{dataset_slug}.json"


def is_trained_already(backbone: Backbone) -> bool:
    """Whether its stage 1 is left out: it brings weights, or is a saved generator."""
    saved = Path(backbone.generator)
    return backbone.weights is not None or any(is_file(saved / place / CONFIG) for place in ("", PRODUCT))


def planned(sweep: Sweep) -> list[Run]:
    """All runs in the order in which they are done: a whole table of the first seed before the second begins."""
    runs = []
    for seed in sweep.seeds:
        for backbone in sweep.backbones:
            first = start_of(sweep, backbone, seed)
            if first not in runs:
                runs.append(first)
            if True in sweep.bridgetune:
                runs += [Run(backbone, seed, alpha, True) for alpha in sweep.alphas]
    return runs


def start_of(sweep: Sweep, backbone: Backbone, seed: int) -> Run:
    """The stage 1 that all α of a backbone and seed begin with."""
    return Run(backbone, None if is_trained_already(backbone) else seed, None, False in sweep.bridgetune)


def label(run: Run, alphas: Sequence[Alpha]) -> str:
    """The method in tables: the first α stands for BridgeTune, others are named."""
    if run.alpha is None:
        return run.backbone.name
    return run.backbone.name + TUNED_SUFFIX + ("" if run.alpha == alphas[0] else f", α {alpha_name(run.alpha)}")


def run_label(run: Run, alphas: Sequence[Alpha]) -> str:
    """The method and the seed, for the run's own evaluations."""
    return label(run, alphas) + ("" if run.seed is None else f", seed {run.seed}")


def decided(sweep: Sweep, run: Run) -> dict[str, Any]:
    """All of the sweep that the run's product depends on, as JSON has it."""
    backbone = run.backbone
    facts: dict[str, Any] = {
        "backbone": {
            "generator": backbone.generator,
            "weights": str(backbone.weights) if backbone.weights else None,
            "options": backbone.options,
            **backbone.asked,
        }
    }
    if run.seed is not None:
        pictures = {name: str(value) for name, value in sweep.data if value}
        references = {name: pictures.pop(name) for name in ("clear", "blurred") if name in pictures}
        facts["data"] = pictures
        if not is_trained_already(backbone):
            facts["pretrain"] = _of(sweep.pretraining(backbone, run.seed))
        if run.alpha is not None:
            facts["data"] |= references
            facts["finetune"] = _of(sweep.tuning(backbone, run.seed, run.alpha))
    return facts


def refuse_changed(sweep: Sweep, runs: Sequence[Run], out: Path) -> None:
    """Raise `RequestError` where the folder holds runs of these names that other settings decided.

    They are not made anew unasked: they may have cost days. Those that failed are.
    """
    changed = []
    for run in runs:
        files = RunFiles(out / run.folder)
        earlier, now = files.earlier(), decided(sweep, run)
        has_failed = is_file(files.failure) and not files.is_trained
        if earlier is not None and earlier != now and not has_failed:
            changed.append((out / run.folder, *first_difference("", earlier, now)))
    if changed:
        folder, name, earlier, now = changed[0]
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise RequestError(
            f"{folder}{more}: made with {cut(name)}={cut(earlier)}, the sweep now has {cut(now)};"
            " undo that, name another --out, or remove the folder to have it made anew"
        )


def _of(config: TrainConfig) -> dict[str, Any]:
    return _deciding(config.model_dump(mode="json"))


def _deciding(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in UNDECIDED}
