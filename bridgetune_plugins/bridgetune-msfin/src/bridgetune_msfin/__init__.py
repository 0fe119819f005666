"""MSFIN for bridgetune: the multiscale feature interactive network, and its twin as a discriminator."""

from __future__ import annotations

from collections.abc import Callable

from bridgetune.config import AdapterConfig
from bridgetune.hookspecs import GeneratorSpec, hookimpl

bridgetune_hook_api = 1


@hookimpl
def bridgetune_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    register(
        GeneratorSpec(
            name="msfin",
            summary="MSFIN (Liu et al. 2021): four interacting scales with 4,588,921 parameters",
            network="bridgetune_msfin.network:MSFIN",
            adapter=AdapterConfig(
                call="concat",
                mean=(0.485, 0.456, 0.406),
                std=(0.229, 0.224, 0.225),
                output="logits",
                item=0,
                auxiliary=(1, 2, 3),
                minimum=9,  # the coarsest map then has four pixels; with one, batch norm could not train
            ),
            discriminator="bridgetune_msfin.network:MSFINDiscriminator",
        )
    )
