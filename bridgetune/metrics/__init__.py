"""How good a decision map is, where a ground truth exists."""

from bridgetune.metrics.maps import HomogeneousRegion, MapErrors, map_errors

__all__ = ["HomogeneousRegion", "MapErrors", "map_errors"]
