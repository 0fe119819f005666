"""Fusing whole pictures, in files or in memory. Names are imported at their first use: stacks need no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridgetune._lazy import lazy_names

if TYPE_CHECKING:
    from bridgetune.inference.agreement import Agreement as Agreement
    from bridgetune.inference.agreement import measure_agreement as measure_agreement
    from bridgetune.inference.aligning import Aligned as Aligned
    from bridgetune.inference.aligning import Edges as Edges
    from bridgetune.inference.aligning import aligned_pair as aligned_pair
    from bridgetune.inference.asking import asked_logits as asked_logits
    from bridgetune.inference.borders import Borders as Borders
    from bridgetune.inference.borders import Void as Void
    from bridgetune.inference.borders import find_borders as find_borders
    from bridgetune.inference.deciding import Undecided as Undecided
    from bridgetune.inference.deciding import settled as settled
    from bridgetune.inference.deciding import undecided_share as undecided_share
    from bridgetune.inference.feathering import Blend as Blend
    from bridgetune.inference.folders import check_places as check_places
    from bridgetune.inference.folders import fuse_folder as fuse_folder
    from bridgetune.inference.fusing import FUSE_RECIPES as FUSE_RECIPES
    from bridgetune.inference.fusing import Fusion as Fusion
    from bridgetune.inference.fusing import fuse_files as fuse_files
    from bridgetune.inference.fusing import fuse_pictures as fuse_pictures
    from bridgetune.inference.quality import Quality as Quality
    from bridgetune.inference.quality import Queries as Queries
    from bridgetune.inference.smoothing import Smoothing as Smoothing
    from bridgetune.inference.stacks import LeftOut as LeftOut
    from bridgetune.inference.stacks import Progress as Progress
    from bridgetune.inference.stacks import StackFusion as StackFusion
    from bridgetune.inference.stacks import fuse_stack as fuse_stack

_HOMES: dict[str, tuple[str, ...]] = {
    "bridgetune.inference.agreement": (
        "Agreement",
        "measure_agreement",
    ),
    "bridgetune.inference.aligning": (
        "Aligned",
        "Edges",
        "aligned_pair",
    ),
    "bridgetune.inference.asking": ("asked_logits",),
    "bridgetune.inference.borders": (
        "Borders",
        "Void",
        "find_borders",
    ),
    "bridgetune.inference.deciding": (
        "Undecided",
        "settled",
        "undecided_share",
    ),
    "bridgetune.inference.feathering": ("Blend",),
    "bridgetune.inference.folders": ("check_places", "fuse_folder"),
    "bridgetune.inference.fusing": (
        "FUSE_RECIPES",
        "Fusion",
        "fuse_files",
        "fuse_pictures",
    ),
    "bridgetune.inference.quality": (
        "Quality",
        "Queries",
    ),
    "bridgetune.inference.smoothing": ("Smoothing",),
    "bridgetune.inference.stacks": (
        "LeftOut",
        "Progress",
        "StackFusion",
        "fuse_stack",
    ),
}

__all__ = sorted(name for names in _HOMES.values() for name in names)

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
