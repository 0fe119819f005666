"""Fusing stacks: any number of frames of one scene, focused at different depths, into one picture."""

from bridgetune.inference.stacks.fusing import fuse_stack
from bridgetune.inference.stacks.fusion import LeftOut, Progress, StackFusion

__all__ = ["LeftOut", "Progress", "StackFusion", "fuse_stack"]
