"""The formulas that metrics are called by, in HTML."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"(?<!\\)\$([^\W_]+)((?:[_^](?:\{[\w/+-]+\}|\w))*)\$")
"""A letter with what stands above and below it: `$Q^{AB/F}$`."""


def set_formulas(text: str) -> str:
    """HTML or Markdown with its formulas in HTML: `$Q^{AB/F}$` as <i>Q</i><sup>AB/F</sup>."""
    return _FORMULA.sub(_set, text)


def _set(formula: re.Match[str]) -> str:
    def beside(found: re.Match[str]) -> str:
        tag = {"^": "sup", "_": "sub"}[found[1]]
        return f"<{tag}>{found[2].strip('{}')}</{tag}>"

    return f"<i>{formula[1]}</i>" + re.sub(r"([_^])(\{[^}]*\}|\w)", beside, formula[2])
