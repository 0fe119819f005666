"""Panels: pictures side by side, a row for each scene, with their names above and beside them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from bridgetune.data import to_pixels

GAP, CAPTION = 8, 22


def panels(rows: Mapping[str, Mapping[str, Tensor]], width: int = 300) -> NDArray[np.uint8]:
    """Draw the scenes as one picture.

    Args:
        rows: Name of a scene -> name of a column -> image (3, H, W) or map (1, H, W) in [0, 1]. Every row has
            the same columns; within a row all are of one size.
        width: Of a column, in pixels.

    Returns:
        (H, W, 3) uint8.
    """
    columns = list(next(iter(rows.values())))
    drawn = [[_scaled(row[column], width) for column in columns] for row in rows.values()]
    heights = [images[0].height for images in drawn]
    canvas = Image.new(
        "RGB",
        (len(columns) * (width + GAP) + GAP, CAPTION + sum(heights) + len(rows) * (CAPTION + GAP)),
        "white",
    )
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(14)
    for place, column in enumerate(columns):
        pen.text((GAP + place * (width + GAP), 4), column, "black", font)
    top = CAPTION
    for name, images, height in zip(rows, drawn, heights, strict=True):
        pen.text((GAP, top + 2), name, "dimgray", font)
        for place, image in enumerate(images):
            canvas.paste(image, (GAP + place * (width + GAP), top + CAPTION))
        top += height + CAPTION + GAP
    return np.asarray(canvas)


def _scaled(image: Tensor, width: int) -> Image.Image:
    picture = Image.fromarray(to_pixels(image)).convert("RGB")
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
