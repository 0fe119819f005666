"""The two judges of BridgeTune: is this image completely clear (D_c), is it completely blurred (D_b)?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, pad

from bridgetune.config import AdapterConfig
from bridgetune.devices import device_of
from bridgetune.errors import RequestError
from bridgetune.modes import evaluating
from bridgetune.wrapping import Adapter, InputDomain

logger = logging.getLogger("bridgetune")

Score = Literal["image", "pixel"]


class Discriminator(nn.Module):
    """A network that judges one image, behind one interface.

    Args:
        network: (B, 3, H, W) in [0, 1] -> (B, 1, h, w) logits, high for a reference.
        score: `image` pools the logits to one an image (their mean), `pixel` keeps them all.
    """

    def __init__(self, network: nn.Module, score: Score = "image") -> None:
        super().__init__()
        self.network = network
        self.score = score

    def forward(self, image: Tensor) -> Tensor:
        """Logits of `image` (B, 3, H, W) in [0, 1] being a reference: (B,) or (B, 1, h, w)."""
        logits: Tensor = self.network(image)
        return logits.flatten(1).mean(1) if self.score == "image" else logits


class PatchNetwork(nn.Module):
    """The built-in judge for generators without a twin: a small patch classifier, 38×38 pixels a logit.

    (B, 3, H, W) in [0, 1], of any size -> (B, 1, h, w) logits, an eighth as large. 0.17 M parameters.
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 128)) -> None:
        super().__init__()
        layers: list[nn.Module] = [InputDomain(AdapterConfig(value_range=(-1, 1), minimum=16))]
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


class PairJudge(nn.Module):
    """Which image of a pair is the sharper one, pixel by pixel: R(a, b) = (d(a, b) - d(b, a)) / 2. Experimental.

    d sees 24×24 pixels of what a binomial filter of five taps takes from either image, times 6, and has no
    normalisation: what is sharp in one scene need not be in another, but the sharper of two is. Relativistic:
    Jolicoeur-Martineau, ICLR 2019.
    """

    binomial: Tensor

    def __init__(self, widths: tuple[int, int, int] = (8, 16, 32)) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
        self.register_buffer("binomial", torch.outer(taps, taps)[None, None], persistent=False)
        narrow, middle, wide = widths
        self.layers = nn.Sequential(
            nn.Conv2d(6, narrow, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(narrow, middle, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(middle, middle, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(middle, wide, 4, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(wide, wide, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(wide, 1, 1),
        )

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Logits (B, 1, H, W), positive where the first image is the sharper one.

        Args:
            first, second: (B, 3, H, W) in [0, 1], sides from 4 on.
        """
        one, other = self._detail(first), self._detail(second)
        both = torch.cat([torch.cat([one, other], dim=1), torch.cat([other, one], dim=1)])
        asked, turned = self.layers(both).chunk(2)
        return interpolate((asked - turned) / 2, first.shape[2:], mode="bilinear")

    def _detail(self, image: Tensor) -> Tensor:
        channels = image.shape[1]
        kernel = self.binomial.expand(channels, 1, -1, -1)
        return 6 * (image - conv2d(pad(image, (2, 2, 2, 2), mode="reflect"), kernel, groups=channels))


def build_discriminator(
    generator: nn.Module,
    kind: Literal["auto", "twin", "patch"] | Callable[[], nn.Module],
    score: Score = "image",
) -> tuple[Discriminator, str]:
    """A fresh discriminator for `generator`, and what it is: `twin`, `patch` or the callable's name.

    Args:
        generator: An adapter knows how its twin is made; other generators have none.
        kind: `twin` insists on the generator's own architecture, `patch` on the built-in fallback, `auto` takes
            the twin unless there is none that responds; or a callable that makes a network for `Discriminator`.
        score: See `Discriminator`.

    Raises:
        RequestError: Where what is asked for is not known, or does not respond to its input.
    """
    if callable(kind):
        name = getattr(kind, "__qualname__", type(kind).__name__)
        return _listening(Discriminator(kind(), score), name), name
    twin = generator.twin if isinstance(generator, Adapter) and kind != "patch" else None
    if twin is None and kind == "twin":
        raise RequestError(
            "discriminator: got 'twin', but nobody said how this generator's twin is made; use 'patch', or a callable"
        )
    if twin is not None:
        try:
            return _listening(Discriminator(twin(), score), "twin"), "twin"
        except RequestError as deaf:
            if kind == "twin":
                raise
            logger.warning("%s; a patch discriminator judges instead", deaf)
    return Discriminator(PatchNetwork(), score), "patch"


@torch.no_grad()
def _listening(discriminator: Discriminator, name: str) -> Discriminator:
    """The discriminator, unless it answers the same whatever it sees."""
    ramp = torch.linspace(0, 1, 64, device=device_of(discriminator)).expand(1, 3, 64, 64)
    black = torch.zeros_like(ramp)
    with evaluating(discriminator):
        scores = [discriminator(image) for image in (black, ramp)]
    if scores[0].ndim not in (1, 4) or torch.allclose(scores[0], scores[1]):
        raise RequestError(
            f"the discriminator {name!r} answers {tuple(scores[0].shape)}, the same for a black and a graded image;"
            " expected (B, 1, h, w) logits that depend on the image; use 'patch'"
        )
    return discriminator
