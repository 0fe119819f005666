"""What a plugin may implement. A plugin module states `bridgetune_hook_api = 1` and implements these hooks.

from bridgetune.hookspecs import GeneratorSpec, hookimpl

bridgetune_hook_api = 1

@hookimpl
def bridgetune_register_generators(register):
    register(GeneratorSpec(name="mynet", summary="...", network="bridgetune_mynet.network:MyNet"))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import pluggy
from pydantic import BaseModel, ConfigDict, Field

from bridgetune.config import AdapterConfig

HOOK_API = 1
"""The version of these hooks. It rises when a plugin written for the one before would break."""

ENTRY_POINT_GROUP = "bridgetune"
"""Where a distribution names its plugin module."""

hookspec = pluggy.HookspecMarker("bridgetune")
"""Marks what follows here; plugins have no use for it."""

hookimpl = pluggy.HookimplMarker("bridgetune")
"""Marks a plugin's functions that implement a hook."""

Target = Annotated[str, Field(pattern=r"^[\w.]+:[\w.]+$")]
"""An object named as `package.module:attribute`, imported only when it is needed."""


class GeneratorSpec(BaseModel):
    """A generator as a plugin offers it. Targets are strings, so that registering imports no network.

    Attributes:
        name: What `bridgetune.create(name)` and `--generator name` take.
        summary: One line for `bridgetune plugins list`.
        network: Called with the generator's options (keyword arguments), returns a fresh `torch.nn.Module`.
        adapter: How that network is called and read.
        discriminator: Called with the same options, returns a fresh module (B, C, H, W) -> (B, 1, h, w) logits
            that judges one image in the adapter's input domain. Empty: a fresh copy of the network judges the
            pair of the image with itself.
        read_weights: Called with a `pathlib.Path` to a foreign checkpoint, returns the `state_dict` for `network`.
            Asked where nothing in the file has the network's names; empty: nothing else is read.
        weights: Called with nothing, returns the path of the weights that the plugin ships: a file, or the folder of a
            saved generator, which also says how the network is built and asked. Empty: it ships none.
        smoothing: What the network's paper does to its map, `--smooth paper`: called with the network's own logits
            (H, W) and the sources (H, W, 3) uint8 or uint16, returns what each pixel of the first counts for, (H, W).
            Empty: nothing.
        learns: Whether the network has weights. One that has none is ready as it is, and there is nothing to train.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    summary: str
    network: Target
    adapter: AdapterConfig = AdapterConfig()
    discriminator: Target | None = None
    read_weights: Target | None = None
    weights: Target | None = None
    smoothing: Target | None = None
    learns: bool = True

    @property
    def ready(self) -> bool:
        """Whether it fuses as it is: it ships weights, or has none."""
        return self.weights is not None or not self.learns


class EvaluatorSpec(BaseModel):
    """A method that fuses without a decision map, as a plugin offers it: to be measured beside generators, not tuned.

    Attributes:
        name: What `--generator name` of `fuse` and `evaluate` takes. Generators and evaluators share their names.
        summary: One line for `bridgetune plugins list`.
        method: Called with the evaluator's options (keyword arguments), returns a callable (first, second) -> fused,
            each (B, 3, H, W) float in [0, 1], RGB, any H and W: a function, or a network in eval mode.
        optimises: Whether it trains something for each pair: it is then called with gradients on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    summary: str
    method: Target
    optimises: bool = False


@hookspec
def bridgetune_register_generators(register: Callable[[GeneratorSpec], None]) -> None:
    """Call `register` once for each generator that the plugin brings."""


@hookspec
def bridgetune_register_evaluators(register: Callable[[EvaluatorSpec], None]) -> None:
    """Call `register` once for each evaluator that the plugin brings."""


@hookspec
def bridgetune_doctor() -> dict[str, str]:  # type: ignore[empty-body]
    """Facts about this machine for `bridgetune doctor`: what is asked -> what was found. Called only by it."""


@hookspec
def bridgetune_operators() -> Mapping[Any, Callable[..., Any]]:  # type: ignore[empty-body]
    """The operators that the plugin has registered with torch -> what stands for each in an exported program.

    A key is an overload (`torch.ops.mynet.scan.default`). Its function takes the same arguments and does the same
    in operations that torch has, without gradients, and can be traced by `torch.export`, sides of the images being
    open where the user wants that. Called only by `bridgetune export`; networks made of torch operations need none.
    """
