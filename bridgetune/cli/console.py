"""What the verbs share: where they print, and how they say numbers."""

from __future__ import annotations

import io
import json
import math
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from bridgetune.paths import printable


class PlainConsole(Console):
    r"""A console to which every string is plain text: no markup, no emoji, control characters as `\x1b`."""

    def render_str(self, text: str, **options: Any) -> Text:
        """The text as it is; lines stay lines."""
        lines = "\n".join(map(printable, text.split("\n")))
        return super().render_str(lines, **{**options, "markup": False, "emoji": False})


RESULTS = PlainConsole(soft_wrap=True, highlight=False)
"""Standard output: what was asked for."""

ERRORS = PlainConsole(stderr=True, soft_wrap=True, highlight=False)
"""Standard error: everything else."""


def show_anything() -> None:
    """Have standard output and error escape what their encoding lacks: a name that is no UTF-8, an α in LC_ALL=C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    RESULTS.out(json.dumps(document, indent=2, allow_nan=False), highlight=False)


def pushes(said: Mapping[str, str]) -> str:
    """How often the map is pushed to the right side, in a line.

    Args:
        said: Of each of `PUSHES`.
    """
    return (
        f"pushed to the right side: of the wrong pixels {said['push_wrong_homogeneous']} in homogeneous regions,"
        f" {said['push_wrong_off_seam']} off the seam; of the right ones {said['push_right_homogeneous']},"
        f" {said['push_right_off_seam']}"
    )


def percent(share: float) -> str:
    """A share as per cent; a dash where there was nothing to share."""
    return "–" if math.isnan(share) else f"{share:.2%}"
