"""The training of the judge of pairs: clear references against copies of them that are blurred whole."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import softplus
from torch.optim import Adam

from bridgetune.config import AUGMENTATIONS, TuneConfig
from bridgetune.data import Pair, ReferenceSource
from bridgetune.data.effects import draw_chance
from bridgetune.data.pairs import composed
from bridgetune.discriminators import PairJudge
from bridgetune.training.samples import JUDGED

PAIRS = 8
"""In a step."""

SIDE = 96
"""Of the window of a pair that is judged, at most, in pixels; what is blurred is the whole."""

LEARNING_RATE = 1e-3


def fresh_judge(seed: int) -> PairJudge:
    """One that has learnt nothing yet, frozen; random numbers of others are as they were."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return PairJudge().requires_grad_(False)


def teach(judge: PairJudge, clear: ReferenceSource, config: TuneConfig, device: torch.device) -> None:
    """Train the judge for `judge_steps`, and freeze it again.

    Args:
        judge: On `device`.
        clear: Completely clear images. Their copies are blurred, exposed, noisy and stored as the run's pairs are.
        config: Of the run: blurs and augmentation, steps, seed.
        device: Where it is trained.
    """
    judge.requires_grad_(True)
    optimizer = Adam(judge.parameters(), lr=LEARNING_RATE)
    with torch.enable_grad():
        for step in range(config.judge_steps):
            first, second, sharp = judged_pairs(clear, config, step, device)
            loss = softplus((1 - 2 * sharp) * judge(first, second)).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    judge.requires_grad_(False)


def judged_pairs(clear: ReferenceSource, config: TuneConfig, step: int, device: torch.device) -> Pair:
    """What the judge sees in a step, a function of the seed and the step alone: (B, …) with masks of 1 where the first
    image is the sharp one, 0 where the second is."""
    rng = np.random.default_rng((config.seed, JUDGED, step))
    images = torch.stack([clear.sample(rng) for _ in range(PAIRS)])
    height, width = images.shape[2:]
    augmentation = AUGMENTATIONS[config.augmentation]
    chances = [draw_chance(augmentation, config.kernel_sizes, (height, width), rng) for _ in range(PAIRS)]
    tall, wide = min(SIDE, height), min(SIDE, width)
    top, left = int(rng.integers(height - tall + 1)), int(rng.integers(width - wide + 1))
    pairs = composed(images.to(device), torch.ones_like(images[:, :1], device=device), chances)
    return Pair(*(part[..., top : top + tall, left : left + wide] for part in pairs))
