"""Panels: pictures side by side, a row for each scene, with their names above and beside them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from bridgetune.config.bounds import ColumnWidth, within
from bridgetune.data import to_pixels

GAP, CAPTION = 8, 22


def draw_panels(rows: Mapping[str, Mapping[str, Tensor]], width: int = 300) -> NDArray[np.uint8]:
    """Draw the scenes as one picture.

    Args:
        rows: Name of a scene -> name of a column -> image (3, H, W) or map (1, H, W) in [0, 1]. Every row has
            the same columns; within a row all are of one size.
        width: Of a column, in pixels.

    Returns:
        (H, W, 3) uint8.

    Raises:
        RequestError: A width beyond 32 to 4096.
    """
    within("width", width, ColumnWidth)
    columns = list(next(iter(rows.values())))
    drawn = [[_scaled(row[column], width) for column in columns] for row in rows.values()]
    heights = [images[0].height for images in drawn]
    canvas = Image.new(
        "RGB",
        (len(columns) * (width + GAP) + GAP, CAPTION + sum(heights) + len(rows) * (CAPTION + GAP)),
        "white",
    )
    pen = ImageDraw.Draw(canvas)
    for place, column in enumerate(columns):
        _write(pen, (GAP + place * (width + GAP), 4), column, width, "black")
    top = CAPTION
    for name, images, height in zip(rows, drawn, heights, strict=True):
        _write(pen, (GAP, top + 2), name, canvas.width - 2 * GAP, "dimgray")
        for place, image in enumerate(images):
            canvas.paste(image, (GAP + place * (width + GAP), top + CAPTION))
        top += height + CAPTION + GAP
    return np.asarray(canvas)


def _write(pen: ImageDraw.ImageDraw, place: tuple[int, int], text: str, width: int, colour: str) -> None:
    """Text in a width: smaller where it must be, and cut in its middle where it still does not fit."""
    for size in (14, 13, 12, 11):
        font = ImageFont.load_default(size)
        if pen.textlength(text, font) <= width:
            break
    shown, kept = text, len(text)
    while pen.textlength(shown, font) > width and kept > 2:
        kept -= 1
        shown = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    pen.text(place, shown, colour, font)


def _scaled(image: Tensor, width: int) -> Image.Image:
    picture = Image.fromarray(to_pixels(image)).convert("RGB")
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
