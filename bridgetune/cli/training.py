"""What `pretrain` and `finetune` share: reading their pairs, running, and telling how it went."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridgetune.cli.console import RESULTS, TrainingProgress, percent, print_json
from bridgetune.config import NO_AUGMENTATION, Augmentation, Epochs, Steps, TrainConfig
from bridgetune.errors import RequestError

if TYPE_CHECKING:
    from bridgetune.data import PairSource, PixelCache
    from bridgetune.training import TrainingResult

Report = Callable[[dict[str, Any]], None]


def duration(epochs: int | None, steps: int | None) -> dict[str, Epochs | Steps]:
    """`duration` of a config, where either option is given."""
    if epochs is not None and steps is not None:
        raise RequestError("--epochs and --steps: expected one of them; leave one out")
    for name, count in (("--epochs", epochs), ("--steps", steps)):
        if count is not None and count < 1:
            raise RequestError(f"{name}: got {count}, expected at least 1")
    if steps is not None:
        return {"duration": Steps(steps=steps)}
    return {"duration": Epochs(epochs=epochs)} if epochs is not None else {}


def number(option: str, given: str) -> float:
    """What an option that also takes a word was given, where it was no word."""
    try:
        return float(given)
    except ValueError:
        raise RequestError(f"{option}: got {given!r}, expected a number or auto") from None


def open_pairs(
    images: Path | None,
    masks: Path | None,
    pairs: Path | None,
    config: TrainConfig,
    cache: PixelCache,
    flips: bool,
    augmentation: Augmentation,
) -> PairSource:
    """The source that the options name."""
    from bridgetune.data import FolderPairs, SyntheticPairs

    if pairs is not None and images is None and masks is None:
        return FolderPairs(pairs, size=config.size, fit=config.fit, flips=flips, cache=cache)
    if images is not None and masks is not None and pairs is None:
        return SyntheticPairs(
            images,
            masks,
            size=config.size,
            fit=config.fit,
            flips=flips,
            kernel_sizes=config.kernel_sizes,
            augmentation=augmentation,
            cache=cache,
        )
    raise RequestError("training pairs: expected --images DIR --masks DIR, or --pairs DIR with A/, B/ and mask/")


def open_validation(
    images: Path | None, masks: Path | None, config: TrainConfig, cache: PixelCache
) -> PairSource | None:
    """The held-out source that the options name, or None."""
    if images is None and masks is None:
        return None
    if images is None or masks is None:
        raise RequestError("held-out pairs: expected both --val-images DIR and --val-masks DIR")
    return open_pairs(images, masks, None, config, cache, flips=False, augmentation=NO_AUGMENTATION)


def carry_out(stage: str, train: Callable[[Report], TrainingResult], as_json: bool) -> None:
    """Run a stage under a progress bar and print what came of it."""
    with TrainingProgress() as progress:
        result = train(progress.of(stage))
    if int(os.environ.get("RANK", "0")) > 0:
        return  # the first of several processes speaks for all
    if as_json:
        print_json(summary(result))
        return
    from bridgetune.runs.directory import RunDirectory
    from bridgetune.runs.history import History

    assert result.run_dir is not None
    early = ", stopped early (--patience), and back at the best" * result.stopped_early
    RESULTS.print(
        f"{result.steps:,} step{'s' * (result.steps != 1)}{early}; the generator is in {result.run_dir / 'generator'}",
        markup=False,
    )
    if result.validation is not None:
        before = percent(History(RunDirectory(result.run_dir)).first_map_error)
        RESULTS.print(f"held-out map error {before} → {percent(result.validation.map_error)}", markup=False)


def summary(result: TrainingResult) -> dict[str, Any]:
    """A result as a JSON document."""
    errors = result.validation
    return {
        "steps": result.steps,
        "stopped_early": result.stopped_early,
        "run": str(result.run_dir),
        "generator": str(result.run_dir / "generator") if result.run_dir else None,
        "map_error": errors.map_error if errors else None,
        "homogeneous_error": errors.homogeneous_error if errors and errors.homogeneous_pixels else None,
    }
