"""Every score there is: what it is called, which way is better, what it is, in a line, and what computes it.

A metric is registered here and is known everywhere: `bridgetune.metrics.NAME` and a torchmetrics class for a fusion
metric, a column of `bridgetune evaluate`, a name for `bridgetune compare --metric`, a label in tables and figures, a
line of `metric_table`. Nothing here imports torch.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Literal, get_args

from bridgetune.errors import RequestError
from bridgetune.markdown import markdown_text, pipe_table
from bridgetune.targets import resolve

Convention = Literal["toolbox", "paper"]
"""`toolbox`: as the MATLAB toolbox of Z. Liu et al., TPAMI 34, 2012, computes them, where nearly all published numbers
come from. `paper`: Q_S and Q_W by Eq. 22-23 of Xie et al., 2025; the others are the same in both."""

Kind = Literal["fusion", "map", "decision", "consistency", "reference"]
"""What it needs besides the method's answer, and so what its function is called with, and returns.

`fusion`, the sources: `ScoredImages` -> (B,). `map`, the true decision map: `ScoredMap` -> a number. `decision`, the
generator's own map: `ScoredDecision` -> (B,) or a number. Each is NaN where it is not defined. `consistency`, the
generator: the decision map of (first, second), and that of (second, first), each (B, 1, H, W) -> (B,). `reference`, the
all-in-focus image: the fused image and that one, each (B, 1 or 3, H, W) in the levels of its file -> (B,)."""

KINDS: tuple[Kind, ...] = get_args(Kind)
"""In the order of the tables."""

BOUNDARY_TOLERANCE = 2
"""How far apart two boundaries may be and match, in pixels. The 0.75 % of the diagonal that is usual for segmentations
is 6 at 520×520, within which nearly every map's boundary lies."""


@dataclass(frozen=True)
class Metric:
    """One score of one image.

    Attributes:
        name: In code, documents and tables: small letters, digits and underscores.
        title: In print: TeX mathematics where it holds `^` or `_`, else plain text.
        higher_is_better: Which way is better.
        kind: See `Kind`.
        source: Where it comes from.
        definition: In a line, with what a reader must know to compare numbers.
        function: What computes it, called as `Kind` says: a callable, or `package.module:function`, which is imported
            when the metric is first computed.
        unit: Empty for a plain number.
        paper: What convention `paper` adds to the definition.
        short: The title where columns are narrow. Empty: the title.
    """

    name: str
    title: str
    higher_is_better: bool
    kind: Kind
    source: str
    definition: str
    function: Callable[..., Any] | str
    unit: str = ""
    paper: str = ""
    short: str = ""

    @property
    def is_math(self) -> bool:
        """Whether the title is TeX mathematics."""
        return any(sign in self.title for sign in "^_\\")

    @property
    def computed(self) -> Callable[..., Any]:
        """The function itself."""
        found: Callable[..., Any] = resolve(self.function) if isinstance(self.function, str) else self.function
        return found

    @property
    def class_name(self) -> str:
        """Of a fusion metric in `bridgetune.metrics.classes`, symbols in capitals: `qabf_mean` as QABFMean."""
        parts = self.name.split("_")
        return "".join(part.upper() if len(part) < 3 or re.match("q[^u]", part) else part.title() for part in parts)

    def defined(self, convention: Convention = "toolbox") -> str:
        """The definition with its source, as documents have it."""
        added = self.paper if convention == "paper" else ""
        return f"{self.definition} ({self.source}){added}"


METRICS: dict[str, Metric] = {}
"""Name -> metric, in the order in which they were registered. One that is taken out is known nowhere any more."""


