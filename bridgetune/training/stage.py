"""What both stages of training do around their phases: hold out pairs, open the run, resume, train, save."""

from __future__ import annotations

import importlib.util
import logging
import math
import platform
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, astuple, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from bridgetune._version import __version__
from bridgetune.config import RECIPES, Epochs, TrainConfig, TuneConfig
from bridgetune.data import PairSource, References, UnlabelledPairs, split
from bridgetune.discriminators import Discriminator
from bridgetune.errors import RequestError, WorkError
from bridgetune.metrics import HOMOGENEOUS, MapErrors
from bridgetune.runs.directory import Record, RunDirectory
from bridgetune.runs.report import write_report
from bridgetune.training.engine import Engine
from bridgetune.training.loop import Loop
from bridgetune.training.memory import recomputed
from bridgetune.training.phases import Answering, Judging, Phase, SceneT
from bridgetune.training.samples import Sample, TrainingSamples
from bridgetune.training.trained import TrainedGenerator
from bridgetune.training.validation import validate
from bridgetune.wrapping import Adapter, has_batch_norm, preflight

logger = logging.getLogger("bridgetune")

NetworkT = TypeVar("NetworkT", bound=nn.Module)


@dataclass(frozen=True)
class TrainingResult:
    """What came of a stage.

    Attributes:
        generator: The one that was given, trained in place, in eval mode.
        steps: How many updates it has had in this stage.
        validation: Its map errors on the held-out pairs; None where there were none.
        run_dir: Where the run was written; None where it was not.
        stopped_early: It ended before it was to, by `patience`.
    """

    generator: Adapter
    steps: int
    validation: MapErrors | None
    run_dir: Path | None
    stopped_early: bool = False


