"""`bridgetune finetune`: stage 2, BridgeTune, the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from bridgetune.cli import options
from bridgetune.cli.training import carry_out, duration, number, open_pairs, open_validation
from bridgetune.config import AUGMENTATIONS, RECIPES, TuneConfig
from bridgetune.documents import checked


def finetune(
    out: options.Out,
    clear: Annotated[Path, typer.Option(metavar="DIR", help="Completely clear reference images.")],
    blurred: Annotated[Path, typer.Option(metavar="DIR", help="Completely blurred reference images.")],
    generator: options.GeneratorName = "bridgemff",
    weights: options.Weights = None,
    symmetric: options.Symmetric = None,
    mirrored: options.Mirrored = None,
    option: options.NetworkOptions = None,
    images: options.Images = None,
    masks: options.Masks = None,
    pairs: options.Pairs = None,
    val_images: options.ValidationImages = None,
    val_masks: options.ValidationMasks = None,
    unlabelled: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pairs without masks, A/ and B/: beside the others or alone.")
    ] = None,
    alpha: Annotated[str, typer.Option(metavar="FLOAT|auto", help="Weight of the adversarial loss, Eq. 12.")] = "1e-4",
    adversarial_share: Annotated[
        float, typer.Option(help="With --alpha auto: its gradient at the map, relative to the supervised one.")
    ] = 0.1,
    adversarial: Annotated[
        Literal["non-saturating", "saturating"], typer.Option(help="As in Algorithm 1, or as in Eq. 7.")
    ] = "non-saturating",
    discriminator: Annotated[
        Literal["auto", "twin", "patch"],
        typer.Option(help="twin: the generator's architecture; patch: the fallback; auto: the twin if any."),
    ] = "auto",
    unlabelled_share: Annotated[float, typer.Option(help="Of a batch, where there are masks, too.")] = 0.5,
    swap_weight: Annotated[
        float, typer.Option(help="On unlabelled pairs: the map does not depend on their order.")
    ] = 1.0,
    binary_weight: Annotated[float, typer.Option(help="On unlabelled pairs: the map is 0 or 1.")] = 0.1,
    variation_weight: Annotated[float, typer.Option(help="On unlabelled pairs: the map has few edges.")] = 0.1,
    epochs: options.EpochCount = None,
    steps: options.StepCount = None,
    batch: options.Batch = 16,
    size: options.Size = 256,
    fit: options.Fit = "resize",
    augment: options.Augment = "none",
    learning_rate: options.LearningRate = 6e-4,
    recipe: options.RecipeName = "paper",
    seed: options.Seed = 0,
    precision: options.Precision = "no",
    device: options.Device = "auto",
    workers: options.Workers = 1,
    cache: options.Cache = 2048,
    micro_batch: options.MicroBatch = 0,
    checkpoint_activations: options.CheckpointActivations = False,
    compile: options.Compile = False,
    average: options.Average = 0.0,
    patience: options.Patience = 0,
    tensorboard: options.TensorBoard = False,
    validate_every: options.ValidateEvery = 200,
    checkpoint_every: options.CheckpointEvery = 100,
    resume: options.Resume = False,
    as_json: options.Json = False,
) -> None:
    """Fine-tune a trained generator with BridgeTune (stage 2): dual adversarial learning."""
    config = checked(
        TuneConfig,
        **duration(epochs, steps),
        alpha=alpha if alpha == "auto" else number("--alpha", alpha),
        adversarial_share=adversarial_share,
        adversarial=adversarial,
        discriminator=discriminator,
        unlabelled_share=unlabelled_share,
        swap_weight=swap_weight,
        binary_weight=binary_weight,
        variation_weight=variation_weight,
        batch=batch,
        size=size,
        fit=fit,
        augmentation=augment,
        learning_rate=learning_rate,
        recipe=recipe,
        seed=seed,
        precision=precision,
        device=device,
        workers=workers,
        micro_batch=micro_batch,
        checkpoint_activations=checkpoint_activations,
        compile=compile,
        average=average,
        patience=patience,
        tensorboard=tensorboard,
        validate_every=validate_every,
        checkpoint_every=checkpoint_every,
    )
    from bridgetune.data import PixelCache, References, UnlabelledPairs
    from bridgetune.opening import open_generator
    from bridgetune.runs.directory import RunDirectory
    from bridgetune.training import finetune as train

    RunDirectory(out).check(resume)
    kept = PixelCache(cache)
    network = open_generator(generator, weights or "shipped", symmetric, mirrored, options.network_options(option))
    flips = RECIPES[recipe].flips
    references = References.from_folders(clear, blurred, size=config.size, fit=config.fit, flips=flips, cache=kept)
    source = None
    if unlabelled is None or images or masks or pairs:
        source = open_pairs(images, masks, pairs, config, kept, flips, AUGMENTATIONS[augment])
    new = unlabelled and UnlabelledPairs(unlabelled, size=config.size, fit=config.fit, flips=flips, cache=kept)
    held_out = open_validation(val_images, val_masks, config, kept)
    carry_out(
        "finetune",
        lambda report: train(
            network,
            source,
            references,
            config,
            unlabelled=new or None,
            validation=held_out,
            run_dir=out,
            resume=resume,
            report=report,
        ),
        as_json,
    )
