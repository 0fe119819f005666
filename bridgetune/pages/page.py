"""A report as a page: Markdown rendered, with the pictures, the numbers and the components that it needs in it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from bridgetune._version import __version__
from bridgetune.markdown import one_line
from bridgetune.pages.charts import Chart
from bridgetune.pages.formulas import set_formulas

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

TYPES = {"png": "image/png", "jpg": "image/jpeg"}

_ALLOWED = frozenset(f"<{end}{tag}>" for tag in ("ins", "i", "sup", "sub") for end in ("", "/"))
"""HTML that reports hold themselves, for the second best and for formulas; all other is text."""

_NUMBER = re.compile(r"[+−-]?\d[\d,]*(?:\.\d+)?(?:e[+−-]?\d+)?")

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; form-action 'none'"
"""What the browser lets the page do: nothing that asks anybody."""


@dataclass(frozen=True)
class Slider:
    """Two pictures of one size with a line between them, which is moved over them.

    Attributes:
        left, right: What each is, in plain text.
        pictures: The left and the right one, PNG or JPEG.
    """

    left: str
    right: str
    pictures: tuple[bytes, bytes]


def page(
    title: str,
    parts: Sequence[str | Slider],
    pictures: Mapping[str, bytes] | None = None,
    charts: Mapping[str, Sequence[Chart]] | None = None,
) -> str:
    """The HTML of a report.

    Args:
        title: In plain text.
        parts: Markdown, whose plain text is escaped already (`bridgetune.markdown`), and sliders, one below the other.
        pictures: Files that the Markdown shows, by the address that it has for them: PNG or JPEG. They are in the page.
        charts: Charts by the address of a picture, in whose place they are drawn, over common values.
    """
    renderer = _renderer(pictures or {}, charts or {})
    body = "\n".join(
        _slider(part) if isinstance(part, Slider) else renderer.render(set_formulas(part)) for part in parts
    )
    styles, scripts = [_asset("page.css")], [_asset("sortable.min.js"), _asset("sortable.a11y.min.js")]
    if any(isinstance(part, Slider) for part in parts):
        scripts.append(_asset("img-comparison-slider.js"))
    if 'class="chart"' in body:
        styles.append(_asset("uplot.min.css"))
        scripts += [_asset("uplot.min.js"), _asset("charts.js")]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{''.join(styles)}</style>\n</head>\n<body>\n<main>\n{body}</main>\n"
        f"<footer>Written by bridgetune {__version__}. All of it is in this file; it connects to nothing.</footer>\n"
        + "".join(f"<script>{script}</script>\n" for script in scripts)
        + "</body>\n</html>\n"
    )


def _renderer(pictures: Mapping[str, bytes], charts: Mapping[str, Sequence[Chart]]) -> MarkdownIt:
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark").enable("table")

    def html(self: Any, tokens: Any, place: int, options: Any, env: Any) -> str:
        content: str = tokens[place].content
        if content in _ALLOWED:
            return content
        return "" if content.lstrip().startswith("<!--") else escape(content)

    def image(self: Any, tokens: Any, place: int, options: Any, env: Any) -> str:
        token = tokens[place]
        address, said = str(token.attrs["src"]), escape(token.content.replace("\\", ""))
        if charts.get(address):
            numbers = json.dumps([chart.as_dict() for chart in charts[address]], ensure_ascii=False, allow_nan=False)
            inside = numbers.replace("<", r"\u003c").replace("\u2028", " ").replace("\u2029", " ")
            name = re.sub(r"\W+", "-", address)
            return (
                f'<span class="chart" id="{name}" role="img" aria-label="{said}">'
                f'<script type="application/json">{inside}</script></span>'
            )
        source = _data(address, pictures[address]) if address in pictures else escape(address)
        return f'<img src="{source}" alt="{said}">'

    def table_open(self: Any, tokens: Any, place: int, options: Any, env: Any) -> str:
        return '<div class="table" tabindex="0"><table class="sortable n-last">\n'

    def cell_open(self: Any, tokens: Any, place: int, options: Any, env: Any) -> str:
        token = tokens[place]
        number = _number(tokens[place + 1].content)
        if token.tag == "td" and number is not None:
            token.attrSet("data-sort", number)
        return str(self.renderToken(tokens, place, options, env))

    for name, rule in {
        **dict.fromkeys(("html_inline", "html_block"), html),
        "image": image,
        "table_open": table_open,
        "table_close": lambda *rest: "</table></div>\n",
        "td_open": cell_open,
    }.items():
        renderer.add_render_rule(name, rule)
    return renderer


def _number(text: str) -> str | None:
    """The number that a cell begins with, to sort by; nothing for a dash, None for words."""
    plain = re.sub(r"<[^>]*>|\*\*|\\", "", text).strip()
    if plain in ("–", ""):
        return ""
    found = _NUMBER.match(plain)
    return None if found is None else found[0].replace(",", "").replace("−", "-")


def _slider(slider: Slider) -> str:
    sides = [_text(slider.left), _text(slider.right)]
    shown = "".join(
        f'<img slot="{slot}" src="{_data("", picture)}" alt="{side}">'
        for slot, picture, side in zip(("first", "second"), slider.pictures, sides, strict=True)
    )
    names = f"<span>◂ {sides[0]}</span><span>drag the line</span><span>{sides[1]} ▸</span>"
    label = f"{sides[0]} left of the line, {sides[1]} right of it; arrow keys move it"
    return (
        f'<figure><img-comparison-slider tabindex="0" aria-label="{label}">{shown}</img-comparison-slider>'
        f'<figcaption class="sides">{names}</figcaption></figure>\n'
    )


def _data(address: str, picture: bytes) -> str:
    kind = TYPES.get(address.rpartition(".")[2], TYPES["png" if picture.startswith(b"\x89PNG") else "jpg"])
    return f"data:{kind};base64,{base64.b64encode(picture).decode()}"


def _text(text: str) -> str:
    return escape(one_line(text))


def _asset(name: str) -> str:
    content = (files("bridgetune.pages") / "assets" / name).read_text("utf-8")
    return "\n".join(line for line in content.splitlines() if not line.startswith("//# sourceMappingURL"))