class Stage:
    """One stage of one run.

    Args:
        name: `pretrain` or `finetune`.
        generator, pairs, config, references, unlabelled, validation, run_dir, resume: See `pretrain` and `finetune`.

    Attributes:
        engine: See there.
        decided: What `config.json` will tell; added to until `carry_out`.
    """

    def __init__(
        self,
        name: str,
        generator: Adapter,
        pairs: PairSource | None,
        config: TrainConfig,
        *,
        references: References | None = None,
        unlabelled: UnlabelledPairs | None = None,
        validation: PairSource | None,
        run_dir: str | Path | None,
        resume: bool,
    ) -> None:
        if not any(parameter.requires_grad for parameter in generator.parameters()):
            raise RequestError("the generator has no trainable parameter; unfreeze it with requires_grad_(True)")
        if pairs is None and unlabelled is None:
            raise RequestError("no pairs to train on; give pairs=, unlabelled=, or both")
        if config.tensorboard and importlib.util.find_spec("tensorboard") is None:
            raise RequestError(
                "tensorboard: was asked for and is not installed; pip install 'bridgetune[train]', or leave it out"
            )
        self.run = None if run_dir is None else RunDirectory(Path(run_dir))
        self.resume = resume
        if self.run is not None:
            self.run.check(resume)
        self.generator, self.config = generator, config
        self.held_out = validation
        given = {"source": pairs, "unlabelled": unlabelled}
        sources = {name: described(source) for name, source in given.items() if source is not None}
        if pairs is not None and validation is None and config.validation_share > 0 and len(pairs) > 1:
            pairs, self.held_out = split(pairs, config.validation_share, seed=config.seed, most=config.validation_most)
        recipe = RECIPES[config.recipe]
        for source in (pairs, unlabelled):
            if source is not None:
                preflight(generator, source, config.batch)
        sizes = _sizes(pairs, unlabelled, references)
        config = self.config = config.model_copy(update={"size": sizes[0]})
        self.samples = TrainingSamples(
            pairs,
            config.seed,
            references,
            recipe.reference_draws,
            unlabelled=unlabelled,
            unlabelled_share=config.unlabelled_share if isinstance(config, TuneConfig) else 0.5,
        )
        self.steps = (
            math.ceil(config.duration.epochs * len(self.samples) / config.batch)
            if isinstance(config.duration, Epochs)
            else config.duration.steps
        )
        self.engine = Engine(config, unused=name == "finetune" and bool(generator.config.auxiliary))
        self.recomputing = ExitStack()
        if config.micro_batch * self.engine.processes >= config.batch:
            logger.warning("micro_batch: %d is no part of a process's batch; it has no effect", config.micro_batch)
        elif config.micro_batch and has_batch_norm(generator):
            logger.warning("micro_batch: the network has BatchNorm, whose statistics are then those of a micro-batch")
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
                "training": len(pairs or ()),
                "validation": len(self.held_out or ()),
                **sources,
            },
            "references": None if references is None else described(references),
            "device": str(self.engine.device),
            "processes": self.engine.processes,
            "versions": {
                "bridgetune": __version__,
                "torch": torch.__version__,
                "accelerate": version("accelerate"),
                "python": platform.python_version(),
            },
        }

    def answering(self, auxiliary: bool) -> nn.Module:
        """The generator as the phases call it."""
        return Answering(self._sparing(self.generator), auxiliary, self.config.micro_batch)

    def judging(self, discriminator: nn.Module) -> nn.Module:
        """A discriminator as the phases call it."""
        return Judging(self._sparing(discriminator), self.config.micro_batch)

    def _sparing(self, network: NetworkT) -> NetworkT:
        if self.config.checkpoint_activations:
            self.recomputing.enter_context(recomputed(network))
        return network

    def prepare(self, network: nn.Module) -> tuple[nn.Module, Optimizer, LRScheduler]:
        """See `Engine.prepare`."""
        return self.engine.prepare(network, self.steps)

    def carry_out(
        self,
        scene: Callable[[Sample], SceneT],
        phases: list[Phase[SceneT]],
        report: Callable[[Record], None],
        discriminators: Mapping[str, Discriminator],
    ) -> TrainingResult:
        """Train, and save what came of it.

        Args:
            scene, phases, report: See `Loop`.
            discriminators: Whose maps are to be seen.
        """
        trained = TrainedGenerator(self.generator, self.config.average, self._facts)
        validate = partial(self._validate, trained)
        loop = Loop(scene, phases, trained, self.engine, self.config, self.steps, self.run, validate, report)
        self.engine.kept["best"] = loop.best
        if trained.average is not None:
            self.engine.kept["average"] = trained.average
        start = self._open_run()
        for phase in phases:
            phase.network.train()
        with ExitStack() as around:
            around.callback(self.generator.eval)
            around.callback(self.recomputing.close)
            for phase in phases:
                around.callback(self.engine.unwrap, phase.network)
            around.callback(self._tell_how_it_went)
            self._watch(loop, around, start, discriminators)
            batches = around.enter_context(closing(self.engine.batches(self.samples, start, self.steps)))
            loop.train(batches, start)
            errors = loop.errors
            if self.config.patience and loop.best.weights:
                loop.best.restore(trained.network)
                errors = None
            errors = errors or validate()
        trained.settle()
        if self.run is not None and self.engine.is_main:
            trained.save(self.run.generator, errors, loop.step)
            self._tell_how_it_went()
        run_dir = self.run.path if self.run else None
        return TrainingResult(self.generator, loop.step, errors, run_dir, stopped_early=loop.step < self.steps)

    def _watch(
        self, loop: Loop[SceneT], around: ExitStack, start: int, discriminators: Mapping[str, Discriminator]
    ) -> None:
        """Have TensorBoard told what the run tells, where that was asked for."""
        if self.run is None or not self.config.tensorboard or not self.engine.is_main:
            return
        from bridgetune.runs.tensorboard import TensorBoard
        from bridgetune.training.snapshots import snapshot

        board = around.enter_context(closing(TensorBoard(self.run.tensorboard, start + 1 if start else 0)))
        report = loop.report

        def record(record: Record) -> None:
            board.record(record)
            report(record)

        loop.report = record
        loop.watch = lambda step, scene: board.images(step, snapshot(scene, discriminators))

    def _tell_how_it_went(self) -> None:
        """Write the report, however the run ended; that it cannot be written is no reason to lose the run."""
        if self.run is not None and self.engine.is_main and self.run.metrics.is_file():
            try:
                write_report(self.run)
            except WorkError as error:
                logger.warning("%s", error)

    def _open_run(self) -> int:
        """Make or check the run's folder; the step to start after."""
        if self.run is None:
            return 0
        if self.engine.is_main:
            self.run.open(self.decided)
        self.engine.wait()
        if not self.resume:
            return 0
        start = self.run.checkpoints.load(self.engine.load)
        if self.engine.is_main:
            self.run.forget_after(start if start else -1)
        return start

    def _validate(self, trained: TrainedGenerator) -> MapErrors | None:
        if not self.held_out:
            return None
        share = (self.engine.rank, self.engine.processes)
        errors = validate(trained.network, self.held_out, self.config.seed, self.engine.device, share)
        return MapErrors(*self.engine.total(list(astuple(errors))))

    def _facts(self, errors: MapErrors | None, step: int) -> dict[str, Any]:
        """What the model card tells."""
        facts: dict[str, Any] = {
            "stage": self.decided["stage"],
            "recipe": self.config.recipe,
            "updates": f"{step} of {self.config.batch} pairs, {self.config.size}×{self.config.size}",
            "learning rate": f"{self.config.learning_rate:g}, cosine to 0",
            "training pairs": len(self.samples),
            "augmentation": self.config.augmentation,
            "seed": self.config.seed,
        }
        if isinstance(self.config, TuneConfig):
            alpha = self.config.alpha
            facts |= {
                "α": f"{alpha:g}" if alpha != "auto" else f"auto, share {self.config.adversarial_share:g}",
                "discriminator": self.decided["discriminator"],
            }
        if self.config.average:
            facts["weights"] = f"moving average, decay {self.config.average:g}"
        if errors is not None:
            facts |= {
                "held-out map error": f"{errors.map_error:.2%}",
            }
        if errors is not None and errors.homogeneous_pixels:
            facts[f"in homogeneous regions ({HOMOGENEOUS})"] = f"{errors.homogeneous_error:.2%}"
        return facts


def _sizes(
    pairs: PairSource | None, unlabelled: UnlabelledPairs | None, references: References | None
) -> tuple[int, ...]:
    """Sides of the training images; they must be one.

    Raises:
        RequestError: The images have different sizes.
    """
    rng = np.random.default_rng(0)
    sizes: dict[str, tuple[int, ...]] = {}
    if pairs is not None:
        sizes["pairs"] = tuple(pairs.sample(0, rng).first.shape[1:])
    if unlabelled is not None:
        sizes["unlabelled pairs"] = tuple(unlabelled.sample(0, rng).first.shape[1:])
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
    return next(iter(sizes.values()))


def _roughness(images: Tensor) -> float:
    return float(images.diff(dim=-1).abs().mean())


def described(source: object) -> str:
    """What `config.json` says of a source: its repr, or its class where that would be an address in memory."""
    return type(source).__name__ if type(source).__repr__ is object.__repr__ else repr(source)
