"""The pictures of a sweep: training pairs, references, and the datasets that are evaluated on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bridgetune.config import AUGMENTATIONS, NO_AUGMENTATION, RECIPES, Augmentation, TrainConfig
from bridgetune.data import (
    FolderPairs,
    PairSource,
    PixelCache,
    References,
    SyntheticPairs,
    all_in_focus,
    to_pixels,
    write_image,
)
from bridgetune.demo.photographs import HeldOut, references, training_pairs
from bridgetune.sweeps.settings import Data, Dataset

_DEMO_DRAWS = 256
"""Pairs that count as one epoch."""


class TrainingData:
    """What is trained on. A folder is opened once for all runs: every picture in it is read then.

    Args:
        data: As the sweep has it.
    """

    def __init__(self, data: Data) -> None:
        self._data = data
        self._opened: dict[tuple[object, ...], Any] = {}
        self._cache = PixelCache()

    def pairs(self, config: TrainConfig) -> PairSource:
        """The training pairs, as a stage wants them.

        Raises:
            RequestError: A missing folder, or nothing usable in it.
        """
        data, flips = self._data, RECIPES[config.recipe].flips
        source: PairSource
        if data.demo:
            source = self._once(training_pairs, config.size, _DEMO_DRAWS, config.kernel_sizes)
        elif data.pairs is not None:
            source = self._kept(FolderPairs, data.pairs, config.size, config.fit, flips)
        else:
            source = self._synthetic(data.images, data.masks, config, flips, AUGMENTATIONS[config.augmentation])
        return source

    def held_out(self, config: TrainConfig) -> PairSource | None:
        """The held-out pairs, where the sweep names some.

        Raises:
            RequestError: See `pairs`.
        """
        data = self._data
        if data.val_images is None:
            return None
        return self._synthetic(data.val_images, data.val_masks, config, False, NO_AUGMENTATION)

    def references(self, config: TrainConfig) -> References | None:
        """The references of stage 2; None where the sweep names none.

        Raises:
            RequestError: See `pairs`.
        """
        data, flips = self._data, RECIPES[config.recipe].flips
        pools: References | None = None
        if data.demo:
            pools = self._once(references, config.size)
        elif data.clear is not None:
            pools = self._kept(References.from_folders, data.clear, data.blurred, config.size, config.fit, flips)
        return pools

    def _synthetic(
        self, images: Path | None, masks: Path | None, config: TrainConfig, flips: bool, augmentation: Augmentation
    ) -> PairSource:
        source: PairSource = self._kept(
            SyntheticPairs, images, masks, config.size, config.fit, flips, config.kernel_sizes, augmentation
        )
        return source

    def _kept(self, make: Callable[..., Any], *arguments: object) -> Any:
        """What is read from files, whose pixels all share one cache."""
        return self._once(make, *arguments, cache=self._cache)

    def _once(self, make: Callable[..., Any], *arguments: object, **keywords: object) -> Any:
        key = (make, *arguments)
        if key not in self._opened:
            self._opened[key] = make(*arguments, **keywords)
        return self._opened[key]


def dataset_folder(dataset: Dataset, out: Path) -> Path:
    """The folder of a dataset; the demo's is in the sweep's folder, see `write_demo`."""
    return out / f"held-out-{dataset.longest_side}" if dataset.sources is None else dataset.sources


def write_demo(dataset: Dataset, out: Path) -> None:
    """Write the demo's held-out pairs with their maps and sharp images, whole or not at all, if they are not there."""
    folder = dataset_folder(dataset, out)
    if folder.is_dir():
        return
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        for number, pair in enumerate(HeldOut(dataset.longest_side).named.values(), 1):
            images = {"A": pair.first, "B": pair.second, "mask": pair.mask, "clear": all_in_focus(pair)}
            for kind, image in images.items():
                write_image(partial / kind / f"{number:02}.png", to_pixels(image))
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
