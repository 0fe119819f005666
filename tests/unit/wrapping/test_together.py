"""Networks that are shown any number of images at once."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from bridgetune import AdapterConfig, RequestError, wrap
from bridgetune.wrapping.adapter import Adapter
from bridgetune.wrapping.known_pair import blurred, texture
from bridgetune.wrapping.together import asked_together
from tests.zoo import together as zoo
from tests.zoo import unusual

SIDE = 96


def frames(count: int = 4) -> tuple[list[Tensor], Tensor]:
    """Images of one texture, each sharp in a band of rows of its own; and which one is, (SIDE, SIDE)."""
    sharp, soft = texture(SIDE), blurred(texture(SIDE))
    bands = torch.arange(count).repeat_interleave(SIDE // count)[:, None].expand(SIDE, SIDE)
    return [torch.where(bands == place, sharp, soft) for place in range(count)], bands


@pytest.mark.parametrize(
    "network", [zoo.ListOfAnyLike(), zoo.MapsOfAnyLike(), zoo.StackOfAnyLike(), zoo.FusesAnyLike(), unusual.EachLike()]
)
def test_each_image_is_the_highest_where_it_is_sharp(network: nn.Module):
    images, bands = frames()
    generator = wrap(network)
    with torch.no_grad():
        scores = asked_together(generator, [image[..., :95, :] for image in images])
    assert scores.shape == (1, 4, 95, SIDE)
    assert (scores[0].argmax(0) == bands[:95]).float().mean() > 0.85  # a measure of 15×15 pixels: not at the borders


def test_two_images_are_told_apart_as_a_pair_is():
    images, _ = frames(2)
    for network in (zoo.ListOfAnyLike(), zoo.FusesAnyLike(), unusual.EachLike()):
        generator = wrap(network)
        with torch.no_grad():
            scores, logits = asked_together(generator, images), generator(*images)
        assert torch.allclose(scores[:, :1] - scores[:, 1:], logits, atol=1e-4)


class Leaning(nn.Module):
    """What it says of an image depends on its place, and on the column."""

    def forward(self, images: list[Tensor]) -> Tensor:
        bias = torch.arange(images[0].shape[-1]) / 100
        return torch.cat([image.mean(1, keepdim=True) + place + bias for place, image in enumerate(images)], 1)


def test_order_and_mirror_images_are_asked_for_where_that_is_configured():
    config = AdapterConfig(call="list", frames="any", output="softmax", symmetric=True, mirrored=True)
    images = list(torch.rand(3, 1, 3, 6, 8))
    scores = asked_together(Adapter(Leaning(), config), images)
    again = asked_together(Adapter(Leaning(), config), [image.flip(-1) for image in images[::-1]])
    assert torch.allclose(scores, again.flip(1).flip(-1), atol=1e-6)
    plain = config.asked(False, False)
    assert not torch.allclose(scores, asked_together(Adapter(Leaning(), plain), images), atol=0.1)


def test_an_answer_that_is_not_one_for_each_image_is_refused():
    config = AdapterConfig(call="list", frames="any", output="softmax")
    with pytest.raises(RequestError, match=r"set item= and channel= of AdapterConfig"):
        asked_together(Adapter(zoo.FirstTwoLike(), config), list(torch.rand(3, 1, 3, 32, 32)))
