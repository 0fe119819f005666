"""How good a fused image is, and how good a decision map.

Without a ground truth: the fusion metrics, a function each, by its name in `FUSION_METRICS`, or all of a `SourcePair`
(torchmetrics classes of them are in `bridgetune.metrics.classes`), `swap_inconsistency`, and what `ScoredDecision` is
scored by. With one: `map_scores` and `full_reference`. `METRICS` lists every score with its label, its direction and
its definition; `register` adds one.

Facts about metrics cost no torch import; what computes them is imported when it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bridgetune._lazy import lazy_names
from bridgetune.metrics.registry import FUSION_METRICS, METRICS, Convention, Metric, metric_table, register

if TYPE_CHECKING:
    from bridgetune.metrics.decisions import ScoredDecision as ScoredDecision
    from bridgetune.metrics.functional import FusionFunction as FusionFunction
    from bridgetune.metrics.fusion import Features as Features
    from bridgetune.metrics.fusion import ScoredImages as ScoredImages
    from bridgetune.metrics.fusion import SourcePair as SourcePair
    from bridgetune.metrics.levels import gray_levels as gray_levels
    from bridgetune.metrics.maps import HOMOGENEOUS as HOMOGENEOUS
    from bridgetune.metrics.maps import Agreement as Agreement
    from bridgetune.metrics.maps import HomogeneousRegion as HomogeneousRegion
    from bridgetune.metrics.maps import MapErrors as MapErrors
    from bridgetune.metrics.maps import MapScores as MapScores
    from bridgetune.metrics.maps import ScoredMap as ScoredMap
    from bridgetune.metrics.maps import map_errors as map_errors
    from bridgetune.metrics.maps import map_scores as map_scores
    from bridgetune.metrics.maps import swap_inconsistency as swap_inconsistency
    from bridgetune.metrics.reference import full_reference as full_reference

    def __getattr__(name: str) -> FusionFunction: ...
else:
    _OWN = {
        "bridgetune.metrics.classes": (),
        "bridgetune.metrics.decisions": ("ScoredDecision",),
        "bridgetune.metrics.functional": ("FusionFunction",),
        "bridgetune.metrics.fusion": ("Features", "ScoredImages", "SourcePair"),
        "bridgetune.metrics.levels": ("gray_levels",),
        "bridgetune.metrics.maps": (
            "HOMOGENEOUS",
            "Agreement",
            "HomogeneousRegion",
            "MapErrors",
            "MapScores",
            "ScoredMap",
            "map_errors",
            "map_scores",
            "swap_inconsistency",
        ),
        "bridgetune.metrics.reference": ("full_reference",),
    }
    _own = lazy_names(__name__, _OWN)

    def __getattr__(name: str) -> Any:
        if name not in FUSION_METRICS:
            return _own(name)
        from bridgetune.metrics import functional

        return getattr(functional, name)


__all__ = [
    "FUSION_METRICS",
    "HOMOGENEOUS",
    "METRICS",
    "Agreement",
    "Convention",
    "Features",
    "FusionFunction",
    "HomogeneousRegion",
    "MapErrors",
    "MapScores",
    "Metric",
    "ScoredDecision",
    "ScoredImages",
    "ScoredMap",
    "SourcePair",
    "full_reference",
    "gray_levels",
    "map_errors",
    "map_scores",
    "metric_table",
    "register",
    "swap_inconsistency",
]
__all__.extend(FUSION_METRICS)  # `+=` would have mkdocstrings warn of names that it cannot read


def __dir__() -> list[str]:
    return sorted({*__all__, *FUSION_METRICS})
