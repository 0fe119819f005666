"""What a network answered, as logits, and as the picture of an end-to-end network."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, RequestError, wrap
from bridgetune.wrapping.reading import read_logits, read_picture, read_scores, without_frame_axis

MAPS = torch.rand(2, 1, 4, 5), torch.rand(2, 1, 4, 5)


def test_two_outputs_are_read_as_two_channels_are():
    stacked = torch.cat(MAPS, 1)
    for output in ("complementary", "softmax"):
        of_two = AdapterConfig(item=("a", "b"), output=output)
        of_one = AdapterConfig(output=output)
        assert torch.equal(
            read_logits(dict(zip("ab", MAPS, strict=True)), of_two, of_two.item), read_logits(stacked, of_one, None)
        )


def test_what_is_said_of_each_of_several_images_is_read_from_channels_outputs_and_an_axis_of_their_own():
    said = torch.rand(2, 3, 4, 5)
    plain, of_items = AdapterConfig(output="softmax"), AdapterConfig(output="softmax", item=(1, 2))
    assert torch.equal(read_scores(said, plain, 3), said)
    assert torch.equal(read_scores(said.unsqueeze(2), plain, 3), said)
    assert torch.equal(read_scores(["a name", *said.split(1, 1)], of_items, 3), said)
    probabilities = read_scores(said, AdapterConfig(output="complementary"), 3)
    torch.testing.assert_close(probabilities.sigmoid(), said, atol=1e-5, rtol=0)
    with pytest.raises(RequestError, match="answers with 3 maps for 2 images, expected one each"):
        read_scores(said, plain, 2)


def test_an_axis_of_one_beside_that_of_the_images_is_no_channel():
    shapes = {(2, 3, 1, 4, 5): (2, 3, 4, 5), (2, 1, 3, 4, 5): (2, 3, 4, 5), (2, 3, 2, 4, 5): (2, 3, 2, 4, 5)}
    assert {shape: tuple(without_frame_axis(torch.zeros(shape)).shape) for shape in shapes} == shapes


def test_an_output_is_found_in_a_container_in_another_and_by_a_key_with_a_point():
    one, other = MAPS
    answer = (one, {"maps": [one, other], "a.b": other})
    for item, found in (("1.maps.1", other), ("1.a.b", None), (0, one), (-2, one)):
        if found is None:
            with pytest.raises(RequestError, match=r"has no item '1\.a\.b'; set item="):
                read_logits(answer, AdapterConfig(item=item), item)
        else:
            assert torch.equal(read_logits(answer, AdapterConfig(item=item), item), found)
    assert torch.equal(read_logits(answer[1], AdapterConfig(item="a.b"), "a.b"), other)


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
