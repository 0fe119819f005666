"""SESF-Fuse (Ma et al., Neural Computing and Applications 33, 2021): spatial frequency of features, compared.

Its decision is not learned: a pixel is the image's whose features, of an encoder that was trained to reconstruct
photographs, have the higher spatial frequency. Here the answer is by how much, so that it can be tuned.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from bridgetune_peers.layers import FAINT, Encoder, check_positive, conv_relu_norm, spatial_frequency
from bridgetune_peers.reading import read_renamed, renamed

STEEPNESS = 2.5
"""What makes the logits as sure as they are right: on pairs made of photographs, the released weights' cross entropy is
least between 2 and 3."""


class SESF(nn.Module):
    """(B, 1, H, W) twice -> logits (B, 1, H, W), positive where the first image's spatial frequency is the higher.

    14,416 parameters: the released file has 60,387 more, of a decoder that only served to train these.

    The logit is a soft form of the authors' comparison f_1 > f_2, `steepness` · log((f_1 + ε) / (f_2 + ε)): of the same
    sign, and to exchange the images is to exchange it.

    Args:
        steepness: What the logarithm is multiplied by, > 0.

    Raises:
        RequestError: `steepness` is no positive number.
    """

    def __init__(self, steepness: float = STEEPNESS) -> None:
        super().__init__()
        check_positive(steepness=steepness)
        self.steepness = steepness
        self.encoder = Encoder()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Compare gray images (B, 1, H, W), standardised with the authors' mean and deviation; any H and W."""
        one, other = (torch.log(frequency(self.encoder, image) + FAINT) for image in (first, second))
        return self.steepness * (one - other)


class SESFJudge(nn.Module):
    """A twin for one image: the encoder, and the authors' decoder, which ends in logits; 74,801 parameters.

    Args:
        steepness: As for `SESF`; changes nothing here.
    """

    def __init__(self, steepness: float = STEEPNESS) -> None:
        super().__init__()
        check_positive(steepness=steepness)
        self.encoder = Encoder()
        self.decoder = nn.Sequential(conv_relu_norm(64, 64), conv_relu_norm(64, 32), conv_relu_norm(32, 16))
        self.head = nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Judge a gray image (B, 1, H, W) -> logits (B, 1, H, W), positive where it looks real."""
        logits: Tensor = self.head(self.decoder(self.encoder(image)))
        return logits


def frequency(encoder: nn.Module, image: Tensor) -> Tensor:
    """The spatial frequency of an image's features, summed over their channels: (B, 1, H, W) -> (B, 1, H, W)."""
    return spatial_frequency(encoder(image)).sum(1, keepdim=True)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read `lp+lssim_se_sf_net_times30.pkl` as its authors released it; its decoder is left.

    Raises:
        RequestError: See `read_renamed`.
    """
    return read_renamed(path, SESF, _released_name, "the released SESF-Fuse network", beside=("conv_decode_",))


def _released_name(name: str) -> str:
    layers = {f"encoder.layers.{place}.": f"conv_encode_{place}." for place in (1, 2, 3)}
    attentions = {f"encoder.attentions.{place}.": f"se_{place}." for place in (1, 2, 3)}
    first = {"encoder.layers.0.": "features.", "encoder.attentions.0.": "se_f."}
    return renamed(name, first | layers | attentions)