def register(metric: Metric) -> None:
    """Make a metric known everywhere.

    Raises:
        RequestError: A name that is taken or is none, an unknown kind, or a function that cannot be called.
    """
    name, function = metric.name, metric.function
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise RequestError(f"metric {name!r}: expected a name of small letters, digits and _, such as q_mi")
    if metric.kind not in KINDS:
        raise RequestError(f"metric {name}: got kind {metric.kind!r}, expected one of {', '.join(KINDS)}")
    if not callable(function) and not re.fullmatch(r"[\w.]+:[\w.]+", str(function)):
        raise RequestError(f"metric {name}: got function {function!r}, expected a callable or package.module:function")
    if name in METRICS:
        raise RequestError(f"metric {name}: the name is taken by {METRICS[name].title}; choose another")
    for other in map(METRICS.__getitem__, FUSION_METRICS if metric.kind == "fusion" else ()):
        if other.class_name == metric.class_name:
            raise RequestError(f"metric {name}: its class {metric.class_name} is that of {other.name}; choose another")
    METRICS[name] = metric


class _NamesOf(Sequence[str]):
    """The names of a kind's metrics, at any time those that are registered then."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def __getitem__(self, place: Any) -> Any:
        return tuple(name for name, metric in METRICS.items() if metric.kind == self._kind)[place]

    def __len__(self) -> int:
        return len(self[:])

    def __repr__(self) -> str:
        return repr(self[:])


FUSION_METRICS: Sequence[str] = _NamesOf("fusion")
"""The names of those that need the sources alone, in the order of the paper's tables; those registered later count."""


def metric_table() -> str:
    """Every metric in a table of Markdown: for the documentation."""
    needs = {
        "fusion": "the sources",
        "map": "a generator and `mask/`",
        "decision": "a generator",
        "consistency": "a generator",
        "reference": "`clear/`",
    }
    rows = [
        [
            f"`{metric.name}`",
            "higher" if metric.higher_is_better else "lower",
            markdown_text(metric.definition),
            needs[metric.kind],
            markdown_text(metric.source),
        ]
        for metric in sorted(METRICS.values(), key=lambda metric: KINDS.index(metric.kind))
    ]
    heads = ["score", "better", "what it is", "needs", "source"]
    return pipe_table(heads, rows, range(len(heads)))


def _fusion(name: str, title: str, source: str, definition: str, module: str, paper: str = "") -> Metric:
    return Metric(name, title, True, "fusion", source, definition, f"bridgetune.metrics.{module}:{name}", paper=paper)


def _maps(name: str, title: str, higher_is_better: bool, source: str, definition: str, short: str) -> list[Metric]:
    """One score of a map: everywhere, in homogeneous regions, and outside them."""
    places = (
        ("map", "everywhere", "", "everywhere", "all"),
        ("homogeneous", "homogeneous", " (homogeneous)", "inside homogeneous regions", "homog."),
        ("textured", "textured", " (textured)", "outside homogeneous regions", "rest"),
    )
    return [
        Metric(
            f"{prefix}_{name}",
            title + label,
            higher_is_better,
            "map",
            source,
            f"{definition}, {where}",
            attrgetter(f"scores.{region}.{name}"),
            short=f"{short} {place}",
        )
        for prefix, region, label, where, place in places
    ]


_TOOLBOX = "Z. Liu et al., TPAMI 34, 2012 (toolbox)"
_INDEX = ", with the universal quality index in 8×8 windows"

