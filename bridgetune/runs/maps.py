"""Maps of a few held-out pairs in a run's folder: as they were before the first step, and as they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridgetune.markdown import pipe_table
from bridgetune.pages import Slider
from bridgetune.paths import entries, is_file, is_folder
from bridgetune.pictures import to_pixels, write_image

if TYPE_CHECKING:
    from torch import Tensor

KEPT = 4
"""Pairs, the first ones."""

PARTS = {
    "first": "first source",
    "second": "second source",
    "true": "true map",
    "before": "map before tuning",
    "now": "map now",
}
"""Of a pair, by its file's name -> what it is."""


BESIDE = (("first", "second"), ("before", "now"), ("now", "true"))
"""Which of them are laid upon each other."""

_TITLE = "## Maps of held-out pairs"


@dataclass(frozen=True)
class Kept:
    """The files of one pair.

    Attributes:
        number: Of the pair, from 1.
        files: One for each of `PARTS`.
    """

    number: int
    files: dict[str, Path]


class HeldOutMaps:
    """What a run's folder has of held-out pairs; nothing is there before something was kept.

    Args:
        folder: Of the pictures.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, number: int, sources: tuple[Tensor, Tensor], truth: Tensor, decision: Tensor, step: int) -> None:
        """Write a pair's map, and at step 0 all that stays the same; of other pairs than the first few, nothing.

        Args:
            number: Of the pair, from 1.
            sources: (3, H, W) in [0, 1] each.
            truth, decision: (1, H, W) in [0, 1].
            step: That was done last. What began without maps goes on without.

        Raises:
            BridgetuneError: It cannot be written.
        """
        if number > KEPT or (step and not is_file(self._place(number, "before"))):
            return
        parts = {"now": decision}
        if not step:
            parts |= {"first": sources[0], "second": sources[1], "true": truth, "before": decision}
        for part, image in parts.items():
            write_image(self._place(number, part), to_pixels(image.cpu()).squeeze())

    def all(self) -> list[Kept]:
        """Pairs of which all is there, by their numbers."""
        if not is_folder(self.folder):
            return []
        numbers = {
            int(found[1]) for path in entries(self.folder) if (found := re.fullmatch(r"(\d+)-now\.png", path.name))
        }
        pairs = [Kept(number, {part: self._place(number, part) for part in PARTS}) for number in sorted(numbers)]
        return [pair for pair in pairs if all(is_file(path) for path in pair.files.values())]

    def markdown(self) -> str:
        """For a report beside the folder: a table with a row for each pair; empty where there are none."""
        rows = [
            [f"![{PARTS[part]}]({self.folder.name}/{path.name})" for part, path in pair.files.items()]
            for pair in self.all()
        ]
        return f"\n{_TITLE}\n\n{pipe_table(list(PARTS.values()), rows)}\n" if rows else ""

    def sliders(self) -> list[str | Slider]:
        """For a page: for each pair its sources, what tuning changed, and what is still wrong."""
        parts: list[str | Slider] = []
        for pair in self.all():
            pictures = {part: path.read_bytes() for part, path in pair.files.items()}
            for left, right in BESIDE:
                parts.append(Slider(PARTS[left], PARTS[right], (pictures[left], pictures[right])))
        return [_TITLE, *parts] if parts else []

    def _place(self, number: int, part: str) -> Path:
        return self.folder / f"{number}-{part}.png"
