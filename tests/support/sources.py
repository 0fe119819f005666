"""Pairs of pictures in a folder, as a data set has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bridgetune.pictures import write_image


def noise_in(folder: Path, count: int, height: int, width: int) -> Path:
    """Write pairs of noise, `A/0.png` and `B/0.png` and so on; the folder."""
    for number in range(count):
        for place, side in enumerate("AB"):
            noise = np.random.default_rng(2 * number + place).integers(0, 256, (height, width, 3), np.uint8)
            write_image(folder / side / f"{number}.png", noise)
    return folder