for _metric in (
    _fusion(
        "qabf_weighted",
        "Q^{AB/F}",
        "Xydeas and Petrović, Electronics Letters 36, 2000; Eq. 19",
        "edges of the sources kept in the fused image, Sobel; sum over pixels divided by the sum of weights",
        "gradients",
    ),
    _fusion(
        "qabf_mean",
        "Q^{AB/F}_{mean}",
        f"Xydeas and Petrović, Electronics Letters 36, 2000; {_TOOLBOX}",
        "edges of the sources kept in the fused image, Sobel; mean over pixels",
        "gradients",
    ),
    _fusion(
        "q_mi",
        "Q_{MI}",
        "Hossny et al., Electronics Letters 44, 2008; Eq. 20",
        "normalised mutual information of each source and the fused image, 256 bins, 0 to 2",
        "information",
    ),
    _fusion(
        "q_s",
        "Q_{S}",
        "Piella and Heijmans, ICIP 2003; Eq. 22",
        "structural similarity to the sources, weighted by their local variance",
        "similarity",
        paper=_INDEX,
    ),
    _fusion(
        "q_p",
        "Q^{P}",
        "Zhao et al., IJISTA 2, 2007; Eq. 21",
        "local correlation of phase congruency and its moments with the sources'",
        "correlation",
    ),
    _fusion(
        "q_w",
        "Q_{W}",
        "Piella and Heijmans, ICIP 2003; Eq. 23",
        "structural similarity to the sources, salient windows counting more",
        "similarity",
        paper=_INDEX,
    ),
    _fusion(
        "q_cb",
        "Q_{CB}",
        "Chen and Blum, Image and Vision Computing 27, 2009; Eq. 24",
        "contrast of the sources kept in the fused image, after a filter of the eye's sensitivity",
        "contrast",
    ),
    Metric(
        "invention",
        "invention",
        False,
        "fusion",
        "bridgetune",
        "share of the energy of the fused image's gradients beyond both sources' maximum in the 3×3 pixels around:"
        " structure that is in neither source",
        "bridgetune.metrics.invented:invention",
    ),
    Metric(
        "invention_homogeneous",
        "invention (homogeneous)",
        False,
        "fusion",
        "bridgetune",
        "the same over the pixels where both sources are homogeneous, none where there are no such pixels",
        "bridgetune.metrics.invented:invention_homogeneous",
        short="inv. homog.",
    ),
    *_maps("error", "map error", False, "share of pixels", "share of wrong decisions", "error"),
    *_maps(
        "iou",
        "map IoU",
        True,
        "Jaccard index",
        "intersection over union, mean of the first and the second source's pixels",
        "IoU",
    ),
    *_maps(
        "boundary_f",
        "boundary F",
        True,
        "Csurka et al., BMVC 2013",
        f"F-score of the map's boundaries, matched within {BOUNDARY_TOLERANCE} pixels",
        "bound. F",
    ),
    Metric(
        "invention_seam",
        "invention (seam)",
        False,
        "decision",
        "bridgetune",
        f"invention over the pixels within {BOUNDARY_TOLERANCE} of the map's boundary, none where it has no boundary",
        "bridgetune.metrics.invented:invention_seam",
        short="inv. seam",
    ),
    Metric(
        "undecided",
        "undecided",
        False,
        "decision",
        "bridgetune",
        "share of pixels whose |logit| is below 0.5, before surroundings settle them",
        "bridgetune.metrics.decisions:undecided",
    ),
    Metric(
        "islands",
        "islands",
        False,
        "decision",
        "bridgetune",
        "connected regions of the map, of either source, joined by the sides of pixels, a megapixel; a clean map of one"
        " megapixel has 2",
        "bridgetune.metrics.decisions:islands",
        unit="1/MP",
    ),
    Metric(
        "swap_inconsistency",
        "swap inconsistency",
        False,
        "consistency",
        "bridgetune",
        "share of pixels whose decision changes when the two sources are given in the other order",
        "bridgetune.metrics.maps:swap_inconsistency",
    ),
    Metric(
        "psnr",
        "PSNR",
        True,
        "reference",
        "torchmetrics",
        "peak signal-to-noise ratio to the all-in-focus image, RGB in 8 bits; none for an identical image",
        "bridgetune.metrics.reference:psnr",
        unit="dB",
    ),
    Metric(
        "ssim",
        "SSIM",
        True,
        "reference",
        "Wang et al., TIP 13, 2004",
        "structural similarity to the all-in-focus image, mean over R, G and B in 8 bits",
        "bridgetune.metrics.reference:ssim",
    ),
):
    register(_metric)
