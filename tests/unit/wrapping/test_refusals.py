"""What is said of a network that is refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, RequestError, wrap
from bridgetune.wrapping.calls import working_calls
from tests.zoo import networks as zoo

PLAIN = AdapterConfig()


class Two(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (first - second).mean(1, keepdim=True)


class Odd(nn.Module):
    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        raise TypeError("expected a noise to begin with")


def test_what_cannot_be_called_is_answered_with_a_module_to_paste():
    with pytest.raises(RequestError, match="could not be called") as refused:
        working_calls(Odd(), PLAIN)
    assert "\n" not in str(refused.value)
    (note,) = refused.value.__notes__
    told, *lines = note.splitlines()
    assert "Odd has as forward(x, t)" in told
    assert len(lines) == 3
    pasted: dict[str, Any] = {}
    exec("import torch\n" + "\n".join(lines), pasted)
    pair = pasted["Pair"](Two())
    images = torch.rand(2, 1, 3, 8, 8)
    assert torch.equal(pair(*images), Two()(*images))
    assert [call.config.call for call in working_calls(pair, PLAIN)] == ["pair"]


class Told(nn.Module):
    """Looks its ways up where no one sees which there are."""

    def forward(self, x: Tensor, y: Tensor, stage: str) -> Tensor:
        raise KeyError(x)


def test_an_argument_that_may_be_a_word_is_pointed_out_and_no_tensor_is_printed():
    with pytest.raises(RequestError, match=r"its argument 'stage' looks like a word.*extra=\('test',\)") as refused:
        working_calls(Told(), PLAIN)
    assert "tensor([" not in str(refused.value)
    assert "KeyError: a tensor" in str(refused.value)


@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16])
def test_parameters_that_are_not_of_the_images_type_are_named(kind: torch.dtype):
    network = nn.Conv2d(6, 1, 1).to(kind)
    with pytest.raises(RequestError, match=f"parameters of {str(kind)[6:]}, expected float32.*network.float"):
        working_calls(network, PLAIN)


class Diverged(zoo.Animal):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.score(a, b) * torch.nan


class Sparse(zoo.Animal):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.score(a, b).to_sparse()


@pytest.mark.parametrize(
    ("network", "said"), [(Diverged(), r"no number \(NaN\): its training had diverged"), (Sparse(), "no decision map")]
)
def test_an_answer_that_is_no_map_at_all_is_refused_in_a_line(network: nn.Module, said: str):
    with pytest.raises(RequestError, match=said):
        wrap(network)


class MapAndMask(zoo.Animal):
    """f(a, b) -> a map, what it decides, and an inner layer that is no number."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        score = self.score(a, b)
        return score, score > 0, score * torch.nan


def test_what_stands_beside_a_map_may_be_anything():
    assert wrap(MapAndMask()).config == AdapterConfig(item=0)
