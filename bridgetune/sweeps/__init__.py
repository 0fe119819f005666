"""Ablations from one file: backbones × BridgeTune off and on × α × seeds, trained, evaluated and put in tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridgetune.sweeps.reading import read_sweep
from bridgetune.sweeps.settings import Sweep

if TYPE_CHECKING:
    from bridgetune.sweeps.running import run_sweep as run_sweep

__all__ = ["Sweep", "read_sweep", "run_sweep"]


def __getattr__(name: str) -> Any:
    """Import `run_sweep` at its first use: it needs torch."""
    if name != "run_sweep":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bridgetune.sweeps.running import run_sweep

    return run_sweep
