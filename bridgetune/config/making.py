"""How stacks of known truth are made of sharp photographs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bridgetune.config._model import Frozen, Share

DepthShape = Literal["ramp", "steps", "hills"]
"""How depth is made: a slope; terraces of a hilly slope, with edges at which what is near hides what is far; hills."""

FrameCount = Annotated[int, Field(ge=2, le=1000)]
"""Frames of a stack."""


class StackMaking(Frozen):
    """What becomes of a sharp photograph in the frames of a stack."""

    depth_shape: DepthShape = "ramp"
    """Depth where none is given, drawn from the seed: a slope (`ramp`), terraces with edges (`steps`), or `hills`."""
    blur: Annotated[float, Field(ge=0, le=400)] = 24.0
    """Diameter, in pixels, of the disk that blurs what is farthest where what is nearest is in focus."""
    noise: Share = 0.0
    """Standard deviation of the noise, each frame's own, as a share of the full scale."""
    breathing: Annotated[float, Field(ge=-0.2, le=0.2)] = 0.0
    """By how much the last frame shows things larger than the first, as a share; the middle one is as it is."""
    shift: Annotated[float, Field(ge=0, le=500)] = 0.0
    """Largest shift of a frame across and down, in pixels, as of a camera in the hand; the middle one has none."""
    rotation: Annotated[float, Field(ge=0, le=10)] = 0.0
    """Largest rotation of a frame, in degrees, likewise."""

    @property
    def moves(self) -> bool:
        """Whether a point is at different places of the frames."""
        return bool(self.breathing or self.shift or self.rotation)
