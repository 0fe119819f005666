"""Panels as a page: two pictures of a pair at a time, with a line to wipe between them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.data import to_pixels
from bridgetune.markdown import markdown_text
from bridgetune.pages import Slider, page
from bridgetune.pages.pictures import shown


def panels_page(title: str, rows: Mapping[str, Mapping[str, Tensor]]) -> str:
    """The page of what `decision_rows` gives: both sources, and the fused image with each of the others.

    Args:
        title: In plain text.
        rows: As `draw_panels` takes them; the first two columns are the sources, the last one is the fused image.
    """
    parts: list[str | Slider] = [f"# {markdown_text(title)}"]
    for name, row in rows.items():
        pictures = {column: shown(_pixels(image)) for column, image in row.items()}
        first, second, *others, fused = pictures
        parts.append(f"## {markdown_text(name)}")
        for left, right in [(first, second), *((fused, other) for other in others)]:
            parts.append(Slider(left, right, (pictures[left], pictures[right])))
    return page(title, parts)


def _pixels(image: Tensor) -> NDArray[np.uint8 | np.uint16]:
    """(3, H, W) -> (H, W, 3), and (1, H, W) -> (H, W)."""
    return to_pixels(image).squeeze()
