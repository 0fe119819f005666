"""A run's records as lines."""

from __future__ import annotations

import math
from typing import Any

from bridgetune.terms import TERMS


class ToldRecord(dict[str, Any]):
    """A record as a run's `report` is given it: a dictionary that is printed as a line.

    A step's line has the losses that the progress bar shows; a validation's has the map errors.
    """

    def __str__(self) -> str:
        if "map_error" in self:
            errors = f"held-out map error {_percent(self['map_error'])}"
            return f"step {self['step']}: {errors}, in homogeneous regions {_percent(self['homogeneous_error'])}"
        names = (term.name for term in TERMS.values() if term.in_bar and term.name in self)
        losses = ", ".join(f"{name} {self[name]:.3f}" for name in names)
        return f"step {self['step']} of {self['steps']}: {losses}; {self['seconds']:.2f} s"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.2%}"
