"""The two judges of BridgeTune: is this image completely clear (D_c), is it completely blurred (D_b)?"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune.wrapping import Adapter, InputDomain


class Discriminator(nn.Module):
    """A network that judges one image, behind one interface.

    Args:
        network: (B, C, H, W) in its own input domain -> (B, 1, h, w) logits, high for a reference.
        domain: Of an adapter: how an image comes into the network's input domain.
        score: `image` pools the logits to one an image (their mean), `pixel` keeps them all.
    """

    def __init__(self, network: nn.Module, domain: AdapterConfig, score: Literal["image", "pixel"] = "image") -> None:
        super().__init__()
        self.network = network
        self.domain = InputDomain(domain)
        self.score = score

    def forward(self, image: Tensor) -> Tensor:
        """Logits of `image` (B, 3, H, W) in [0, 1] being a reference: (B,) or (B, 1, h, w)."""
        logits: Tensor = self.network(self.domain(image))
        return logits.flatten(1).mean(1) if self.score == "image" else logits


class PatchNetwork(nn.Module):
    """The built-in judge for generators without a twin: a small patch classifier, 38×38 pixels a logit.

    (B, 3, H, W) in [-1, 1], sides of at least 16 -> (B, 1, H/8, W/8) logits. 0.17 M parameters.
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 128)) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in widths:
            layers += [
                nn.Conv2d(channels, width, 4, stride=2, padding=1),
                nn.GroupNorm(4, width),
                nn.LeakyReLU(0.2),
            ]
            channels = width
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.layers(image)
        return logits


PATCH_DOMAIN = AdapterConfig(value_range=(-1, 1), minimum=16)


def build_discriminator(
    generator: nn.Module, kind: Literal["auto", "twin", "patch"], score: Literal["image", "pixel"] = "image"
) -> tuple[Discriminator, str]:
    """A fresh discriminator for `generator`, and which kind it is: `twin` or `patch`.

    Args:
        generator: An adapter knows its twin; other generators have none.
        kind: `twin` insists on the generator's own architecture, `patch` on the built-in fallback,
            `auto` takes the twin where there is one.
        score: See `Discriminator`.

    Raises:
        RequestError: Where a twin is asked for and none is known, or it does not respond to its input.
    """
    if isinstance(generator, Adapter) and generator.twin is not None and kind != "patch":
        twin = Discriminator(generator.twin(), generator.config, score)
        _refuse_deaf(twin)
        return twin, "twin"
    if kind == "twin":
        raise RequestError(
            "discriminator: got 'twin', but nobody said how this generator's twin is built;"
            " use 'patch', or a plugin whose GeneratorSpec names a discriminator"
        )
    return Discriminator(PatchNetwork(), PATCH_DOMAIN, score), "patch"


@torch.no_grad()
def _refuse_deaf(discriminator: Discriminator) -> None:
    black, ramp = torch.zeros(1, 3, 64, 64), torch.linspace(0, 1, 64).expand(1, 3, 64, 64)
    was_training = discriminator.training
    scores = [discriminator.eval()(image) for image in (black, ramp)]
    discriminator.train(was_training)
    if scores[0].ndim not in (1, 4) or torch.equal(scores[0], scores[1]):
        raise RequestError(
            f"the twin discriminator answers {tuple(scores[0].shape)}, the same for a black and a graded image;"
            " expected (B, 1, h, w) logits that depend on the image; use discriminator='patch'"
        )
