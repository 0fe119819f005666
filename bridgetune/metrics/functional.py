"""Each fusion metric as a function of two sources and a fused image.

Images are (B, 3, H, W) RGB or (B, 1, H, W) gray: float in [0, 1], uint8 or uint16. All are compared by their 8-bit gray
levels, see `gray_levels`. Scores are (B,), higher is better, and always finite; what the definition leaves 0/0 is said
below. `SourcePair` computes several of them, or scores several methods, without doing anything twice.
"""

from __future__ import annotations

import torch
from torch import Tensor

from bridgetune.metrics.fusion import SourcePair
from bridgetune.metrics.registry import Convention


def qabf_weighted(first: Tensor, second: Tensor, fused: Tensor, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """Q^{AB/F}: edges kept, summed over pixels and divided by the sum of weights; in [0, 0.98666]. Eq. 19.

    0.98666 where F = A = B, images of one level included: the two sigmoids at their best. The sources may change
    places, but for the fused image's flat pixels, which count to 1e-6.
    """
    return _score("qabf_weighted", first, second, fused, dtype)


def qabf_mean(first: Tensor, second: Tensor, fused: Tensor, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """Q^{AB/F} as the toolbox returns it: the mean over pixels. Otherwise see `qabf_weighted`."""
    return _score("qabf_mean", first, second, fused, dtype)


def q_mi(first: Tensor, second: Tensor, fused: Tensor, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """Q_MI: normalised mutual information of the fused image and either source, in [0, 2]. Eq. 20.

    2 where F = A = B. An image of one level shares nothing with one of several (0), and all with one of one level (its
    half of the score is 1). Symmetric in the sources.
    """
    return _score("q_mi", first, second, fused, dtype)


def q_s(
    first: Tensor,
    second: Tensor,
    fused: Tensor,
    *,
    convention: Convention = "toolbox",
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Q_S: structural similarity to the sources, weighted by their variance; in [-1, 1]. Eq. 22 in convention `paper`.

    1 where F = A = B, images of one level included; ½ in convention `paper`, whose maximum takes λ along. Symmetric in
    the sources, which count alike where both are flat.
    """
    return _score("q_s", first, second, fused, dtype, convention)


def q_p(
    first: Tensor,
    second: Tensor,
    fused: Tensor,
    *,
    dtype: torch.dtype = torch.float64,
    responses: torch.dtype = torch.float32,
) -> Tensor:
    """Q^P: correlation of phase congruency, maximum and minimum moment with the sources', and their product. Eq. 21.

    Below 1 even where F = A = B: the sources' features are masked, the fused ones are not. 1 where neither source has
    a feature, images of one level, say. Symmetric in the sources where their phase congruencies are not equal.
    `responses`: see `SourcePair`.
    """
    return SourcePair(first, second, dtype, responses).score(fused, ["q_p"])["q_p"]


def q_w(
    first: Tensor,
    second: Tensor,
    fused: Tensor,
    *,
    convention: Convention = "toolbox",
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Q_W: `q_s` with salient windows counting more; in [-1, 1]. Eq. 23 in convention `paper`.

    1 where F = A = B, in both conventions. Where both sources are flat throughout, all windows count alike. Symmetric
    in the sources.
    """
    return _score("q_w", first, second, fused, dtype, convention)


def q_cb(first: Tensor, second: Tensor, fused: Tensor, *, dtype: torch.dtype = torch.float64) -> Tensor:
    """Q_CB: visible contrast kept, in [0, 1]. Eq. 24.

    1 where F = A = B. Contrast on a background of 0 is 0, and no contrast keeps no contrast (1), so images of one level
    score 1. Symmetric in the sources, which count alike where neither has contrast.
    """
    return _score("q_cb", first, second, fused, dtype)


def _score(
    name: str, first: Tensor, second: Tensor, fused: Tensor, dtype: torch.dtype, convention: Convention = "toolbox"
) -> Tensor:
    return SourcePair(first, second, dtype).score(fused, [name], convention)[name]
