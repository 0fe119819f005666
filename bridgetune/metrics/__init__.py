"""How good a fused image is, and how good a decision map.

Without a ground truth: the fusion metrics, a function each or all of a `SourcePair` (torchmetrics classes of them are
in `bridgetune.metrics.classes`), and `swap_inconsistency`. With one: `map_scores` and `full_reference`. `METRICS` lists
every score with its label, its direction and its definition.
"""

from bridgetune.metrics.functional import q_cb, q_mi, q_p, q_s, q_w, qabf_mean, qabf_weighted
from bridgetune.metrics.fusion import SourcePair
from bridgetune.metrics.levels import gray_levels
from bridgetune.metrics.maps import (
    HOMOGENEOUS,
    Agreement,
    HomogeneousRegion,
    MapErrors,
    MapScores,
    map_errors,
    map_scores,
    swap_inconsistency,
)
from bridgetune.metrics.reference import full_reference
from bridgetune.metrics.registry import FUSION_METRICS, METRICS, Convention, Metric

__all__ = [
    "FUSION_METRICS",
    "HOMOGENEOUS",
    "METRICS",
    "Agreement",
    "Convention",
    "HomogeneousRegion",
    "MapErrors",
    "MapScores",
    "Metric",
    "SourcePair",
    "full_reference",
    "gray_levels",
    "map_errors",
    "map_scores",
    "q_cb",
    "q_mi",
    "q_p",
    "q_s",
    "q_w",
    "qabf_mean",
    "qabf_weighted",
    "swap_inconsistency",
]
