"""What came of a stack as a page: the picture beside a frame and beside its depth, and the frames that it is of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridgetune.inference.stacks.depth import coloured
from bridgetune.inference.stacks.fusion import StackFusion
from bridgetune.markdown import markdown_text, pipe_table
from bridgetune.pages import Slider, page
from bridgetune.pages.pictures import shown
from bridgetune.pictures import Frames


def stack_page(name: str, fusion: StackFusion, frames: Frames, told: Mapping[str, Any]) -> str:
    """The page of a fused stack.

    Args:
        name: Of the stack, in plain text.
        fusion: What came of it.
        frames: All that were given.
        told: As `bridgetune stack --json` has it: what `StackFusion.as_dict` says, `seconds`, and each frame's
            `displacement` in pixels.
    """
    fused, reference = shown(fusion.pixels), frames.read(frames.names.index(fusion.reference)).pixels[fusion.area]
    height, width = fusion.pixels.shape[:2]
    left_out = f", {len(fusion.left_out)} left out" if fusion.left_out else ""
    undecided = (
        ""
        if fusion.undecided is None
        else f" On {fusion.undecided:.0%} of it the sharpness did not tell, and the surroundings decided."
    )
    about = (
        f"{len(fusion.used)} frames{left_out}: a picture of {width:,}×{height:,} pixels, in {told['seconds']:.1f} s."
        f"{undecided} The pictures of this page are JPEG; the fused image itself is the file."
    )
    parts: list[str | Slider] = [
        f"# {markdown_text(name)}",
        about,
        Slider(f"one frame, {fusion.reference}", "fused", (shown(reference), fused)),
    ]
    if fusion.depth is not None:
        depth = shown(coloured(fusion.depth, len(fusion.used)))
        parts.append(Slider("fused", "depth: dark violet the first frame, yellow the last", (fused, depth)))
    rows = [[markdown_text(one["name"]), _percent(one["share"]), f"{one['displacement']:.1f}"] for one in told["used"]]
    parts.append("## Frames\n\n" + pipe_table(["frame", "its share of the picture", "moved by, pixels"], rows))
    if fusion.left_out:
        rows = [[markdown_text(frame.name), markdown_text(frame.reason)] for frame in fusion.left_out]
        parts.append("## Left out\n\n" + pipe_table(["frame", "why"], rows, left=(0, 1)))
    return page(name, parts)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"
