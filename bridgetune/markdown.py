"""Pieces of GitHub's Markdown, for reports. What is plain text is escaped here, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridgetune.paths import printable

_LINE_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")

_SIGNS = re.compile(r"([\\`*_|<>\[\]$~])")

_ADDRESS = re.compile(r"(?<=[A-Za-z]):(?=//)|(?<=www)\.", re.IGNORECASE)
"""Where GitHub would make a link of it."""

_BLOCK = re.compile(r"^( *)(?=[-+=#]+(?:\s|$)|[-=]{2})")
"""What would begin a heading, a list or a rule, were it to stand at the beginning of a line."""

_NUMBERED = re.compile(r"^( *[0-9]+)(?=[.)](?:\s|$))")


def one_line(text: str) -> str:
    r"""The text in one line, with what no page shows, control characters and the like, as `\x1b`."""
    return printable(_LINE_BREAKS.sub(" ", text))


def markdown_text(text: str) -> str:
    """Plain text for Markdown: no part of it is anything but text, also in a table's cell or behind a list's dash."""
    flat = re.sub(r"&(?=[#\w])", "&amp;", _SIGNS.sub(r"\\\1", one_line(text)))
    return _NUMBERED.sub(r"\1\\", _BLOCK.sub(r"\1\\", _ADDRESS.sub(lambda found: f"\\{found[0]}", flat)))


def markdown_code(text: str) -> str:
    """Plain text as code for Markdown, outside of tables."""
    flat = one_line(text)
    fence = "`" * (max(map(len, re.findall("`+", flat)), default=0) + 1)
    room = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{room}{flat}{room}{fence}"


def pipe_table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[int] = (0,)) -> str:
    """A Markdown table of ready cells; columns are set to the right but for those at the places `left`."""
    rule = [":--" if place in left else "--:" for place in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, rule, *rows])
