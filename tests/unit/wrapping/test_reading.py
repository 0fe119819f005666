"""What a network answered, as logits, and as the picture of an end-to-end network."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, RequestError, wrap
from bridgetune.wrapping.reading import read_logits, read_picture

MAPS = torch.rand(2, 1, 4, 5), torch.rand(2, 1, 4, 5)


def test_two_outputs_are_read_as_two_channels_are():
    stacked = torch.cat(MAPS, 1)
    for output in ("complementary", "softmax"):
        of_two = AdapterConfig(item=("a", "b"), output=output)
        of_one = AdapterConfig(output=output)
        assert torch.equal(
            read_logits(dict(zip("ab", MAPS, strict=True)), of_two, of_two.item), read_logits(stacked, of_one, None)
        )


def test_a_patchs_answer_is_a_map_of_one_pixel():
    config = AdapterConfig(side=16, fit="patches", output="softmax")
    said = torch.tensor([[1.0, 3.0], [2.0, -1.0]])
    assert read_logits(said, config, None).tolist() == [[[[-2.0]]], [[[3.0]]]]


def test_a_picture_is_read_from_where_it_begins():
    answer = torch.rand(1, 4, 6, 7)
    assert torch.equal(read_picture(answer, AdapterConfig(output="fused", channel=1)), answer[:, 1:])
    with pytest.raises(RequestError, match="C >= 3"):
        read_picture(answer[:, :1], AdapterConfig(output="fused"))


class Mean(nn.Module):
    """Fuses, in the values of its input, by a share that it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.share = nn.Parameter(torch.tensor(0.75))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return self.share * first + (1 - self.share) * second


@pytest.mark.parametrize("color", ["rgb", "gray"])
def test_the_networks_own_picture_comes_in_canonical_values(color: str):
    config = AdapterConfig(output="fused", value_range=(-1, 1), mean=(0.1,), std=(0.5,), color=color, multiple=8)
    generator = wrap(Mean(), config)
    first, second = torch.rand(2, 1, 3, 9, 10)
    fused = generator.fused(first, second)
    assert fused.shape == first.shape
    if color == "rgb":
        torch.testing.assert_close(fused, 0.75 * first + 0.25 * second)
    logits = generator(first, second)
    assert (logits > 0).all(), "three quarters are the first's"
    assert torch.equal(generator.fuse(first, second), first)
    logits.sum().backward()
    assert generator.unwrap().share.grad != 0


def test_a_network_that_draws_a_map_fuses_no_picture():
    with pytest.raises(RequestError, match=r"fused: the network answers with a map \(output='logits'\)"):
        wrap(Mean(), AdapterConfig()).fused(*torch.rand(2, 1, 3, 8, 8))
