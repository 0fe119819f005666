"""The two public verbs of training: `pretrain`, stage 1 of Algorithm 1, and `finetune`, stage 2, BridgeTune."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from bridgetune.config import RECIPES, PretrainConfig, TuneConfig
from bridgetune.data import PairSource, References, UnlabelledPairs
from bridgetune.discriminators import Discriminator, build_discriminator
from bridgetune.errors import RequestError
from bridgetune.runs.directory import Record
from bridgetune.terms import DOMAINS, Domain, term_weights
from bridgetune.training.alpha import AdversarialWeight
from bridgetune.training.forward import ForwardPass, TuningPass
from bridgetune.training.labels import Labels
from bridgetune.training.objectives import GeneratorLosses, discriminator_losses, pretraining_losses
from bridgetune.training.pair_judge import fresh_judge, teach
from bridgetune.training.phases import Phase
from bridgetune.training.pushes import Push, towards_labels, towards_references
from bridgetune.training.samples import Sample
from bridgetune.training.stage import Stage, TrainingResult
from bridgetune.wrapping import Adapter


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
        report: Called with every record as it is written to `metrics.jsonl`; `print` shows each as a line.

    Raises:
        RequestError: Before anything is written.
        WorkError: A loss is no longer finite.
        bridgetune.training.loop.Stopped: After Ctrl-C, when a checkpoint has been written.
    """
    config = config or PretrainConfig()
    recipe = RECIPES[config.recipe]
    stage = Stage("pretrain", generator, pairs, config, validation=validation, run_dir=run_dir, resume=resume)
    answering = stage.prepare(stage.answering(auxiliary=True))
    losses = partial(pretraining_losses, recipe=recipe)
    phases = [Phase[ForwardPass]("generator", "supervised", *answering, losses)]
    return stage.carry_out(partial(ForwardPass.of, answering[0]), phases, report, {})


def finetune(
    generator: Adapter,
    pairs: PairSource | None,
    references: References | None,
    config: TuneConfig | None = None,
    *,
    unlabelled: UnlabelledPairs | None = None,
    discriminator: Callable[[], nn.Module] | None = None,
    validation: PairSource | None = None,
    run_dir: str | Path | None = None,
    resume: bool = False,
    report: Callable[[Record], None] = _silent,
) -> TrainingResult:
    """Stage 2, BridgeTune: fine-tune the generator against two discriminators, by L (Eq. 12).

    Args:
        generator: A trained one, tuned in place.
        pairs: Source pairs with their maps, all of one size. None where there are only unlabelled ones.
        references: Completely clear and completely blurred images of that size. None where α = 0, which needs none.
        config: Default: the paper's.
        unlabelled: Source pairs without maps, of that size. From them the discriminators alone teach the generator,
            and regularisers; or labels that nobody gave: see `TuneConfig`.
        discriminator: Makes the network of either discriminator, (B, 3, H, W) in [0, 1] -> (B, 1, h, w) logits.
            Default: as `config.discriminator` says. With α = 0 there is none.
        validation, run_dir, resume, report: See `pretrain`.

    Raises:
        RequestError, WorkError, Stopped: See `pretrain`.
    """
    config = config or TuneConfig()
    # terms may have been registered since it was made
    config = config.model_copy(update={"term_weights": term_weights(config.term_weights)})
    if config.labelling is not None:
        _refuse_what_cannot_be_labelled(config, unlabelled, discriminator)
    if references is None and config.needs_references:
        needed = "expected clear and blurred images (--clear DIR --blurred DIR), or no adversarial loss (--alpha 0)"
        raise RequestError(f"references: got none, {needed}")
    recipe = RECIPES[config.recipe]
    stage = Stage(
        "finetune",
        generator,
        pairs,
        config,
        references=references,
        unlabelled=unlabelled,
        validation=validation,
        run_dir=run_dir,
        resume=resume,
    )
    faithful = generator.config.output == "fused" and config.fidelity_weight > 0
    answering = stage.prepare(stage.answering(auxiliary=False, faithful=faithful))
    forward = partial(TuningPass.of, answering[0], faithful=faithful)
    if config.labelling is not None or config.alpha == 0:
        return _without_discriminators(stage, answering, forward, config, references, report)

    kind = discriminator or config.discriminator
    assert kind != "pair", "which TuneConfig has for labels alone"
    generator_first = recipe.order == "generator first"
    discriminators: dict[Domain, Discriminator] = {}
    judges: dict[Domain, nn.Module] = {}
    judging: list[Phase[TuningPass]] = []
    for domain in DOMAINS:
        judge, stage.decided["discriminator"] = build_discriminator(generator, kind, recipe.score)
        discriminators[domain] = judge
        prepared = stage.prepare(stage.judging(judge))
        judges[domain] = prepared[0] if generator_first else stage.engine.bare(prepared[0])
        judged = partial(discriminator_losses, domain=domain, judging=prepared[0])
        judging.append(Phase(f"discriminator_{domain}", f"discriminator_{domain}", *prepared, judged))

    alpha = AdversarialWeight(config.alpha, config.adversarial_share, stage.engine.device)
    stage.engine.kept["alpha"] = alpha
    losses = GeneratorLosses(
        judges, recipe, config, alpha, keep=generator_first, scale=stage.engine.loss_scale, mean=stage.engine.mean
    )
    reached = tuple(phase.name for phase in judging) if generator_first else ()
    tuning = Phase[TuningPass]("generator", "loss", *answering, losses, reached)
    phases = [tuning, *judging] if generator_first else [*judging, tuning]
    way = partial(towards_references, discriminators=discriminators, form=config.form)
    beside = ", the discriminators having learnt nothing yet"
    push = Push("the adversarial gradient", way, beside)
    return stage.carry_out(forward, phases, report, discriminators, push)


def _without_discriminators(
    stage: Stage,
    answering: tuple[nn.Module, Optimizer, LRScheduler],
    forward: Callable[[Sample], TuningPass],
    config: TuneConfig,
    references: References | None,
    report: Callable[[Record], None],
) -> TrainingResult:
    """Stage 2 where they say nothing: L_SUP, also on unlabelled pairs that are given labels, and regularisers."""
    device, judge, labels, push = stage.engine.device, None, None, None
    if config.labelling == "votes":
        judge = fresh_judge(config.seed).to(device)
        stage.engine.kept["judge"] = judge
    stage.decided["discriminator"] = None if judge is None else "pair"
    if config.labelling is not None:
        labels = Labels(config.labelling, judge)
        push = Push(f"the labels of adversarial={config.labelling!r}", partial(towards_labels, labels=labels))
    no_alpha = AdversarialWeight(0.0, config.adversarial_share, device)
    losses = GeneratorLosses({}, RECIPES[config.recipe], config, no_alpha, scale=stage.engine.loss_scale, labels=labels)
    phases = [Phase[TuningPass]("generator", "loss", *answering, losses)]
    if judge is None or references is None:
        return stage.carry_out(forward, phases, report, {}, push)
    prepare = partial(teach, judge, references.clear, config, device)
    return stage.carry_out(forward, phases, report, {}, push, prepare)


def _refuse_what_cannot_be_labelled(
    config: TuneConfig, unlabelled: UnlabelledPairs | None, discriminator: Callable[[], nn.Module] | None
) -> None:
    asked = f"adversarial={config.adversarial!r}"
    if unlabelled is None:
        raise RequestError(f"{asked} labels pairs without masks, and there are none; give some (--unlabelled DIR)")
    if discriminator is not None:
        raise RequestError(f"discriminator: got a callable, but {asked} has no adversarial loss; leave one of them out")
