"""A sweep carried out: every run trained and evaluated once, whatever becomes of the others."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import os
import shutil
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from bridgetune._version import __version__
from bridgetune.config import Alpha
from bridgetune.errors import BridgetuneError, RequestError, WorkError
from bridgetune.evaluation.evaluating import evaluate
from bridgetune.evaluation.findings import file_names
from bridgetune.evaluation.results import Evaluation
from bridgetune.files import replaced
from bridgetune.handing import RunHands
from bridgetune.locking import LOCK, held
from bridgetune.opening import load
from bridgetune.paths import is_there
from bridgetune.runs.directory import Record, RunDirectory
from bridgetune.runs.report import FIGURES, PAGE, REPORT, write_report
from bridgetune.sweeps.checking import check
from bridgetune.sweeps.cost import Cost, cost_of, open_backbone
from bridgetune.sweeps.plan import (
    RUNS,
    Run,
    RunFiles,
    decided,
    planned,
    refuse_changed,
    run_label,
    start_of,
)
from bridgetune.sweeps.progress import UNWATCHED, Outcome, State, SweepProgress
from bridgetune.sweeps.settings import Backbone, Sweep
from bridgetune.sweeps.training_data import TrainingData, dataset_folder, write_demo
from bridgetune.training import finetune, pretrain
from bridgetune.training.loop import Stopped


@dataclass
class SweepResult:
    """What came of a sweep.

    Attributes:
        sweep, out: What was asked for, and its folder.
        outcomes: Of every job, in the order of the work.
        evaluations: Those of the runs that succeeded, by run and the dataset's name.
        costs: By the backbone's name.
    """

    sweep: Sweep
    out: Path
    outcomes: list[Outcome] = field(default_factory=list)
    evaluations: dict[Run, dict[str, Evaluation]] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)

    @property
    def failed(self) -> list[Outcome]:
        """What failed."""
        return [outcome for outcome in self.outcomes if outcome.state == "failed"]


@dataclass(frozen=True)
class SweepRuns:
    """`Work` on the runs of a sweep: each trained and evaluated in the sweep's folder, as `run_sweep` has it.

    Attributes:
        sweep, trust: See `run_sweep`.
        out: The sweep's folder, on a drive that all who do it have.
    """

    sweep: Sweep
    out: Path
    trust: bool

    def opened(self) -> Callable[[Run], Outcome]:
        """See `Work`."""
        alone = self.sweep.evaluation.model_copy(update={"workers": 1})
        sweep = self.sweep.model_copy(update={"evaluation": alone})
        work = _Sweeping(sweep, planned(sweep), TrainingData(sweep.data), self.out, UNWATCHED, self.trust)

        def attempt(run: Run) -> Outcome:
            outcome = work.attempt(run)
            gc.collect()
            return outcome

        return attempt


def run_sweep(
    sweep: Sweep,
    out: str | Path,
    progress: SweepProgress = UNWATCHED,
    *,
    trust: bool = False,
    hands: RunHands | None = None,
) -> SweepResult:
    """Train and evaluate every run of a sweep that is not there yet, and go on with what was begun.

    A run that fails is reported and does not stop the others; those that begin with it are left out. What was
    trained is never trained again; an evaluation is made again where it was made by another version of
    bridgetune, of another folder or in another way.

    Args:
        sweep: See `read_sweep`.
        out: The sweep's folder.
        progress: Told how it gets on.
        trust: Import and call the factories that the sweep and the folders which it names do; see `bridgetune.load`.
        hands: Who trains and evaluates the runs; backbones' costs are measured here.

    Raises:
        RequestError: Before anything is written: pictures or a network that are not there, runs in `out` that other
            settings decided, or another process that has it.
        Stopped: After Ctrl-C, when a checkpoint has been written.
    """
    out = Path(out)
    runs = planned(sweep)
    data = TrainingData(sweep.data)
    check(sweep, runs, data, out, trust)
    with held(out):
        refuse_changed(sweep, runs, out)
        for dataset in sweep.datasets:
            if dataset.demo:
                write_demo(dataset, out)
        return _Sweeping(sweep, runs, data, out, progress, trust).carry_out(hands)


def datasets_of(sweep: Sweep) -> dict[str, str]:
    """Name of a dataset -> the name of its files."""
    names = [dataset.name for dataset in sweep.datasets]
    return dict(zip(names, file_names(names), strict=True))


class _Sweeping:
    def __init__(
        self, sweep: Sweep, runs: Sequence[Run], data: TrainingData, out: Path, progress: SweepProgress, trust: bool
    ) -> None:
        self.sweep, self.runs, self.data, self.out, self.progress = sweep, runs, data, out, progress
        self.trust, self.result = trust, SweepResult(sweep, out)

    def carry_out(self, hands: RunHands | None = None) -> SweepResult:
        count = len(self.runs) + len(self.sweep.backbones)
        if hands is not None:
            self._hand_out(hands, count)
        for number, run in enumerate(self.runs if hands is None else (), 1):
            self.progress.began(run.name, number, count)
            self._end(self.attempt(run))
            gc.collect()
        for number, backbone in enumerate(self.sweep.backbones, len(self.runs) + 1):
            self.progress.began(f"{backbone.name}, cost", number, count)
            self._end(self._attempt_cost(backbone))
        return self.result

    def _hand_out(self, hands: RunHands, count: int) -> None:
        """The runs done elsewhere; what came of them is read here."""
        outcomes = dict[Run, Outcome]()
        work = SweepRuns(self.sweep, self.out.absolute(), self.trust)
        with closing(hands(work, self.runs, self._start)) as handed:
            for number, done in enumerate(handed, 1):
                run, path = done.item, RunFiles(self.out / done.item.folder).path
                outcome = done.result or Outcome(run.name, path, "failed", 0.0, self._lost(run, outcomes, done.failure))
                outcomes[run] = replace(outcome, folder=path)
                self.progress.began(run.name, number, count)
                self.progress.ended(outcomes[run])
        for run in self.runs:
            if outcomes[run].state != "failed":
                self.attempt(run)
            self.result.outcomes.append(outcomes[run])

    def _start(self, run: Run) -> Run | None:
        """What a run goes on from."""
        return None if run.alpha is None or run.seed is None else start_of(self.sweep, run.backbone, run.seed)

    def _lost(self, run: Run, outcomes: Mapping[Run, Outcome], failure: str) -> str:
        """Why a run that nobody answers for has failed."""
        start = self._start(run)
        lost = start is not None and start in outcomes and outcomes[start].state == "failed"
        return _not_begun(start) if start is not None and lost else failure

    def _end(self, outcome: Outcome) -> None:
        self.result.outcomes.append(outcome)
        self.progress.ended(outcome)

    def attempt(self, run: Run) -> Outcome:
        """A run trained and evaluated, as far as it is not there."""
        began, files = time.perf_counter(), RunFiles(self.out / run.folder)
        state: State = "kept"
        failure = ""
        try:
            if not files.is_trained:
                state = "made"
                self._train(run, files)
            elif is_there(files.training / LOCK):
                _finish(files.training)
            if run.measured:
                evaluations, measured = self._evaluate(run, files)
                state = "made" if measured else state
                self.result.evaluations[run] = evaluations
            files.failure.unlink(missing_ok=True)
        except Stopped as error:
            raise Stopped(f"{run.name}: {str(error).partition(';')[0]}; the same command goes on from there") from error
        except Exception as error:
            state, failure = "failed", _told(error, files.failure)
        return Outcome(run.name, files.path, state, time.perf_counter() - began, failure)

    def _attempt_cost(self, backbone: Backbone) -> Outcome:
        began, name = time.perf_counter(), f"{backbone.name}, cost"
        folder = self.out / RUNS / backbone.slug
        try:
            cost, measured = cost_of(backbone, self.sweep.cost, self.out, trust=self.trust)
        except Exception as error:
            failure = _told(error, folder / "cost-failure.txt")
            return Outcome(name, folder, "failed", time.perf_counter() - began, failure)
        (folder / "cost-failure.txt").unlink(missing_ok=True)
        self.result.costs[backbone.name] = cost
        return Outcome(name, folder, "made" if measured else "kept", time.perf_counter() - began)

    def _train(self, run: Run, files: RunFiles) -> None:
        start = self._start(run)
        if start is not None and not RunFiles(self.out / start.folder).is_trained:
            raise WorkError(_not_begun(start))
        now = decided(self.sweep, run)
        begun = (files.training / "config.json").is_file()
        if files.training.is_dir() and not (begun and files.earlier() == now):
            _clear(files.training)  # killed before there was anything to resume, or failed as it was decided
        files.path.mkdir(parents=True, exist_ok=True)
        with replaced(files.decided) as partial:
            partial.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")
        if run.seed is None:
            open_backbone(run.backbone, trust=self.trust).save_pretrained(files.product)
        elif start is None:
            self._pretrain(run, run.seed, files)
        else:
            assert run.alpha is not None
            self._finetune(run, run.seed, run.alpha, RunFiles(self.out / start.folder), files)

    def _pretrain(self, run: Run, seed: int, files: RunFiles) -> None:
        config = self.sweep.pretraining(run.backbone, seed)
        torch.manual_seed(seed)
        pretrain(
            open_backbone(run.backbone, trust=self.trust),
            self.data.pairs(config),
            config,
            validation=self.data.held_out(config),
            run_dir=files.training,
            resume=True,
            report=self._reporter("stage 1"),
        )

    def _finetune(self, run: Run, seed: int, alpha: Alpha, start: RunFiles, files: RunFiles) -> None:
        config = self.sweep.tuning(run.backbone, seed, alpha)
        finetune(
            load(start.product, trust=self.trust),
            self.data.pairs(config),
            self.data.references(config),
            config,
            validation=self.data.held_out(config),
            run_dir=files.training,
            resume=True,
            report=self._reporter("stage 2"),
        )

    def _reporter(self, doing: str) -> Callable[[Record], None]:
        def report(record: Record) -> None:
            if "steps" in record:
                self.progress.advanced(doing, record["step"], record["steps"])

        return report

    def _evaluate(self, run: Run, files: RunFiles) -> tuple[dict[str, Evaluation], bool]:
        """The run's scores on every dataset, and whether any had to be measured now."""
        found, measured = {}, False
        method = run_label(run, self.sweep.alphas)
        for dataset in self.sweep.datasets:
            path = files.evaluation(datasets_of(self.sweep)[dataset.name])
            sources = dataset_folder(dataset, self.out).resolve()
            kept = self._kept(path, dataset.name, sources)
            if kept is not None:
                found[dataset.name] = kept.model_copy(update={"method": method})
                continue
            measured = True

            def tell(done: int, total: int, stem: str, dataset: str = dataset.name) -> None:
                self.progress.advanced(dataset, done, total)

            one = evaluate(
                sources,
                generator=files.product,
                recipe=self.sweep.evaluation.recipe,
                undecided=self.sweep.evaluation.undecided,
                convention=self.sweep.evaluation.convention,
                method=method,
                dataset=dataset.name,
                workers=self.sweep.evaluation.workers,
                trust=self.trust,
                progress=tell,
            )
            one.write(path)
            found[dataset.name] = one
        return found, measured

    def _kept(self, path: Path, dataset: str, sources: Path) -> Evaluation | None:
        """The evaluation that is there already, if it was made as it would be now."""
        asked = self.sweep.evaluation
        with contextlib.suppress(RequestError):
            kept = Evaluation.read(path)
            how = kept.settings.get("recipe"), kept.settings.get("undecided", "keep")
            made = (kept.bridgetune, kept.dataset, kept.convention, kept.settings.get("sources"), *how)
            if made == (__version__, dataset, asked.convention, str(sources), asked.recipe, asked.undecided):
                return kept
        return None


def _not_begun(start: Run) -> str:
    return f"not begun: it goes on from {start.name}, which failed"


def _finish(training: Path) -> None:
    """Do what is left of a run that was killed behind its product: the report, and that nobody has the folder."""
    run = RunDirectory(training)
    with contextlib.suppress(BridgetuneError), run.held(resume=True):
        write_report(run, force=True)


def _clear(training: Path) -> None:
    """Delete a run's folder, unless there is something in it that is not the run's: then it is renamed."""
    with held(training):
        run = RunDirectory(training)
        written = {run.config, run.metrics, run.checkpoints.folder, run.generator, run.best, run.tensorboard}
        names = {path.name for path in written} | {REPORT, PAGE, FIGURES}
        others = [path for path in training.iterdir() if not path.name.startswith(".") and path.name not in names]
    if others:
        taken = (training.with_name(f"{training.name}-other-{number}") for number in itertools.count(1))
        training.rename(next(path for path in taken if not os.path.lexists(path)))
    else:
        shutil.rmtree(training)


def _told(error: Exception, path: Path) -> str:
    """The failure in a line; its traceback is written, where that can be."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    said = " ".join(str(error).split()) or "no message"
    return said if isinstance(error, BridgetuneError) else f"{type(error).__name__}: {said}"
