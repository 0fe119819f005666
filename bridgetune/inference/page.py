"""What came of a pair as a page: the fused picture beside either source as it was laid, and beside the map."""

from __future__ import annotations

from pathlib import Path

from bridgetune.inference.fusing import Fusion
from bridgetune.markdown import markdown_text
from bridgetune.pages import Slider, page
from bridgetune.pages.pictures import shown
from bridgetune.pictures import read_image, warped


def pair_page(name: str, fusion: Fusion, sources: tuple[Path, Path]) -> str:
    """The page of a fused pair.

    Args:
        name: Of the fused picture, in plain text.
        fusion: What came of it.
        sources: Its files.

    Raises:
        RequestError: One can no longer be read.
    """
    first, second = (read_image(source).pixels for source in sources)
    second, _ = warped(second, fusion.transform, first.shape[:2])
    if fusion.area is not None:
        first, second = first[fusion.area], second[fusion.area]
    height, width = fusion.pixels.shape[:2]
    share = "" if fusion.decision is None else f" {float((fusion.decision >= 0.5).mean()):.1%} of it is of the first."
    undecided = (
        "" if fusion.undecided is None else f" The network was undecided on {fusion.undecided:.1%} of the pixels."
    )
    fused = shown(fusion.pixels)
    about = (
        f"Two pictures, {markdown_text(sources[0].name)} and {markdown_text(sources[1].name)}, fused to one of"
        f" {width:,}×{height:,} pixels.{share}{undecided} The pictures of this page are JPEG; the fused image itself is"
        " the file."
    )
    parts: list[str | Slider] = [
        f"# {markdown_text(name)}",
        about,
        Slider(f"first, {sources[0].name}", "fused", (shown(first), fused)),
        Slider("fused", f"second, {sources[1].name}", (fused, shown(second))),
    ]
    if fusion.decision is not None:
        parts.append(Slider("fused", "map: white where the first is taken", (fused, shown(fusion.decision))))
    return page(name, parts)
