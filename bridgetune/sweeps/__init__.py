"""Ablations from one file: backbones × BridgeTune off and on × α × seeds, trained, evaluated and put in tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridgetune._lazy import lazy_names
from bridgetune.sweeps.reading import read_sweep
from bridgetune.sweeps.settings import Sweep

if TYPE_CHECKING:
    from bridgetune.sweeps.running import run_sweep as run_sweep

__all__ = ["Sweep", "read_sweep", "run_sweep"]

__getattr__ = lazy_names(__name__, {"bridgetune.sweeps.running": ("run_sweep",)})  # which needs torch
