"""BridgeMFF for bridgetune: the network of the BridgeTune paper, and its twin as a discriminator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bridgetune.config import AdapterConfig
from bridgetune.hookspecs import GeneratorSpec, hookimpl

bridgetune_hook_api = 1


@hookimpl
def bridgetune_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    register(
        GeneratorSpec(
            name="bridgemff",
            summary="BridgeMFF (Xie et al. 2025): vision Mamba U-Net with 49,673 parameters",
            network="bridgetune_bridgemff.network:BridgeMFF",
            adapter=AdapterConfig(call="pair", value_range=(-1, 1), multiple=32, output="logits"),
            discriminator="bridgetune_bridgemff.network:BridgeMFFDiscriminator",
            read_weights="bridgetune_bridgemff.checkpoint:read_weights",
            weights="bridgetune_bridgemff.checkpoint:shipped",
        )
    )


@hookimpl
def bridgetune_doctor() -> dict[str, str]:
    import torch

    from bridgetune_bridgemff.scan import report

    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    return {f"selective scan on {device}": report(torch.device(device)) for device in devices}


@hookimpl
def bridgetune_operators() -> Mapping[Any, Callable[..., Any]]:
    import torch

    from bridgetune_bridgemff.scan import exporting

    return {torch.ops.bridgetune.selective_scan.default: exporting.scan}
