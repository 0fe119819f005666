"""Every score there is: what it is called, which way is better, and what it is, in a line.

Tables, documents and figures read their labels here. Nothing here imports torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Convention = Literal["toolbox", "paper"]
"""`toolbox`: as the MATLAB toolbox of Z. Liu et al., TPAMI 34, 2012, computes them, where nearly all published numbers
come from. `paper`: Q_S and Q_W by Eq. 22-23 of Xie et al., 2025; the others are the same in both."""

Kind = Literal["fusion", "map", "consistency", "reference"]
"""What it needs besides the method's answer: `fusion`, the sources; `map`, the true decision map; `consistency`, the
generator; `reference`, the all-in-focus image."""

BOUNDARY_TOLERANCE = 2
"""How far apart two boundaries may be and match, in pixels. The 0.75 % of the diagonal that is usual for segmentations
is 6 at 520×520, within which nearly every map's boundary lies."""


@dataclass(frozen=True)
class Metric:
    """One score of one image.

    Attributes:
        name: In code, documents and tables.
        title: In print: TeX mathematics where it holds `^` or `_`, else plain text.
        higher_is_better: Which way is better.
        kind: See `Kind`.
        source: Where it comes from.
        definition: In a line, with what a reader must know to compare numbers.
        unit: Empty for a plain number.
    """

    name: str
    title: str
    higher_is_better: bool
    kind: Kind
    source: str
    definition: str
    unit: str = ""


def _fusion(name: str, title: str, source: str, definition: str) -> Metric:
    return Metric(name, title, True, "fusion", source, definition)


def _maps(name: str, title: str, higher_is_better: bool, source: str, definition: str) -> tuple[Metric, ...]:
    """One score of a map: everywhere, in homogeneous regions, and outside them."""
    places = (
        ("map", "", "everywhere"),
        ("homogeneous", " (homogeneous)", "inside homogeneous regions"),
        ("textured", " (textured)", "outside homogeneous regions"),
    )
    return tuple(
        Metric(f"{prefix}_{name}", title + label, higher_is_better, "map", source, f"{definition}, {where}")
        for prefix, label, where in places
    )


_TOOLBOX = "Z. Liu et al., TPAMI 34, 2012 (toolbox)"

METRICS: dict[str, Metric] = {
    info.name: info
    for info in (
        _fusion(
            "qabf_weighted",
            "Q^{AB/F}",
            "Xydeas and Petrović, Electronics Letters 36, 2000; Eq. 19",
            "edges of the sources kept in the fused image, Sobel; sum over pixels divided by the sum of weights",
        ),
        _fusion(
            "qabf_mean",
            "Q^{AB/F}_{mean}",
            f"Xydeas and Petrović, Electronics Letters 36, 2000; {_TOOLBOX}",
            "edges of the sources kept in the fused image, Sobel; mean over pixels",
        ),
        _fusion(
            "q_mi",
            "Q_{MI}",
            "Hossny et al., Electronics Letters 44, 2008; Eq. 20",
            "normalised mutual information of each source and the fused image, 256 bins, 0 to 2",
        ),
        _fusion(
            "q_s",
            "Q_{S}",
            "Piella and Heijmans, ICIP 2003; Eq. 22",
            "structural similarity to the sources, weighted by their local variance",
        ),
        _fusion(
            "q_p",
            "Q^{P}",
            "Zhao et al., IJISTA 2, 2007; Eq. 21",
            "local correlation of phase congruency and its moments with the sources'",
        ),
        _fusion(
            "q_w",
            "Q_{W}",
            "Piella and Heijmans, ICIP 2003; Eq. 23",
            "structural similarity to the sources, salient windows counting more",
        ),
        _fusion(
            "q_cb",
            "Q_{CB}",
            "Chen and Blum, Image and Vision Computing 27, 2009; Eq. 24",
            "contrast of the sources kept in the fused image, after a filter of the eye's sensitivity",
        ),
        *_maps("error", "map error", False, "share of pixels", "share of wrong decisions"),
        *_maps(
            "iou",
            "map IoU",
            True,
            "Jaccard index",
            "intersection over union, mean of the first and the second source's pixels",
        ),
        *_maps(
            "boundary_f",
            "boundary F",
            True,
            "Csurka et al., BMVC 2013",
            f"F-score of the map's boundaries, matched within {BOUNDARY_TOLERANCE} pixels",
        ),
        Metric(
            "swap_inconsistency",
            "swap inconsistency",
            False,
            "consistency",
            "bridgetune",
            "share of pixels whose decision changes when the two sources are given in the other order",
        ),
        Metric(
            "psnr",
            "PSNR",
            True,
            "reference",
            "torchmetrics",
            "peak signal-to-noise ratio to the all-in-focus image, RGB in 8 bits, at most 100",
            "dB",
        ),
        Metric(
            "ssim",
            "SSIM",
            True,
            "reference",
            "Wang et al., TIP 13, 2004",
            "structural similarity to the all-in-focus image, mean over R, G and B in 8 bits",
        ),
    )
}
"""Name -> score, in the order of tables."""

FUSION_METRICS: tuple[str, ...] = tuple(name for name, info in METRICS.items() if info.kind == "fusion")
"""The names of those that need the sources alone, in the order of the paper's tables."""
