"""What a stage trains on, and what of it is held out to validate on."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bridgetune.config import RECIPES, TrainConfig, TuneConfig
from bridgetune.data import PairSource, References, UnlabelledPairs, split
from bridgetune.errors import RequestError
from bridgetune.runs.directory import Record
from bridgetune.training.samples import TrainingSamples

logger = logging.getLogger("bridgetune")


@dataclass(frozen=True)
class StageData:
    """Pairs and references as a run uses them.

    Attributes:
        pairs: With maps, to train on.
        held_out: With maps, to validate on.
        unlabelled: Without maps, to train on.
        references: Of stage 2.
        told: What `config.json` says of the pairs as they were given: `source` and `unlabelled`.
    """

    pairs: PairSource | None
    held_out: PairSource | None
    unlabelled: UnlabelledPairs | None
    references: References | None
    told: dict[str, str]

    @classmethod
    def of(
        cls,
        pairs: PairSource | None,
        validation: PairSource | None,
        unlabelled: UnlabelledPairs | None,
        references: References | None,
        config: TrainConfig,
    ) -> StageData:
        """From what `pretrain` and `finetune` are given; without `validation` a share of `pairs` is held out."""
        given = {"source": pairs, "unlabelled": unlabelled}
        told = {name: described(source) for name, source in given.items() if source is not None}
        if pairs is not None and validation is None and config.validation_share > 0 and len(pairs) > 1:
            pairs, validation = split(pairs, config.validation_share, seed=config.seed, most=config.validation_most)
        return cls(pairs, validation, unlabelled, references, told)

    @property
    def sources(self) -> list[PairSource | UnlabelledPairs]:
        """What is trained on: one kind of pairs, or both."""
        return [source for source in (self.pairs, self.unlabelled) if source is not None]

    def samples(self, config: TrainConfig) -> TrainingSamples:
        """See there."""
        return TrainingSamples(
            self.pairs,
            config.seed,
            self.references,
            RECIPES[config.recipe].reference_draws,
            unlabelled=self.unlabelled,
            unlabelled_share=config.unlabelled_share if isinstance(config, TuneConfig) else 0.5,
        )

    def side(self) -> int:
        """Of the square training images, which must be of one size; exchanged references are warned of.

        Raises:
            RequestError: The images have different sizes.
        """
        rng = np.random.default_rng(0)
        sizes: dict[str, tuple[int, ...]] = {}
        if self.pairs is not None:
            sizes["pairs"] = tuple(self.pairs.sample(0, rng).first.shape[1:])
        if self.unlabelled is not None:
            sizes["unlabelled pairs"] = tuple(self.unlabelled.sample(0, rng).first.shape[1:])
        if self.references is not None:
            sizes |= _reference_sizes(self.references, rng)
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"{name} {'×'.join(map(str, size))}" for name, size in sizes.items())
            raise RequestError(f"training images must have one size: got {said}; give all of them the same size=")
        return next(iter(sizes.values()))[0]

    def decided(self) -> Record:
        """What `config.json` says of the pairs."""
        return {"training": len(self.pairs or ()), "validation": len(self.held_out or ()), **self.told}


def _reference_sizes(references: References, rng: np.random.Generator) -> dict[str, tuple[int, ...]]:
    clear, blurred = (
        torch.stack([pool.sample(rng) for _ in range(8)]) for pool in (references.clear, references.blurred)
    )
    if _roughness(clear) < _roughness(blurred):
        logger.warning("the clear references are smoother than the blurred ones; are the two exchanged?")
    return {"clear references": tuple(clear.shape[2:]), "blurred references": tuple(blurred.shape[2:])}


def _roughness(images: Tensor) -> float:
    return float(images.diff(dim=-1).abs().mean())


def described(source: object) -> str:
    """What `config.json` says of a source: its repr, or its class where that would be an address in memory."""
    return type(source).__name__ if type(source).__repr__ is object.__repr__ else repr(source)
