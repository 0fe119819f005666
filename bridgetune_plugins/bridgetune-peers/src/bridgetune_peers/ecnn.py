"""ECNN (Amin-Naji et al., Information Fusion 51, 2019): an ensemble for a patch, its gradients across and down."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, fold, pad, unfold

from bridgetune.errors import RequestError
from bridgetune_peers.layers import check_whole
from bridgetune_peers.reading import read_renamed

PATCH = 32
"""Side of a patch."""

STEPS = (1, 2, 4, 8)
"""Pixels that patches may lie apart; the authors' program has 2, or 4 to be faster."""

AT_ONCE = 64
"""Pairs of patches that are looked at together."""

MEANS, DEVIATIONS = (0.45, 0.05, 0.06), (0.1, 0.09, 0.09)
"""Of gray and its gradients across and down, in [0, 1], as the authors' program has them."""


class ECNN(nn.Module):
    """(B, 1, H, W) twice -> the focus map (B, 1, H, W) in [0, 1], 1,587,202 parameters.

    A patch of the first image is put above the same of the second, and the other way round; three branches see their
    gray values and their gradients, and one layer decides which of both is in focus. The authors count votes, +1 or
    -1 for all pixels of the patch. Here a vote is as strong as it is sure, the sigmoid of half the difference of both
    orders' log-odds, and so has a gradient; to exchange the images turns the map round.

    Args:
        step: Pixels that patches lie apart, 1, 2, 4 or 8; half of it takes four times as long.
        width: Channels of the first layer; 2 and 4 times as many follow.

    Raises:
        RequestError: `step` is none of these, or `width` no positive whole number.
    """

    def __init__(self, step: int = 8, width: int = 64) -> None:
        super().__init__()
        _check(step, width)
        self.step = step
        self.branches = nn.ModuleList(_branch(width) for _ in range(3))
        self.gray, self.gradients = _pooled(2 * width, 4 * width), _pooled(4 * width, 4 * width)
        self.decision = nn.Linear(2 * 4 * width * (2 * PATCH // 8) * (PATCH // 8), 2)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Decide between gray images (B, 1, H, W) in [0, 1]; sides are 32 and whole steps more.

        Returns:
            How surely the first image is in focus: the mean over the patches that a pixel is in.
        """
        size = first.shape[-2:]
        one, other = (_patches(image, self.step) for image in (first, second))
        pairs = zip(torch.split(one, AT_ONCE), torch.split(other, AT_ONCE), strict=True)
        votes = torch.cat([self._votes(*both) for both in pairs])
        columns = votes.view(len(first), 1, -1).expand(-1, PATCH**2, -1)
        total = fold(columns, size, PATCH, stride=self.step)
        return total / fold(torch.ones_like(columns[:1]), size, PATCH, stride=self.step)

    def _votes(self, one: Tensor, other: Tensor) -> Tensor:
        """Patches (N, 3, 32, 32) of both images -> (N,) in [0, 1]."""
        scores = self._scores(torch.cat([torch.cat([one, other], 2), torch.cat([other, one], 2)])).float()
        given, exchanged = (scores[:, 0] - scores[:, 1]).chunk(2)
        return torch.sigmoid((given - exchanged) / 2)

    def _scores(self, stacked: Tensor) -> Tensor:
        """(N, 3, 64, 32) -> (N, 2): that the upper half is in focus, and that the lower one is."""
        gray, *gradients = (branch(stacked[:, place, None]) for place, branch in enumerate(self.branches))
        features = self.gray(gray), self.gradients(torch.cat(gradients, 1))
        scores: Tensor = self.decision(torch.cat([each.flatten(1) for each in features], 1))
        return scores


class ECNNJudge(nn.Module):
    """A twin for one image: the same branches of a patch alone, and a score; 1,562,625 parameters.

    Args:
        step, width: As for `ECNN`.

    Raises:
        RequestError: `step` is none of these, or `width` no positive whole number.
    """

    def __init__(self, step: int = 8, width: int = 64) -> None:
        super().__init__()
        _check(step, width)
        self.step = step
        self.branches = nn.ModuleList(_branch(width) for _ in range(3))
        self.gray, self.gradients = _pooled(2 * width, 4 * width), _pooled(4 * width, 4 * width)
        self.score = nn.Linear(2 * 4 * width * (PATCH // 8) ** 2, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Judge a gray image (B, 1, H, W) in [0, 1]; sides are 32 and whole steps more.

        Returns:
            Logits (B, 1, h, w), one a patch, positive where it looks real.
        """
        patches = _patches(image, self.step)
        gray, *gradients = (branch(patches[:, place, None]) for place, branch in enumerate(self.branches))
        features = self.gray(gray), self.gradients(torch.cat(gradients, 1))
        scores: Tensor = self.score(torch.cat([each.flatten(1) for each in features], 1))
        down = (image.shape[-2] - PATCH) // self.step + 1
        return scores.view(len(image), 1, down, -1)


def planes(image: Tensor) -> Tensor:
    """Gray values and their Sobel gradients across and down, standardised: (B, 1, H, W) in [0, 1] -> (B, 3, H, W).

    A gradient counts where it is positive, up to 1, as it does in the 8 bits of the authors' program.
    """
    across = image.new_tensor([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    gradients = conv2d(pad(image, (1, 1, 1, 1), mode="reflect"), torch.stack([across, across.T])[:, None])
    mean, deviation = (image.new_tensor(values).view(1, 3, 1, 1) for values in (MEANS, DEVIATIONS))
    return (torch.cat([image, gradients.clamp(0, 1)], 1) - mean) / deviation


def _patches(image: Tensor, step: int) -> Tensor:
    """(B, 1, H, W) -> the planes of its patches, (B · patches, 3, 32, 32), row by row."""
    columns = unfold(planes(image), PATCH, stride=step)
    return columns.transpose(1, 2).reshape(-1, 3, PATCH, PATCH)


def _branch(width: int) -> nn.Sequential:
    return nn.Sequential(*_layer(1, width), _pooled(width, 2 * width), _pooled(2 * width, 2 * width))


def _pooled(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(*_layer(channels, out), nn.MaxPool2d(2))


def _layer(channels: int, out: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, out, 3, padding=1), nn.BatchNorm2d(out), nn.LeakyReLU(0.1)


def _check(step: int, width: int) -> None:
    check_whole(width=width)
    if step not in STEPS or isinstance(step, bool):
        raise RequestError(f"step: got {step!r}, expected one of {', '.join(map(str, STEPS))}")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read `ECNN_trained_network_wights.pth` as the authors' program saves it.

    Their program sends gray values through the second layer of the branch of gradients across, and trains none of their
    own; so it is done here.

    Raises:
        RequestError: See `read_renamed`.
    """
    return read_renamed(path, ECNN, _released_name, "the released ECNN", beside=("conv2_1.",))


def _released_name(name: str) -> str:
    whole, _, rest = name.partition(".")
    if whole != "branches":
        return f"{_RELEASED[whole]}.{rest}"
    branch, layer, *inside = rest.split(".")
    number = int(branch) + 1
    match layer:
        case "3":
            return f"conv2_{max(number, 2)}.{'.'.join(inside)}"
        case "4":
            return f"conv3_{number}.{'.'.join(inside)}"
    return f"conv1_{number}.{layer}.{'.'.join(inside)}"


_RELEASED = {"gray": "conv4", "gradients": "conv5", "decision": "fc1"}
