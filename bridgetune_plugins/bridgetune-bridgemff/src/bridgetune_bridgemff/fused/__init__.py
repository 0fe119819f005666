"""What layers do natively, as operators that torch knows: float32 on a CPU.

As operators they are seen by whatever looks at operators, autograd and a FLOP counter for two.
"""

from __future__ import annotations

from bridgetune_bridgemff.fused.bridge import averages, bridge_in_place, bridged
from bridgetune_bridgemff.fused.convolve import convolution
from bridgetune_bridgemff.fused.double import doubled
from bridgetune_bridgemff.fused.enter import LANES, Entering
from bridgetune_bridgemff.fused.mamba import WEIGHTS, vision_mamba, vision_mamba_kept
from bridgetune_bridgemff.fused.stages import down, up
from bridgetune_bridgemff.fused.summarise import summary

__all__ = [
    "LANES",
    "WEIGHTS",
    "Entering",
    "averages",
    "bridge_in_place",
    "bridged",
    "convolution",
    "doubled",
    "down",
    "summary",
    "up",
    "vision_mamba",
    "vision_mamba_kept",
]
