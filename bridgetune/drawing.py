"""How pictures of numbers look, whatever they show: settings, colours that all eyes tell apart, and labels.

Figures are made without pyplot, so that no backend is chosen and no figure stays open. Needs matplotlib.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import matplotlib
from matplotlib.figure import Figure

from bridgetune.paths import printable

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Of Okabe and Ito (2008), without black, which is for the line that matters most, and yellow, which is pale on
paper."""

QUIET = "#8C8C8C"

_SETTINGS: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "axes.formatter.useoffset": False,
    "figure.constrained_layout.use": False,
    "pdf.fonttype": 42,  # publishers refuse Type 3
    "svg.hashsalt": "bridgetune",
}


@contextmanager
def drawing(size: float) -> Iterator[None]:
    """Draw and save inside: the settings are matplotlib's defaults with ours on top, and put back afterwards.

    Args:
        size: Of the text, in points; that of titles and ticks follows.
    """
    sizes = {
        "font.size": size,
        "axes.titlesize": size + 0.5,
        "axes.labelsize": size,
        "xtick.labelsize": size - 1,
        "ytick.labelsize": size - 1,
        "legend.fontsize": size - 0.5,
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        cast(Any, matplotlib.rcParams).update(_SETTINGS | sizes)
        yield


def file_of(figure: Figure, kind: str, dpi: int) -> bytes:
    """The figure as a `png` or `pdf` file. Equal figures give equal bytes."""
    written = io.BytesIO()
    metadata = {"png": {"Software": None}, "pdf": {"CreationDate": None}}[kind]
    figure.savefig(written, format=kind, dpi=dpi, metadata=metadata)
    return written.getvalue()


def text(label: str) -> str:
    """A label in which nothing is mathematics, and every character is one that can be drawn."""
    return printable(label).replace("$", r"\$")
