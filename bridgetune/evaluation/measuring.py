"""The scores of one image, and the fused image and the map that they were measured on, where they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bridgetune.data import Picture, read_image, read_mask
from bridgetune.evaluation.dataset import ImageFiles
from bridgetune.inference import Fusion, Undecided, fuse_pictures
from bridgetune.inference.feathering import Blend
from bridgetune.inference.fusing import FuseRecipe
from bridgetune.inference.smoothing import Smoothing
from bridgetune.metrics import HOMOGENEOUS, METRICS, Convention, ScoredDecision, ScoredMap, SourcePair
from bridgetune.metrics.registry import KINDS, Kind
from bridgetune.protocol import Evaluator
from bridgetune.synthesis import fuse
from bridgetune.wrapping import Adapter

Scores = dict[str, float]
"""Metric -> what was measured."""

KEPT = ("fused", "maps")
"""The folders of what is kept: fused images and decision maps."""


@dataclass(frozen=True)
class Method:
    """What is measured, and how; an image's files say whether its results are read or made.

    Attributes:
        generator: What fuses, a generator in eval mode or an evaluator; None where saved results are read.
        recipe: How it fuses, see `FUSE_RECIPES`.
        convention: See `Convention`.
        undecided: What becomes of pixels that the generator does not know, see `Undecided`.
        keep: Where a generator's fused images and maps are kept, see `kept_files`; None keeps none.
        smooth: What is done to its maps, see `Smoothing`.
        blend: What becomes of its seams, see `Blend`.
    """

    generator: nn.Module | Evaluator | None = None
    recipe: FuseRecipe = "paper"
    convention: Convention = "toolbox"
    undecided: Undecided = "settle"
    keep: Path | None = None
    smooth: Sequence[Smoothing] = ()
    blend: Blend = "none"

    @property
    def symmetric(self) -> bool:
        """Whether the generator's maps only turn round when the sources change places."""
        return not self.smooth and isinstance(self.generator, Adapter) and self.generator.config.symmetric

    @property
    def has_map(self) -> bool:
        """Whether a decision map stands behind its results."""
        return isinstance(self.generator, nn.Module)


def metrics_of(files: ImageFiles, has_map: bool) -> list[str]:
    """The names of the scores that an image's files allow, kind by kind, in the registry's order."""
    allowed: dict[Kind, bool] = {
        "fusion": True,
        "map": has_map and files.mask is not None,
        "decision": has_map,
        "consistency": has_map,
        "reference": files.clear is not None,
    }
    return [name for kind in KINDS if allowed[kind] for name, metric in METRICS.items() if metric.kind == kind]


def kept_files(keep: Path, stem: str) -> tuple[Path, Path]:
    """Where an image's fused image and its map are kept: `keep`/fused/STEM.png and `keep`/maps/STEM.png."""
    fused, decision = (keep / folder / f"{stem}.png" for folder in KEPT)
    return fused, decision


def measure(files: ImageFiles, method: Method) -> Scores:
    """Every score of `metrics_of`; NaN where it is not defined, in a region that is empty, say.

    The fusion metrics see the files' 8-bit levels exactly; 16-bit files are scaled to 8 bits. A symmetric generator is
    asked once: the map of the other order is the same, turned round.

    Raises:
        RequestError: A file is damaged behind its header.
        WorkError: What is to be kept cannot be written.
    """
    first, second = read_image(files.first), read_image(files.second)
    clear = _batch(read_image(files.clear)) if files.clear is not None else None
    given: dict[Kind, tuple[Any, ...]] = {}
    sources = SourcePair(_batch(first), _batch(second))
    if method.generator is None:
        assert files.fused is not None
        fused = _batch(read_image(files.fused))
        images = sources.scored(fused, method.convention)
    else:
        fusion = _fused(method, first, second)
        if method.keep is not None:
            fusion.save(*kept_files(method.keep, files.stem))
        fused = _planes(torch.tensor(fusion.pixels))
        images = sources.scored(fused, method.convention)
        if isinstance(method.generator, nn.Module):
            assert fusion.undecided is not None
            decision = _map(fusion)
            given["decision"] = (ScoredDecision(images, decision, fusion.undecided),)
            given["consistency"] = decision, _swapped(decision, first, second, method)
            if files.mask is not None:
                truth = read_mask(files.mask)[None]
                given["map"] = (ScoredMap(decision, truth, _homogeneous(files, first, second, truth)),)

    given["fusion"] = (images,)
    given["reference"] = fused, clear
    return {
        name: float(METRICS[name].computed(*given[METRICS[name].kind])) for name in metrics_of(files, method.has_map)
    }


def _swapped(decision: Tensor, first: Picture, second: Picture, method: Method) -> Tensor:
    """The map of (second, first), (1, 1, H, W)."""
    if method.symmetric:
        return 1 - decision
    assert method.generator is not None
    return _map(_fused(method, second, first))


def _fused(method: Method, first: Picture, second: Picture) -> Fusion:
    assert method.generator is not None
    return fuse_pictures(
        *(method.generator, first, second, method.recipe, method.undecided, "keep"),
        smooth=method.smooth,
        blend=method.blend,
    )


def _map(fusion: Fusion) -> Tensor:
    """A generator's decision, (1, 1, H, W)."""
    assert fusion.decision is not None
    return torch.from_numpy(fusion.decision)[None, None]


def _homogeneous(files: ImageFiles, first: Picture, second: Picture, truth: Tensor) -> Tensor:
    if files.clear is not None:
        return HOMOGENEOUS.of(read_image(files.clear).tensor()[None])
    return HOMOGENEOUS.of(fuse(first.tensor()[None], second.tensor()[None], truth))


def _batch(picture: Picture) -> Tensor:
    """(1, 1 or 3, H, W) in the file's own levels."""
    return _planes(torch.tensor(picture.pixels[..., :1] if picture.gray else picture.pixels))


def _planes(pixels: Tensor) -> Tensor:
    """(H, W) or (H, W, C) -> (1, C, H, W)."""
    return pixels[None, None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)[None]
