"""Fusion without training for bridgetune: two focus measures with a guided filter, and a Laplacian pyramid."""

from __future__ import annotations

from collections.abc import Callable

from bridgetune.config import AdapterConfig
from bridgetune.hookspecs import EvaluatorSpec, GeneratorSpec, hookimpl

bridgetune_hook_api = 1

_MEASURES = {
    "modified-laplacian": ("ModifiedLaplacian", "sum-modified Laplacian (Nayar & Nakagawa 1994)"),
    "spatial-frequency": ("SpatialFrequency", "spatial frequency (Li et al. 2001)"),
}


@hookimpl
def bridgetune_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    for name, (network, measure) in _MEASURES.items():
        register(
            GeneratorSpec(
                name=name,
                summary=f"{measure} with a guided filter, without parameters: no weights, no training",
                network=f"bridgetune_classic.focus:{network}",
                learns=False,
                adapter=AdapterConfig(
                    call="pair",
                    color="gray",
                    minimum=2,  # what mirrors an edge needs a second pixel
                ),
            )
        )


@hookimpl
def bridgetune_register_evaluators(register: Callable[[EvaluatorSpec], None]) -> None:
    register(
        EvaluatorSpec(
            name="laplacian-pyramid",
            summary="Laplacian pyramid (Burt & Adelson 1983): the stronger detail at each scale",
            method="bridgetune_classic.pyramid:LaplacianPyramid",
        )
    )
