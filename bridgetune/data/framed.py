"""Scenes of several files each, pictures and masks: matched, checked, decoded once, and framed anew at every draw."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.data.cache import PixelCache
from bridgetune.data.folders import Verify, collect
from bridgetune.data.framing import Framing
from bridgetune.pictures.images import read_image, read_mask_pixels


class FramedScenes:
    """The usable scenes of some folders.

    Args:
        images, masks, verify: See `collect`.
        framing: How a scene comes to the size that is trained on.
        cache: Where decoded pixels are kept; None for one of its own.

    Attributes:
        files: The paths of each scene, images first.
        stems: The name of each scene.
        skipped: The files left out.

    Raises:
        RequestError: A missing folder, or nothing usable.
    """

    def __init__(
        self,
        images: Sequence[Path],
        masks: Sequence[Path],
        framing: Framing,
        verify: Verify,
        cache: PixelCache | None,
    ) -> None:
        self._masks = len(masks)
        self._framing = framing
        self._cache = PixelCache() if cache is None else cache
        self.files, self.skipped = collect(images, masks, verify=verify, keep=self._keep)
        self.stems = [files[0].stem for files in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def draw(self, index: int, rng: np.random.Generator) -> list[NDArray[Any]]:
        """The framed pixels of scene `index`: (H, W, 3) for images, (H, W) bool for masks. Nobody may write to them."""
        files = self.files[index]
        return self._framing.drawn(self._cache.get((files, self._framing), lambda: self._read(files)), rng)

    def _read(self, files: tuple[Path, ...]) -> list[NDArray[Any]]:
        images = files[: len(files) - self._masks]
        masks = files[len(images) :]
        return self._framing.scaled([*(read_image(path).pixels for path in images), *map(read_mask_pixels, masks)])

    def _keep(self, files: tuple[Path, ...], layers: list[NDArray[Any]]) -> None:
        if not self._cache.full:
            self._cache.get((files, self._framing), lambda: self._framing.scaled(layers))
