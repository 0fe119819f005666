"""The two public verbs of training: `pretrain`, stage 1 of Algorithm 1, and `finetune`, stage 2, BridgeTune."""

from __future__ import annotations

import logging
import math
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from bridgetune import __version__
from bridgetune.config import RECIPES, Epochs, PretrainConfig, TrainConfig, TuneConfig
from bridgetune.data import PairSource, References, split
from bridgetune.discriminators import build_discriminator
from bridgetune.errors import RequestError
from bridgetune.metrics import MapErrors
from bridgetune.training.engine import Engine
from bridgetune.training.loop import Loop
from bridgetune.training.phases import (
    DOMAINS,
    AllScales,
    Domain,
    Phase,
    Scene,
    SceneT,
    TuningScene,
    discriminator_losses,
    generator_losses,
    pretraining_losses,
)
from bridgetune.training.run_directory import Record, RunDirectory
from bridgetune.training.samples import Sample, TrainingSamples
from bridgetune.training.validation import HOMOGENEOUS, validate
from bridgetune.wrapping import Adapter, preflight

logger = logging.getLogger("bridgetune")


@dataclass(frozen=True)
class TrainingResult:
    """What came of a stage.

    Attributes:
        generator: The one that was given, trained in place, in eval mode.
        steps: How many updates it has had in this stage.
        validation: Its map errors on the held-out pairs; None where there were none.
        run_dir: Where the run was written; None where it was not.
    """

    generator: Adapter
    steps: int
    validation: MapErrors | None
    run_dir: Path | None


def _silent(record: Record) -> None:
    pass


def pretrain(
    generator: Adapter,
    pairs: PairSource,
    config: PretrainConfig | None = None,
    *,
    validation: PairSource | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    report: Callable[[Record], None] = _silent,
) -> TrainingResult:
    """Stage 1: train the generator on pairs with known maps, by L_SUP (Eq. 11).

    Args:
        generator: Trained in place.
        pairs: Source pairs with their maps, all of one size.
        config: Default: the paper's.
        validation: Held-out pairs; by default a share of `pairs` is held out, see `TrainConfig`.
        run_dir: Where the run is written (config, metrics, checkpoints, the trained generator). Default: nowhere.
        resume: Go on with the run in `run_dir`, from its newest checkpoint; start it where there is none.
        report: Called with every record as it is written to `metrics.jsonl`.

    Raises:
        RequestError: Before anything is written.
        WorkError: A loss is no longer finite.
        bridgetune.training.loop.Stopped: After Ctrl-C, when a checkpoint has been written.
    """
    config = config or PretrainConfig()
    recipe = RECIPES[config.recipe]
    stage = _Stage("pretrain", generator, pairs, None, config, validation, run_dir, resume)
    network, optimizer, schedule = stage.prepare(AllScales(generator))
    losses = partial(pretraining_losses, recipe=recipe)
    phases = [Phase[Scene]("generator", "supervised", network, optimizer, schedule, losses)]
    return stage.carry_out(partial(Scene.of, network), phases, report)


def finetune(
    generator: Adapter,
    pairs: PairSource,
    references: References,
    config: TuneConfig | None = None,
    *,
    discriminator: Callable[[], nn.Module] | None = None,
    validation: PairSource | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    report: Callable[[Record], None] = _silent,
) -> TrainingResult:
    """Stage 2, BridgeTune: fine-tune the generator against two discriminators, by L (Eq. 12).

    Args:
        generator: A trained one, tuned in place.
        pairs: Source pairs with their maps, all of one size.
        references: Completely clear and completely blurred images of that size.
        config: Default: the paper's.
        discriminator: Makes the network of either discriminator, (B, 3, H, W) in [0, 1] -> (B, 1, h, w) logits.
            Default: as `config.discriminator` says.
        validation, run_dir, resume, report: See `pretrain`.

    Raises:
        RequestError, WorkError, Stopped: See `pretrain`.
    """
    config = config or TuneConfig()
    recipe = RECIPES[config.recipe]
    stage = _Stage("finetune", generator, pairs, references, config, validation, run_dir, resume)
    network, optimizer, schedule = stage.prepare(AllScales(generator))

    kind = discriminator or config.discriminator
    judges: dict[Domain, nn.Module] = {}
    judging: list[Phase[TuningScene]] = []
    for domain in DOMAINS:
        judge, stage.decided["discriminator"] = build_discriminator(generator, kind, recipe.score)
        prepared = stage.prepare(judge)
        judges[domain] = stage.engine.bare(prepared[0])
        judged = partial(discriminator_losses, domain=domain, discriminator=prepared[0])
        judging.append(Phase(f"discriminator_{domain}", f"discriminator_{domain}", *prepared, judged))

    losses = partial(generator_losses, judges=judges, recipe=recipe, config=config)
    tuning = Phase[TuningScene]("generator", "loss", network, optimizer, schedule, losses)
    phases = [*judging, tuning] if recipe.order == "discriminators first" else [tuning, *judging]
    return stage.carry_out(partial(TuningScene.of, network), phases, report)


