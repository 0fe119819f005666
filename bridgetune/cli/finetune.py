"""`bridgetune finetune`: stage 2, BridgeTune, the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bridgetune.cli import options
from bridgetune.cli.training import carry_out, duration, open_pairs, open_validation
from bridgetune.config import RECIPES, TuneConfig, checked


def finetune(
    out: options.Out,
    clear: Annotated[Path, typer.Option(metavar="DIR", help="Completely clear reference images.")],
    blurred: Annotated[Path, typer.Option(metavar="DIR", help="Completely blurred reference images.")],
    generator: options.GeneratorName = "bridgemff",
    weights: options.Weights = None,
    images: options.Images = None,
    masks: options.Masks = None,
    pairs: options.Pairs = None,
    val_images: options.ValidationImages = None,
    val_masks: options.ValidationMasks = None,
    alpha: Annotated[float, typer.Option(help="Weight of the adversarial loss, Eq. 12.")] = 1e-4,
    adversarial: Annotated[
        Literal["non-saturating", "saturating"], typer.Option(help="As in Algorithm 1, or as in Eq. 7.")
    ] = "non-saturating",
    discriminator: Annotated[
        Literal["auto", "twin", "patch"],
        typer.Option(help="twin: the generator's architecture; patch: the fallback; auto: the twin if any."),
    ] = "auto",
    epochs: options.EpochCount = None,
    steps: options.StepCount = None,
    batch: options.Batch = 16,
    size: options.Size = 256,
    fit: options.Fit = "resize",
    learning_rate: options.LearningRate = 6e-4,
    recipe: options.RecipeName = "paper",
    seed: options.Seed = 0,
    precision: options.Precision = "no",
    device: options.Device = "auto",
    workers: options.Workers = 1,
    validate_every: options.ValidateEvery = 200,
    checkpoint_every: options.CheckpointEvery = 100,
    resume: options.Resume = False,
    as_json: options.Json = False,
) -> None:
    """Fine-tune a trained generator with BridgeTune (stage 2): dual adversarial learning."""
    config = checked(
        TuneConfig,
        **duration(epochs, steps),
        alpha=alpha,
        adversarial=adversarial,
        discriminator=discriminator,
        batch=batch,
        size=size,
        fit=fit,
        learning_rate=learning_rate,
        recipe=recipe,
        seed=seed,
        precision=precision,
        device=device,
        workers=workers,
        validate_every=validate_every,
        checkpoint_every=checkpoint_every,
    )
    from bridgetune.data import References
    from bridgetune.pretrained import open_generator
    from bridgetune.training import finetune as train
    from bridgetune.training.run_directory import RunDirectory

    RunDirectory(out).check(resume)
    network = open_generator(generator, weights or "shipped")
    flips = RECIPES[recipe].flips
    references = References.from_folders(clear, blurred, size=config.size, fit=config.fit, flips=flips)
    source = open_pairs(images, masks, pairs, config, flips=flips)
    held_out = open_validation(val_images, val_masks, config)
    carry_out(
        "finetune",
        lambda report: train(
            network,
            source,
            references,
            config,
            validation=held_out,
            run_dir=out,
            resume=resume,
            report=report,
        ),
        as_json,
    )
