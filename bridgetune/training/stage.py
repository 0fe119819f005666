"""What both stages of training do around their phases: hold out pairs, open the run, resume, train, save."""

from __future__ import annotations

import importlib.util
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from bridgetune.config import Epochs, TrainConfig
from bridgetune.data import Pair, PairSource, References, UnlabelledPairs
from bridgetune.discriminators import Discriminator
from bridgetune.errors import BridgetuneError, RequestError
from bridgetune.metrics import MapErrors
from bridgetune.modes import keep_statistics
from bridgetune.remarks import held_back
from bridgetune.runs.directory import Record, RunDirectory
from bridgetune.runs.report import write_report
from bridgetune.terms import Domain
from bridgetune.training.engine import Engine
from bridgetune.training.facts import card_facts, run_facts
from bridgetune.training.forward import PassT
from bridgetune.training.loop import Loop
from bridgetune.training.memory import recomputed
from bridgetune.training.phases import Phase
from bridgetune.training.pushes import Push, pushed, shares, warn_of_a_coin
from bridgetune.training.roles import Answering, Judging
from bridgetune.training.samples import Sample
from bridgetune.training.stage_data import StageData
from bridgetune.training.trained import TrainedGenerator
from bridgetune.training.validation import validate
from bridgetune.wrapping import Adapter, has_batch_norm, preflight
from bridgetune.wrapping.traces import without_leftovers

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
        run: Where it is written; None for nowhere.
        data: What it trains and validates on.
        config: As it was given, and with the side that the images have.
        samples, engine: See there.
        steps: That it will have.
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
        _refuse_what_cannot_be_trained(generator, pairs, unlabelled, config)
        self.run = None if run_dir is None else RunDirectory(Path(run_dir))
        self.resume = resume
        if self.run is not None:
            self.run.check(resume)
        self.generator = generator
        self.data = StageData.of(pairs, validation, unlabelled, references, config)
        kept = config.batch_norm == "keep"
        with held_back() as self._remarks:
            unreached = preflight(generator, self.data.sources[0], config.batch, kept)
            for source in self.data.sources[1:]:
                preflight(generator, source, config.batch, kept)
            self.config = config.model_copy(update={"size": self.data.side()})
            self.samples = self.data.samples(self.config)
            self.steps = _steps(self.config, len(self.samples))
            self.engine = Engine(
                self.config, unused=bool(unreached or (name == "finetune" and generator.config.auxiliary))
            )
            self.recomputing = ExitStack()
            _warn_of_micro_batches(generator, self.config, self.engine.processes)
        self.decided = run_facts(name, generator, self.data, self.config, self.steps, self.engine)

    def answering(self, auxiliary: bool, faithful: bool = False) -> nn.Module:
        """The generator as the phases call it."""
        return Answering(self._sparing(self.generator), auxiliary, self.config.micro_batch, faithful)

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
        forward: Callable[[Sample], PassT],
        phases: list[Phase[PassT]],
        report: Callable[[Record], None],
        discriminators: Mapping[Domain, Discriminator],
        push: Push | None = None,
        prepare: Callable[[], None] = lambda: None,
    ) -> TrainingResult:
        """Train, and save what came of it.

        Args:
            forward, phases, report: See `Loop`.
            discriminators: Whose maps are to be seen.
            push: Whose pushes are measured at every validation, see `pushed`; None for nobody's.
            prepare: Called before the first step; not where a run goes on.
        """
        trained = TrainedGenerator(self.generator, self.config.average, self._facts)
        loop = Loop(forward, phases, trained, self.engine, self.config, self.steps, self.run, lambda: None, report)
        validate = loop.validate = partial(self._validate, trained, loop)
        if push is not None:
            loop.measure = partial(self._measure, push)
        self.engine.kept["best"] = loop.best
        if trained.average is not None:
            self.engine.kept["average"] = trained.average
        with self._alone():
            start = self._open_run()
            self._remarks.say()
            if start == 0:
                prepare()
            for phase in phases:
                phase.network.train()
            if self.config.batch_norm == "keep":
                keep_statistics(self.generator)
            with self._told():
                with ExitStack() as around:
                    around.enter_context(without_leftovers(self.generator.unwrap()))
                    around.callback(self.generator.eval)
                    around.callback(self.recomputing.close)
                    for phase in phases:
                        around.callback(self.engine.unwrap, phase.network)
                    self._watch(loop, around, start, discriminators)
                    batches = around.enter_context(closing(self.engine.batches(self.samples, start, self.steps)))
                    loop.train(batches, start)
                    errors = loop.errors
                    if self.config.patience and loop.best.weights:
                        loop.best.restore(trained.network)
                        errors = None
                    errors = errors or validate()
                if push is not None and loop.step and self.engine.is_main:
                    warn_of_a_coin(loop.measured, push.name)
                trained.settle()
                if self.run is not None and self.engine.is_main:
                    self.run.check_there()
                    trained.save(self.run.generator, errors, loop.step)
            run_dir = self.run.path if self.run else None
            return TrainingResult(self.generator, loop.step, errors, run_dir, stopped_early=loop.step < self.steps)

    def _alone(self) -> AbstractContextManager[None]:
        """The run's folder, held for all processes that work together by the one that writes."""
        return self.run.held(self.resume) if self.run is not None and self.engine.is_main else nullcontext()

    def _watch(
        self, loop: Loop[PassT], around: ExitStack, start: int, discriminators: Mapping[Domain, Discriminator]
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
        loop.watch = lambda step, forward: board.images(step, snapshot(forward, discriminators))

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Write the report, however the run ends; that it cannot be written is no reason to lose the run."""
        try:
            yield
        finally:
            if self.run is not None and self.engine.is_main and self.run.metrics.is_file():
                try:
                    write_report(self.run, force=True)
                except BridgetuneError as error:
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

    def _validate(self, trained: TrainedGenerator, loop: Loop[Any]) -> MapErrors | None:
        if not self.data.held_out:
            return None
        share = (self.engine.rank, self.engine.processes)
        seen = partial(self._keep_map, loop.step)
        errors = validate(trained.network, self.data.held_out, self.config.seed, self.engine.device, share, seen)
        return MapErrors(*self.engine.total(list(astuple(errors))))

    def _keep_map(self, step: int, number: int, pair: Pair, decision: Tensor) -> None:
        """Have the run's folder show it; that it cannot be written is no reason to lose the run."""
        if self.run is None or not self.engine.is_main:
            return
        self.run.check_there()
        try:
            self.run.maps.keep(number, (pair.first, pair.second), pair.mask, decision, step)
        except BridgetuneError as error:
            logger.warning("%s", error)

    def _measure(self, push: Push, step: int) -> Record:
        if self.data.held_out is None or self.data.references is None:
            return {}
        counts = pushed(
            self.generator,
            push,
            self.data.held_out,
            self.data.references,
            self.config.seed,
            self.engine.device,
            (self.engine.rank, self.engine.processes),
        )
        record = shares(self.engine.total(counts))
        if step == 0 and self.engine.is_main:
            warn_of_a_coin(record, push.name, push.at_first)
        return record

    def _facts(self, errors: MapErrors | None, step: int) -> dict[str, Any]:
        return card_facts(self.decided, self.config, len(self.samples), errors, step)


def _refuse_what_cannot_be_trained(
    generator: Adapter, pairs: PairSource | None, unlabelled: UnlabelledPairs | None, config: TrainConfig
) -> None:
    if not any(True for _ in generator.parameters()):
        name = generator.origin.generator or type(generator.unwrap()).__name__
        raise RequestError(f"{name} has no parameters: there is nothing to train; choose a generator that has some")
    if not any(parameter.requires_grad for parameter in generator.parameters()):
        raise RequestError("the generator has no trainable parameter; unfreeze it with requires_grad_(True)")
    if pairs is None and unlabelled is None:
        raise RequestError("no pairs to train on; give pairs=, unlabelled=, or both")
    if config.tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise RequestError(
            "tensorboard: was asked for and is not installed; pip install 'bridgetune[train]', or leave it out"
        )


def _steps(config: TrainConfig, samples: int) -> int:
    """That the stage will have."""
    if isinstance(config.duration, Epochs):
        return math.ceil(config.duration.epochs * samples / config.batch)
    return config.duration.steps


def _warn_of_micro_batches(generator: Adapter, config: TrainConfig, processes: int) -> None:
    if config.micro_batch * processes >= config.batch:
        logger.warning("micro_batch: %d is no part of a process's batch; it has no effect", config.micro_batch)
    elif config.micro_batch and config.batch_norm == "train" and has_batch_norm(generator):
        logger.warning("micro_batch: the network has BatchNorm, whose statistics are then those of a micro-batch")
