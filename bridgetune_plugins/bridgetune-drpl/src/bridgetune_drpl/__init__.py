"""DRPL for bridgetune: deep regression pair learning, and its twin as a discriminator."""

from __future__ import annotations

from collections.abc import Callable

from bridgetune.config import AdapterConfig
from bridgetune.hookspecs import GeneratorSpec, hookimpl

bridgetune_hook_api = 1


@hookimpl
def bridgetune_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    register(
        GeneratorSpec(
            name="drpl",
            summary="DRPL (Li et al. 2020): residual network at full resolution with 1,070,018 parameters",
            network="bridgetune_drpl.network:DRPL",
            adapter=AdapterConfig(
                call="concat",
                output="complementary",
                minimum=2,  # on a single pixel batch norm could not train
            ),
            discriminator="bridgetune_drpl.network:DRPLDiscriminator",
        )
    )
