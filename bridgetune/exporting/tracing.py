"""From a generator to a program of torch operations: `torch.export`, with stand-ins for the plugins' own operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram
from torch.nn.functional import interpolate
from torch.overrides import TorchFunctionMode

from bridgetune.config import AdapterConfig
from bridgetune.errors import WorkError
from bridgetune.modes import evaluating
from bridgetune.wrapping import Adapter, InputDomain
from bridgetune.wrapping.adapter import padded_side
from bridgetune.wrapping.known_pair import half_and_half

Size = tuple[int, int] | Literal["dynamic"]
"""Height and width of the images, with a batch of 1; or all three left open."""

TORCHS_OWN = ("aten", "prim", "prims")
"""The operators that every torch has."""

UNIT = 32
"""Sides of this order are traced and checked where they are open."""


def least_side(config: AdapterConfig) -> int:
    """The shortest side that an exported program with open sides takes.

    At the coarsest scale longer than what it is padded to a multiple of, so that one reflection pads it and no map
    inside the network comes down to a side of 1, which `torch.export` takes for a constant.
    """
    least = max(2, config.minimum, config.multiple + 1 if config.multiple > 1 else 1)
    return (least - 1) * max(config.reductions) + 1


def trace(generator: Adapter, size: Size, operators: Mapping[Any, Callable[..., Any]]) -> ExportedProgram:
    """The generator (first, second) -> logits as a program of torch's own operators.

    Args:
        generator: Float32 on the CPU; traced in eval mode, its mode is restored.
        size: Of the images.
        operators: Other operators -> what stands for each.

    Raises:
        WorkError: An operator that is not torch's own and that nothing stands for.
        Exception: Whatever `torch.export` raises for a network that cannot be traced.
    """
    module, shapes = generator, None
    if size == "dynamic":
        module, least = _OpenSides(generator), least_side(generator.config)
        open_axes = {0: Dim.DYNAMIC, 2: Dim.DYNAMIC(min=least), 3: Dim.DYNAMIC(min=least)}
        shapes = {"first": open_axes, "second": open_axes}
    sample = sample_pairs(generator.config, size)[-1]
    with evaluating(module), torch.no_grad(), _StandIns(operators):
        program = torch.export.export(module, sample, dynamic_shapes=shapes, strict=False)
    _forget_sources(program)
    foreign = _foreign_operators(program)
    if foreign:
        raise WorkError(
            f"the network uses {', '.join(foreign)}, which is none of torch's own operators; its plugin has to say"
            " what stands for it (the hook bridgetune_operators)"
        )
    return program


def sample_pairs(config: AdapterConfig, size: Size) -> list[tuple[Tensor, Tensor]]:
    """Pairs (B, 3, H, W) half in focus, of sizes that a program of `size` takes; each image is first in one of them."""
    if size != "dynamic":
        first, second = _pair(*size)
        return [(second, first), (first, second)]
    least = least_side(config)
    unit = padded_side(max(UNIT, (least + 2) // 2), config.multiple, config.minimum)
    # The last one is traced: no two sides of a map alike, and none that is a multiple, or the trace may rely on it.
    sides = [(least, 2 * unit + 3), (4 * unit, 2 * unit - 1), (3 * unit - 6, 4 * unit - 5)]
    pairs = [_pair(height, width) for height, width in sides]
    return [
        pairs[0],
        *((torch.cat([first, second]), torch.cat([second, first])) for first, second in pairs[1:]),
    ]


def _pair(height: int, width: int) -> tuple[Tensor, Tensor]:
    first, second = half_and_half(max(height, width, UNIT))
    return first[..., :height, :width].contiguous(), second[..., :height, :width].contiguous()


class _StandIns(TorchFunctionMode):
    """Calls, inside, what stands for an operator instead of the operator."""

    def __init__(self, operators: Mapping[Any, Callable[..., Any]]) -> None:
        super().__init__()
        packets = {operator.overloadpacket: stand_in for operator, stand_in in operators.items()}
        self.stand_ins = {**packets, **operators}

    def __torch_function__(
        self, function: Any, types: Any, arguments: tuple[Any, ...] = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        return self.stand_ins.get(function, function)(*arguments, **(keywords or {}))


class _OpenSides(Adapter):
    """A generator whose trace holds for all sides from `least_side` on.

    The adapter itself asks whether there is anything to pad, and the trace would keep the answer.
    """

    def __init__(self, generator: Adapter) -> None:
        super().__init__(generator.network, generator.config)
        self.domain = _OpenDomain(generator.config)

    def at_size(self, logits: Tensor, shape: Sequence[int], *, auxiliary: bool = False) -> Tensor:
        if self.config.stride > 1:
            logits = interpolate(logits, scale_factor=self.config.stride, mode="bilinear")
        return self.cropped(logits, shape[-2:])

    def cropped(self, logits: Tensor, sides: Sequence[int]) -> Tensor:
        for axis, side in zip((2, 3), sides, strict=True):  # slices would ask how the padded side compares with it
            logits = logits.index_select(axis, torch.arange(side, device=logits.device))
        return logits


class _OpenDomain(InputDomain):
    def padded(self, image: Tensor) -> Tensor:
        multiple = self.config.multiple
        if multiple > 1:
            for axis in (-2, -1):
                last = image.shape[axis] - 1
                padded = (last + multiple) // multiple * multiple
                back_and_forth = last - torch.arange(-last, padded - last, device=image.device).abs()
                image = image.index_select(axis, back_and_forth)
        return image


def _forget_sources(program: ExportedProgram) -> None:
    """Take out which line of which file on this machine each operation came from: the program is for others."""
    for module in program.graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            for node in module.graph.nodes:
                node.meta.pop("stack_trace", None)


def _foreign_operators(program: ExportedProgram) -> list[str]:
    targets = {
        node.target
        for module in program.graph_module.modules()
        if isinstance(module, torch.fx.GraphModule)
        for node in module.graph.nodes
    }
    operators = [target for target in targets if isinstance(target, torch._ops.OpOverload)]
    return sorted({operator._schema.name for operator in operators if operator.namespace not in TORCHS_OWN})
