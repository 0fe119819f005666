"""Calling a network without a trace, and noting what it does."""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bridgetune.wrapping.observing import Observation, tensors_of, undisturbed


class Restless(nn.Module):
    """Counts its calls in a buffer, draws from everything that can be drawn from, and fails where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.norm = nn.BatchNorm2d(3)

    def forward(self, image: Tensor, failing: bool = False) -> Tensor:
        self.calls += 1
        self.train()
        answer = self.norm(image) + torch.rand(1) + random.random() + float(np.random.rand())  # noqa: NPY002
        if failing:
            raise ZeroDivisionError
        return answer


def everything(network: nn.Module) -> list[object]:
    buffers = [buffer.tolist() for buffer in network.buffers()]
    drawn = torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    return [buffers, [module.training for module in network.modules()], drawn]


def test_a_network_that_changes_itself_is_as_it_was_also_when_it_fails():
    network = Restless().eval()
    image, before = torch.rand(1, 3, 4, 4), everything(network)
    with undisturbed(network):
        network(image)
        assert everything(network) != before
    assert everything(network) == before
    with pytest.raises(ZeroDivisionError), undisturbed(network):
        network(image, failing=True)
    assert everything(network) == before


def optimising(x: Tensor) -> Tensor:
    own = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([own], lr=1.0)
    (own - x.detach().mean()).square().sum().backward()
    optimizer.step()
    return own.detach() * x


@pytest.mark.parametrize(
    ("forward", "excuse"),
    [
        (lambda x: x * 2, ""),
        (lambda x: torch.from_numpy(x.detach().numpy()), "it goes through numpy"),
        (torch.no_grad()(lambda x: x * 2), "it computes under torch.no_grad"),
        (lambda x: (x > 0.5).float(), "it decides hard (gt)"),
        (lambda x: x.argmax(1).float(), "it decides hard (argmax)"),
        (lambda x: torch.where(x.gt(0), 1.0, 0.0), "it decides hard (where)"),
        (lambda x: x.detach() * 2, "it detaches its result"),
        (optimising, "it optimises for each image (backward or an optimiser inside forward)"),
    ],
    ids=["innocent", "numpy", "no_grad", "comparison", "argmax", "the last decision", "detach", "optimiser"],
)
def test_why_no_gradient_comes_back_is_told_from_what_was_called(forward: Callable[[Tensor], Tensor], excuse: str):
    observed = Observation()
    with observed.observing():
        forward(torch.rand(1, 3, 4, 4, requires_grad=True))
    assert observed.excuse() == excuse


def test_what_is_called_outside_is_not_noted():
    observed = Observation()
    with observed.observing():
        torch.rand(2).exp()
    before = observed.operations.copy()
    torch.rand(2).argmax()
    assert "exp" in before
    assert observed.operations == before


def test_an_answers_tensors_go_by_the_item_that_names_them():
    one, other = torch.zeros(1), torch.ones(1)
    assert tensors_of(one) == {None: one}
    assert tensors_of((one, "text", other)) == {0: one, 2: other}
    assert tensors_of({"map": one, "size": 3}) == {"map": one}
    assert tensors_of("text") == {}
    assert tensors_of((one, [other, {"deep": one}])) == {0: one, "1.0": other, "1.1.deep": one}
