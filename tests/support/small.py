"""Small pictures and a small network, so that whole runs take seconds."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bridgetune import Adapter, AdapterConfig, wrap
from bridgetune.data import References, SyntheticPairs, gaussian_blur, to_pixels, write_image

SIDE = 32


class Folders(NamedTuple):
    """Photographs and masks of one stem each, and references."""

    images: Path
    masks: Path
    clear: Path
    blurred: Path


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """Twelve noisy pictures of 40×48 with half-plane masks; six references of either kind."""
    root, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    found = Folders(*(root / name for name in Folders._fields))
    for number in range(12):
        picture = torch.from_numpy(rng.random((3, 40, 48), dtype=np.float32))
        inside = np.zeros((40, 48), dtype=np.uint8)
        inside[:, : int(rng.integers(12, 36))] = 255
        write_image(found.images / f"{number}.png", to_pixels(picture))
        write_image(found.masks / f"{number}.png", inside)
        if number < 6:
            write_image(found.clear / f"{number}.png", to_pixels(picture))
            write_image(found.blurred / f"{number}.png", to_pixels(gaussian_blur(picture, 15)))
    return found


@pytest.fixture
def pairs(folders: Folders) -> SyntheticPairs:
    return SyntheticPairs(folders.images, folders.masks, size=SIDE, fit="crop")


@pytest.fixture
def references(folders: Folders) -> References:
    return References.from_folders(folders.clear, folders.blurred, size=SIDE, fit="crop")


class Sharpness(nn.Module):
    """A network of 1 K parameters that can tell sharp from blurred; dropout, so that random state matters."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(6, 8, 3, padding=1),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 1, 1),
        )

    def forward(self, stacked: Tensor) -> Tensor:
        return self.layers(stacked)


def sharpness() -> Adapter:
    """A fresh small generator, the same each time."""
    torch.manual_seed(0)
    return wrap(Sharpness(), AdapterConfig(call="concat", value_range=(-1, 1)))


@pytest.fixture
def generator() -> Adapter:
    return sharpness()
