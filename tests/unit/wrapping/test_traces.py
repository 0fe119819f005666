"""What a network keeps when it is called is put back, or left without a graph."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from bridgetune.wrapping.traces import attributes_kept, copied, without_leftovers


class Keeps(nn.Module):
    """Keeps what it sees in every way that there is."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 1, 1)
        self.seen: list[Tensor] = []
        self.named: dict[str, list[Tensor]] = {"maps": []}
        self.sizes: set[int] = set()
        self.last: Tensor | None = None

    def forward(self, image: Tensor) -> Tensor:
        map_ = self.layer(image)
        self.attention, self.last = map_, map_
        self.seen.append(map_)
        self.named["maps"].append(map_)
        self.sizes.add(image.shape[-1])
        self.built = nn.Conv2d(1, 1, 1)
        return map_


@pytest.mark.parametrize("fails", [False, True])
def test_attributes_lists_and_layers_are_as_they_were(fails: bool):
    network = nn.Sequential(Keeps(), nn.Identity())
    before, layers = dict(vars(network[0])), list(network.modules())
    try:
        with attributes_kept(network):
            network(torch.rand(1, 3, 4, 4))
            assert hasattr(network[0], "attention")
            if fails:
                raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert vars(network[0]) == before
    assert network[0].seen == []
    assert network[0].named == {"maps": []}
    assert network[0].sizes == set()
    assert list(network.modules()) == layers
    copy.deepcopy(network)


def test_after_training_what_is_new_is_gone_and_what_was_there_has_no_graph():
    network = Keeps()
    with without_leftovers(network):
        map_ = network(torch.rand(1, 3, 4, 4))
    assert not hasattr(network, "attention")
    assert torch.equal(network.last, map_)
    assert network.last.grad_fn is None


def test_what_holds_a_graph_is_copied_without_one():
    network = Keeps()
    network(torch.rand(1, 3, 4, 4))
    with pytest.raises(RuntimeError, match="deepcopy"):
        copy.deepcopy(network)
    fresh = copied(network)
    assert torch.equal(fresh.attention, network.attention)
    assert fresh.attention.grad_fn is None
    assert network.attention.grad_fn is not None
    assert fresh.layer.weight is not network.layer.weight
    assert fresh.attention is fresh.seen[0], "what was one tensor is one"
