"""The scores of one image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from bridgetune.data import Picture, read_image, read_mask
from bridgetune.evaluation.dataset import ImageFiles
from bridgetune.inference import Fusion, Undecided, fuse_pictures
from bridgetune.inference.fusing import FuseRecipe
from bridgetune.metrics import HOMOGENEOUS, METRICS, Convention, ScoredMap, SourcePair
from bridgetune.metrics.registry import KINDS, Kind
from bridgetune.protocol import Evaluator
from bridgetune.synthesis import fuse


@dataclass(frozen=True)
class Method:
    """What is measured, and how; an image's files say whether its results are read or made.

    Attributes:
        generator: What fuses, a generator in eval mode or an evaluator; None where saved results are read.
        recipe: How it fuses, see `FUSE_RECIPES`.
        convention: See `Convention`.
        undecided: What becomes of pixels that the generator does not know, see `Undecided`.
    """

    generator: nn.Module | Evaluator | None = None
    recipe: FuseRecipe = "paper"
    convention: Convention = "toolbox"
    undecided: Undecided = "settle"

    @property
    def has_map(self) -> bool:
        """Whether a decision map stands behind its results."""
        return isinstance(self.generator, nn.Module)


def metrics_of(files: ImageFiles, has_map: bool) -> list[str]:
    """The names of the scores that an image's files allow, kind by kind, in the registry's order."""
    allowed: dict[Kind, bool] = {
        "fusion": True,
        "map": has_map and files.mask is not None,
        "consistency": has_map,
        "reference": files.clear is not None,
    }
    return [name for kind in KINDS if allowed[kind] for name, metric in METRICS.items() if metric.kind == kind]


def measure(files: ImageFiles, method: Method) -> dict[str, float | None]:
    """Every score of `metrics_of`, None where it is not defined: in a region that is empty, say.

    The fusion metrics see the files' 8-bit levels exactly; 16-bit files are scaled to 8 bits.

    Raises:
        RequestError: A file is damaged behind its header.
    """
    first, second = read_image(files.first), read_image(files.second)
    clear = _batch(read_image(files.clear)) if files.clear is not None else None
    given: dict[Kind, tuple[Any, ...]] = {}
    if method.generator is None:
        assert files.fused is not None
        fused = _batch(read_image(files.fused))
    else:
        fusion = fuse_pictures(method.generator, first, second, method.recipe, method.undecided)
        fused = _planes(torch.tensor(fusion.pixels))
        if isinstance(method.generator, nn.Module):
            decision = _map(fusion)
            swapped = fuse_pictures(method.generator, second, first, method.recipe, method.undecided)
            given["consistency"] = decision, _map(swapped)
            if files.mask is not None:
                truth = read_mask(files.mask)[None]
                given["map"] = (ScoredMap(decision, truth, _homogeneous(files, first, second, truth)),)

    given["fusion"] = (SourcePair(_batch(first), _batch(second)).scored(fused, method.convention),)
    given["reference"] = fused, clear
    scores = {
        name: float(METRICS[name].computed(*given[METRICS[name].kind])) for name in metrics_of(files, method.has_map)
    }
    return {name: score if math.isfinite(score) else None for name, score in scores.items()}


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
