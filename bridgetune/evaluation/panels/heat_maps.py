"""Where a layer looks: Grad-CAM heat maps, Fig. 1 of the paper, by captum."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from bridgetune.errors import RequestError
from bridgetune.modes import evaluating
from bridgetune.protocol import Generator
from bridgetune.synthesis import decision_map
from bridgetune.wrapping import Adapter
from bridgetune.wrapping.adapter import padded_side
from bridgetune.wrapping.reading import outline

_NAMED_AT_MOST = 12


def heat_maps(
    generator: Generator,
    first: Tensor,
    second: Tensor,
    layers: Sequence[str],
    towards: Literal["first", "second"] = "first",
    region: Tensor | None = None,
) -> dict[str, Tensor]:
    """Grad-CAM of a decision map: what in a layer's output speaks for an image being in focus in a region.

    Grad-CAM explains a number; a map has none of its own. Here it is the mean mask logit over `region`, its sign
    turned where it is the second image that is explained. The layer's channels are weighted by the mean gradient of
    that number, summed, and cut off below 0.

    Args:
        generator: In any mode; run in eval mode, its mode and gradients are left as they were.
        first, second: (B, 3, H, W) float in [0, 1].
        layers: Names of modules of the wrapped network, as in its `named_modules()`, that are called once in a pass
            and return (B, C, h, w).
        towards: Which image's being in focus is explained.
        region: (B, 1, H, W) weights >= 0; default 1 where the generator decides for that image, else 0.

    Returns:
        Layer -> (B, 1, H, W) in [0, 1], 1 at each image's maximum; 0 everywhere where nothing in the layer speaks for
        the image, or the region is empty.

    Raises:
        RequestError: No such layer, or one that is called several times or returns no such tensor.
    """
    from captum.attr import LayerGradCam

    with evaluating(generator):
        modules = _checked_layers(generator, first, second, layers)
        sign = 1 if towards == "first" else -1
        if region is None:
            with torch.no_grad():
                decision = decision_map(generator(first, second))
            region = decision if towards == "first" else 1 - decision
        weights = sign * region / region.sum((1, 2, 3), keepdim=True).clamp_min(torch.finfo(region.dtype).tiny)

        def target(one: Tensor, other: Tensor) -> Tensor:
            weighted: Tensor = generator(one, other) * weights
            return weighted.sum((1, 2, 3))

        found: dict[str, Tensor] = {}
        for layer, module in modules.items():
            pair = first.detach().clone(), second.detach().clone()
            with torch.enable_grad():
                found[layer] = LayerGradCam(target, module).attribute(pair, relu_attributions=True).detach()
    return {layer: _scaled(heat, _padded(generator, first), first.shape[-2:]) for layer, heat in found.items()}


def _scaled(heat: Tensor, padded: Sequence[int], sides: Sequence[int]) -> Tensor:
    """From a layer's size to the image's, each image's maximum to 1."""
    large = interpolate(heat.float(), size=list(padded), mode="bilinear", align_corners=False)
    large = large[..., : sides[0], : sides[1]].clamp_min(0)
    return large / large.amax((1, 2, 3), keepdim=True).clamp_min(torch.finfo(large.dtype).tiny)


def shown_layers(generator: Generator, first: Tensor, second: Tensor) -> dict[str, tuple[int, ...]]:
    """The layers that `heat_maps` can show, by name, with the shapes of what they return for this pair."""
    with evaluating(generator):
        returned = _returned(generator, first, second)
    sides = _padded(generator, first)
    return {
        name: tuple(outputs[0].shape)
        for name, outputs in returned.items()
        if name and len(outputs) == 1 and _is_map(outputs[0], sides)
    }


def overlaid(image: Tensor, heat: Tensor) -> Tensor:
    """A heat map over its image, in gray: dark purple for 0 to yellow for 1 (matplotlib's inferno).

    Args:
        image: (3, H, W) in [0, 1].
        heat: (1, H, W) in [0, 1].

    Returns:
        (3, H, W) in [0, 1].
    """
    from matplotlib import colormaps

    colours = torch.from_numpy(colormaps["inferno"](heat[0].cpu().numpy())[..., :3]).to(image).permute(2, 0, 1)
    return 0.4 * image.mean(0, keepdim=True) + 0.6 * colours


def _checked_layers(generator: Generator, first: Tensor, second: Tensor, layers: Sequence[str]) -> dict[str, nn.Module]:
    network = _network(generator)
    returned = _returned(generator, first, second)
    modules = dict(network.named_modules())
    sides = _padded(generator, first)
    for layer in layers:
        outputs = returned.get(layer, [])
        if not layer or layer not in modules:
            said = "no such layer"
        elif len(outputs) != 1:
            said = f"is called {len(outputs)} times in a pass, expected once"
        elif not _is_map(outputs[0], sides):
            said = f"returns {outline(outputs[0])}, expected (B, C, h, w) in proportion to the images"
        else:
            continue
        names = sorted(shown_layers(generator, first, second), key=lambda name: name.count("."))
        more = f" … ({len(names)} in all)" if len(names) > _NAMED_AT_MOST else ""
        raise RequestError(f"layer {layer!r}: {said}; name one of {', '.join(names[:_NAMED_AT_MOST])}{more}")
    return {layer: modules[layer] for layer in layers}


def _network(generator: Generator) -> nn.Module:
    return generator.unwrap() if isinstance(generator, Adapter) else generator


def _padded(generator: Generator, image: Tensor) -> list[int]:
    """The sides that the network sees: an adapter pads."""
    sides = list(image.shape[-2:])
    if not isinstance(generator, Adapter):
        return sides
    return [padded_side(side, generator.config.multiple, generator.config.minimum) for side in sides]


def _returned(generator: Generator, first: Tensor, second: Tensor) -> dict[str, list[object]]:
    """What every module returns in a pass, a list by its name, in the order of the first calls."""
    returned: dict[str, list[object]] = {}

    def keeping(name: str) -> Callable[[nn.Module, object, object], None]:
        return lambda module, given, output: returned.setdefault(name, []).append(output)

    hooks = [module.register_forward_hook(keeping(name)) for name, module in _network(generator).named_modules()]
    try:
        with torch.no_grad():
            generator(first, second)
    finally:
        for hook in hooks:
            hook.remove()
    return returned


def _is_map(output: object, sides: Sequence[int]) -> TypeGuard[Tensor]:
    """Whether (B, C, h, w), its sides in proportion to the network's input, give or take one for rounding."""
    if not isinstance(output, Tensor) or output.ndim != 4 or min(output.shape[-2:]) < 2:
        return False
    (height, width), (h, w) = sides, output.shape[-2:]
    return abs(h * width / height - w) <= max(1, width / height)
