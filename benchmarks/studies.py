"""What studies of training share: the generator that their runs begin from, and the pairs whose labels are known."""

from __future__ import annotations

from pathlib import Path

import bridgetune
from bridgetune.config import Augmentation
from bridgetune.data import SyntheticPairs
from bridgetune.wrapping import Adapter


def opened(name: str) -> Adapter:
    """A saved generator by its folder, or a plugin's by its name."""
    return bridgetune.load(name) if Path(name).is_dir() else bridgetune.create(name)


def asked_plainly(generator: Adapter) -> Adapter:
    """The same, asked in both orders, but of no mirror image and at full size alone, as runs train it."""
    return generator.reconfigured(generator.config.asked(symmetric=True, mirrored=False, scales=(1,)))


def labelled(images: Path, masks: Path, size: int, augmentation: Augmentation) -> SyntheticPairs:
    """Crops of photographs and masks, made into pairs."""
    return SyntheticPairs(images, masks, size=size, fit="crop", augmentation=augmentation, verify="header")