class _Stage:
    """What both stages do around their phases: hold out pairs, open the run, resume, train, save."""

    def __init__(
        self,
        name: str,
        generator: Adapter,
        pairs: PairSource,
        references: References | None,
        config: TrainConfig,
        validation: PairSource | None,
        run_dir: str | Path | None,
        resume: bool,
    ) -> None:
        if not any(parameter.requires_grad for parameter in generator.parameters()):
            raise RequestError("the generator has no trainable parameter; unfreeze it with requires_grad_(True)")
        self.run = None if run_dir is None else RunDirectory(Path(run_dir))
        self.resume = resume
        if self.run is not None:
            self.run.check(resume)
        self.generator, self.config = generator, config
        self.held_out, source = validation, described(pairs)
        if validation is None and config.validation_share > 0 and len(pairs) > 1:
            pairs, self.held_out = split(pairs, config.validation_share, seed=config.seed, most=config.validation_most)
        recipe = RECIPES[config.recipe]
        preflight(generator, pairs, config.batch)
        sizes = _sizes(pairs, references)
        config = self.config = config.model_copy(update={"size": sizes["pairs"][0]})
        self.samples = TrainingSamples(pairs, config.seed, references, recipe.reference_draws)
        self.steps = (
            math.ceil(config.duration.epochs * len(pairs) / config.batch)
            if isinstance(config.duration, Epochs)
            else config.duration.steps
        )
        self.engine = Engine(config)
        self.decided: Record = {
            "stage": name,
            "config": config.model_dump(mode="json"),
            "recipe": recipe.model_dump(mode="json"),
            "steps": self.steps,
            "generator": {
                "origin": asdict(generator.origin),
                "adapter": generator.config.model_dump(mode="json"),
            },
            "pairs": {
                "training": len(pairs),
                "validation": len(self.held_out or ()),
                "source": source,
            },
            "references": None if references is None else described(references),
            "device": str(self.engine.device),
            "versions": {
                "bridgetune": __version__,
                "torch": torch.__version__,
                "accelerate": version("accelerate"),
                "python": platform.python_version(),
            },
        }

    def prepare(self, network: nn.Module) -> tuple[nn.Module, Optimizer, LRScheduler]:
        return self.engine.prepare(network, self.steps)

    def carry_out(
        self, scene: Callable[[Sample], SceneT], phases: list[Phase[SceneT]], report: Callable[[Record], None]
    ) -> TrainingResult:
        start = self._open_run()
        loop = Loop(scene, phases, self.engine, self.config, self.steps, self.run, self._validate, report)
        for phase in phases:
            phase.network.train()
        try:
            loop.train(self.engine.batches(self.samples, start, self.steps), start)
            errors = loop.errors or self._validate()
        finally:
            for phase in phases:
                self.engine.unwrap(phase.network)
            self.generator.eval()
        if self.run is not None and self.engine.is_main:
            self.generator.save_pretrained(self.run.generator, facts=self._facts(errors))
        return TrainingResult(self.generator, self.steps, errors, self.run.path if self.run else None)

    def _open_run(self) -> int:
        """Make or check the run's folder; the step to start after."""
        if self.run is None:
            return 0
        if self.engine.is_main:
            self.run.open(self.decided)
        self.engine.wait()
        return self.run.load_checkpoint(self.engine.load) if self.resume else 0

    def _validate(self) -> MapErrors | None:
        if not self.held_out:
            return None
        return validate(self.generator, self.held_out, self.config.seed, self.engine.device)

    def _facts(self, errors: MapErrors | None) -> dict[str, Any]:
        """What the model card tells."""
        facts: dict[str, Any] = {
            "stage": self.decided["stage"],
            "recipe": self.config.recipe,
            "updates": f"{self.steps} of {self.config.batch} pairs, {self.config.size}×{self.config.size}",
            "learning rate": f"{self.config.learning_rate:g}, cosine to 0",
            "training pairs": len(self.samples),
            "seed": self.config.seed,
        }
        if isinstance(self.config, TuneConfig):
            facts |= {"α": f"{self.config.alpha:g}", "discriminator": self.decided["discriminator"]}
        if errors is not None:
            facts |= {
                "held-out map error": f"{errors.map_error:.2%}",
            }
        if errors is not None and errors.homogeneous_pixels:
            facts[f"in homogeneous regions ({HOMOGENEOUS})"] = f"{errors.homogeneous_error:.2%}"
        return facts


def _sizes(pairs: PairSource, references: References | None) -> dict[str, tuple[int, ...]]:
    """Sides of the training images; they must be one.

    Raises:
        RequestError: The references have another size than the pairs.
    """
    rng = np.random.default_rng(0)
    sizes = {"pairs": tuple(pairs.sample(0, rng).first.shape[1:])}
    if references is not None:
        clear, blurred = (
            torch.stack([pool.sample(rng) for _ in range(8)]) for pool in (references.clear, references.blurred)
        )
        sizes |= {"clear references": tuple(clear.shape[2:]), "blurred references": tuple(blurred.shape[2:])}
        if _roughness(clear) < _roughness(blurred):
            logger.warning("the clear references are smoother than the blurred ones; are the two exchanged?")
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{name} {'×'.join(map(str, size))}" for name, size in sizes.items())
        raise RequestError(f"training images must have one size: got {said}; give all of them the same size=")
    return sizes


def _roughness(images: Tensor) -> float:
    return float(images.diff(dim=-1).abs().mean())


def described(source: object) -> str:
    """What `config.json` says of a source: its repr, or its class where that would be an address in memory."""
    return type(source).__name__ if type(source).__repr__ is object.__repr__ else repr(source)
