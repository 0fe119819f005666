"""A deep image prior that fuses: a network that is trained on one pair alone, in the manner of ZMFF.

ZMFF (Hu et al., Information Fusion 92, 2023) lets the structure of untrained networks say what a picture and a map
look like (Ulyanov et al., CVPR 2018). This is its idea in small: one hourglass with both as its answers.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, interpolate, leaky_relu, pad, softplus

from bridgetune.pictures.color import LUMA
from bridgetune_peers.layers import check_positive, check_whole

SCALES = 4
"""Sizes at which the hourglass looks, each half the one before."""

REACH = 4
"""Pixels to which the sharpness of both images is averaged before it is compared."""

FAINT = 2e-3
"""Sharpness that counts for nothing."""


PAINT = 0.1
"""How far the network's own colours count beside its blend of both sources."""


class DeepImagePrior:
    """Fuses by training a small network on the pair: what it paints is to be either source, where its map says so.

    The map is held to the sharper image where one clearly is; elsewhere the network's own structure decides, for which
    it is easiest to say the same of neighbours. No two pairs share anything, and the same pair gives the same picture.

    Args:
        steps: Of the optimiser; about half a second each for 520×520 pixels on one core.
        width: Channels of the network.
        rate: The optimiser's learning rate.
        seed: Of the network's first weights.

    Raises:
        RequestError: An option is not a positive number, or `steps` and `width` not whole.
    """

    def __init__(self, steps: int = 150, width: int = 16, rate: float = 0.01, seed: int = 0) -> None:
        check_whole(steps=steps, width=width)
        check_positive(rate=rate)
        self.steps, self.width, self.rate, self.seed = steps, width, rate, seed

    def __call__(self, first: Tensor, second: Tensor) -> Tensor:
        """Fuse (B, 3, H, W) in [0, 1] of any H and W -> (B, 3, H, W), which may pass the range by a little."""
        with torch.enable_grad():
            return torch.cat([self._fused(one[None], other[None]) for one, other in zip(first, second, strict=True)])

    def _fused(self, first: Tensor, second: Tensor) -> Tensor:
        height, width = first.shape[-2:]
        margins = (0, -width % 2**SCALES, 0, -height % 2**SCALES)
        first, second = (pad(image, margins, mode="replicate") for image in (first, second))
        lead = sharper(first, second)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            network = _Hourglass(self.width).to(first)
        optimiser = torch.optim.Adam(network.parameters(), self.rate)
        for _ in range(self.steps):
            optimiser.zero_grad()
            picture, logits = network(first, second)
            share = logits.sigmoid()
            painted = share * (picture - first).abs() + (1 - share) * (picture - second).abs()
            decided = lead.abs() * softplus(-lead.sign() * logits)
            (painted.mean() + 0.1 * decided.mean()).backward()
            optimiser.step()
        with torch.no_grad():
            fused: Tensor = network(first, second)[0][..., :height, :width]
        return fused


def sharper(first: Tensor, second: Tensor) -> Tensor:
    """How far the first image leads in sharpness, (B, 3, H, W) twice -> (B, 1, H, W) in [-1, 1]."""
    one, other = (_sharpness(image) for image in (first, second))
    return (one - other) / (one + other + FAINT)


def _sharpness(image: Tensor) -> Tensor:
    """The Laplacian's absolute value, averaged over the window around each pixel."""
    gray = (image * image.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
    laplacian = image.new_tensor([[0.0, 1, 0], [1, -4, 1], [0, 1, 0]])[None, None]
    detail = conv2d(pad(gray, (1, 1, 1, 1), mode="replicate"), laplacian).abs()
    return avg_pool2d(detail, 2 * REACH + 1, stride=1, padding=REACH, count_include_pad=False)


class _Hourglass(nn.Module):
    """Both images -> a picture (B, 3, H, W) and the logits of a map (B, 1, H, W); sides are multiples of 2^SCALES."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(6, width, 3, padding=1)
        self.down = nn.ModuleList(nn.Conv2d(width, width, 3, stride=2, padding=1) for _ in range(SCALES))
        self.up = nn.ModuleList(nn.Conv2d(2 * width, width, 3, padding=1) for _ in range(SCALES))
        self.answer = nn.Conv2d(width, 5, 1)

    def forward(self, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        found = [leaky_relu(self.enter(torch.cat([first, second], 1)))]
        for layer in self.down:
            found.append(leaky_relu(layer(found[-1])))
        x = found.pop()
        for layer in self.up:
            finer = found.pop()
            x = leaky_relu(layer(torch.cat([interpolate(x, finer.shape[-2:], mode="bilinear"), finer], 1)))
        answer = self.answer(x)
        painted = second + answer[:, 3:4].sigmoid() * (first - second) + PAINT * answer[:, :3]
        return painted, answer[:, 4:]
