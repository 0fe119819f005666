"""Fusing whole pictures, in files or in memory."""

from bridgetune.inference.agreement import Agreement, measure_agreement
from bridgetune.inference.aligning import Aligned, Edges, aligned_pair
from bridgetune.inference.asking import asked_logits
from bridgetune.inference.borders import Borders, Void, find_borders
from bridgetune.inference.deciding import Undecided, settled, undecided_share
from bridgetune.inference.fusing import FUSE_RECIPES, Fusion, check_places, fuse_files, fuse_folder, fuse_pictures
from bridgetune.inference.quality import Quality, Queries
from bridgetune.inference.stacks import LeftOut, Progress, StackFusion, fuse_stack

__all__ = [
    "FUSE_RECIPES",
    "Agreement",
    "Aligned",
    "Borders",
    "Edges",
    "Fusion",
    "LeftOut",
    "Progress",
    "Quality",
    "Queries",
    "StackFusion",
    "Undecided",
    "Void",
    "aligned_pair",
    "asked_logits",
    "check_places",
    "find_borders",
    "fuse_files",
    "fuse_folder",
    "fuse_pictures",
    "fuse_stack",
    "measure_agreement",
    "settled",
    "undecided_share",
]
