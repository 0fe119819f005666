"""`bridgetune pretrain`: stage 1."""

from __future__ import annotations

from bridgetune.cli import options
from bridgetune.cli.training import carry_out, duration, open_pairs, open_validation
from bridgetune.config import AUGMENTATIONS, RECIPES, PretrainConfig
from bridgetune.documents import checked


def pretrain(
    out: options.Out,
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
    epochs: options.EpochCount = None,
    steps: options.StepCount = None,
    batch: options.Batch = 32,
    size: options.Size = 256,
    fit: options.Fit = "resize",
    augment: options.Augment = "none",
    learning_rate: options.LearningRate = 1e-3,
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
    """Train a generator on pairs with known maps (stage 1). A NAME without --weights starts fresh."""
    config = checked(
        PretrainConfig,
        **duration(epochs, steps),
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
    import torch

    from bridgetune.data import PixelCache
    from bridgetune.opening import open_generator
    from bridgetune.runs.directory import RunDirectory
    from bridgetune.training import pretrain as train

    RunDirectory(out).check(resume)
    kept = PixelCache(cache)
    torch.manual_seed(seed)
    network = open_generator(generator, weights, symmetric, mirrored, options.network_options(option))
    source = open_pairs(images, masks, pairs, config, kept, RECIPES[recipe].flips, AUGMENTATIONS[augment])
    held_out = open_validation(val_images, val_masks, config, kept)
    carry_out(
        "pretrain",
        lambda report: train(network, source, config, validation=held_out, run_dir=out, resume=resume, report=report),
        as_json,
    )
