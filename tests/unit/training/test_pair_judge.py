"""The judge of pairs learns which of two images is the sharper one, and leaves no trace in the run but itself."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from bridgetune import TuneConfig
from bridgetune.data import gaussian_blur
from bridgetune.training.pair_judge import PAIRS, SIDE, fresh_judge, judged_pairs, teach
from tests.support.steps import CPU


class Noise:
    """A clear reference of noise."""

    def __init__(self, side: int = 48) -> None:
        self.side = side

    def sample(self, rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(rng.random((3, self.side, self.side), dtype=np.float32))


CONFIG = TuneConfig(adversarial="votes", judge_steps=16, augmentation="camera")


def test_a_fresh_one_is_frozen_a_function_of_the_seed_and_takes_no_random_number_of_others():
    state = torch.get_rng_state()
    one, same, other = fresh_judge(0), fresh_judge(0), fresh_judge(1)
    assert torch.equal(state, torch.get_rng_state())
    weights = [torch.cat([parameter.flatten() for parameter in judge.parameters()]) for judge in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    assert not any(parameter.requires_grad for parameter in one.parameters())


def test_what_it_sees_is_a_function_of_the_seed_and_the_step():
    one, same, other = (judged_pairs(Noise(), CONFIG, step, CPU) for step in (3, 3, 4))
    assert all(torch.equal(*both) for both in zip(one, same, strict=True))
    assert not torch.equal(one.first, other.first)
    assert one.first.shape == one.second.shape == (PAIRS, 3, 48, 48)
    assert judged_pairs(Noise(128), CONFIG, 0, CPU).first.shape == (PAIRS, 3, SIDE, SIDE)


def test_one_image_is_sharp_and_the_other_blurred_whole_in_either_order():
    first, second, sharp = judged_pairs(Noise(), CONFIG, 0, CPU)
    assert sorted(set(sharp.flatten(1).mean(1).tolist())) == [0, 1], (
        "each pair is of one kind, and both kinds are there"
    )
    rough = [images.diff(dim=-1).abs().mean((1, 2, 3)) for images in (first, second)]
    assert torch.equal(rough[0] > rough[1], sharp[:, 0, 0, 0] == 1)


def test_it_learns_which_is_the_sharper_one_and_is_frozen():
    judge = fresh_judge(0)
    state = torch.get_rng_state()
    teach(judge, Noise(), CONFIG, CPU)
    assert torch.equal(state, torch.get_rng_state())
    assert not any(parameter.requires_grad for parameter in judge.parameters())
    image = Noise().sample(np.random.default_rng(5))[None]
    blurred = gaussian_blur(image, 11)
    assert (judge(image, blurred) > 0).float().mean() > 0.99
    again = fresh_judge(0)
    teach(again, Noise(), CONFIG, CPU)
    assert torch.equal(judge(image, blurred), again(image, blurred))
