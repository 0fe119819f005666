"""Less memory, the same gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import bridgetune
from bridgetune.training.memory import blocks, in_parts, recomputed


class Noisy(nn.Module):
    """Blocks with dropout, so that the random numbers of a second pass matter; norms of each row by itself."""

    def __init__(self, widths: tuple[int, ...] = (4, 8, 8)) -> None:
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(inside, outside, 3, padding=1), nn.GroupNorm(2, outside), nn.GELU(), nn.Dropout(0.2)
            )
            for inside, outside in zip((3, *widths), widths, strict=False)
        )
        self.calls = 0

    def forward(self, x: Tensor) -> list[Tensor]:
        self.calls += 1
        for stage in self.stages:
            x = stage(x)
        return [x, x.mean((2, 3))]


def gradients(network: Noisy, images: Tensor, part: int) -> list[Tensor]:
    torch.manual_seed(7)
    answers = in_parts(network, part, images)
    loss = sum(
        (answer * torch.linspace(0, 1, answer.numel(), dtype=answer.dtype).view_as(answer)).sum() for answer in answers
    )
    return list(torch.autograd.grad(loss, [images, *network.parameters()]))


@pytest.mark.parametrize("part", [1, 2, 3, 5])
def test_parts_give_the_gradients_of_the_whole(part: int):
    torch.manual_seed(0)
    network = Noisy().double().train()
    images = torch.rand(5, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    for stage in network.stages:
        stage[-1].p = 0.0
    whole, parts = gradients(network, images, 0), gradients(network, images, part)
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


def test_a_part_is_computed_again_with_the_same_random_numbers():
    torch.manual_seed(0)
    network, images = Noisy().train(), torch.rand(4, 3, 8, 8, requires_grad=True)
    torch.manual_seed(7)
    kept = torch.cat([network(part)[0] for part in images.split(2)])
    (expected,) = torch.autograd.grad(kept.sum(), images)
    torch.manual_seed(7)
    (found,) = torch.autograd.grad(in_parts(network, 2, images)[0].sum(), images)
    torch.testing.assert_close(found, expected)


def test_without_gradients_nothing_is_computed_twice():
    network = Noisy()
    with torch.no_grad():
        in_parts(network, 2, torch.rand(4, 3, 8, 8))
    assert network.calls == 2


def test_recomputed_blocks_give_the_same_gradients_and_leave_no_trace():
    torch.manual_seed(0)
    network, images = Noisy().train(), torch.rand(4, 3, 8, 8, requires_grad=True)
    plain = gradients(network, images, 0)
    before = {name: set(vars(module)) for name, module in network.named_modules()}
    with recomputed(network):
        again = gradients(network, images, 0)
    assert {name: set(vars(module)) for name, module in network.named_modules()} == before
    for one, other in zip(plain, again, strict=True):
        assert torch.equal(one, other)


def test_recomputing_keeps_less():
    def kept(network: nn.Module) -> int:
        saved: dict[int, int] = {}

        def note(tensor: Tensor) -> Tensor:
            saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            answer = network(images)
        del answer
        return sum(saved.values())

    network, images = Noisy((16, 16, 16, 16)).train(), torch.rand(4, 3, 32, 32)
    whole = kept(network)
    with recomputed(network):
        assert kept(network) < whole / 2


@pytest.mark.parametrize("name", ["bridgemff", "msfin", "drpl"])
def test_the_blocks_of_a_network_hold_nearly_all_of_its_parameters_once(name: str):
    network = bridgetune.create(name, weights=None).unwrap()
    found = blocks(network)
    assert len(found) > 1
    held = [id(parameter) for block in found for parameter in block.parameters()]
    assert len(held) == len(set(held))
    assert len(held) > 0.8 * len(list(network.parameters()))


def test_a_network_of_layers_alone_is_one_block():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 1, 1))
    assert blocks(network) == [network]
    assert blocks(nn.ReLU()) == []
