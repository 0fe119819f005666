"""Pieces of GitHub's Markdown, for reports."""

from __future__ import annotations

import re
from collections.abc import Sequence


def markdown_text(text: str) -> str:
    """Plain text for Markdown."""
    return re.sub(r"([\\`*_|<>\[\]$])", r"\\\1", text)


def pipe_table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """A Markdown table of ready cells; columns are set to the right but for those at the places `left`."""
    rule = [":--" if place in left else "--:" for place in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])
