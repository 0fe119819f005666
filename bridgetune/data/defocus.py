"""Pairs as lenses make them: a batch of sharp images and masks becomes the two batches of its pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from bridgetune.data.blur import LARGEST_SUMMED, THINNEST, disk_blurs, gaussian_blurs, ring_blurs, wide_gaussian_blurs
from bridgetune.data.graded import Planes

Kernel = Literal["gaussian", "disk", "rings"]

GAMMA = 2.2
"""Of the curve by which stored values follow light."""


class Blur(NamedTuple):
    """The blur of one pair.

    Attributes:
        kind: Of the kernel.
        kernel_size: Odd.
        far_kernel_size: At the far end of a slanted surface; equal to `kernel_size` elsewhere.
        direction: In which it grows, in radians.
        soft: Whether the object spills over its boundary.
        dark_edges: Whether black from beyond the picture spills into it.
        linear: Whether light is blurred and composed, instead of stored values.
        layers: What the two sides of the mask are: `opaque` objects; `absorbing` ones in a bright field, through
            which the light passes one after the other; or `glowing` ones on dark ground, whose light adds up.
        planes: The two planes of one depth that are in focus, instead of an object and the rest; of what is above
            `linear` alone counts then.
    """

    kind: Kernel
    kernel_size: int
    far_kernel_size: int
    direction: float
    soft: bool
    dark_edges: bool
    linear: bool = False
    layers: Literal["opaque", "absorbing", "glowing"] = "opaque"
    planes: Planes | None = None


def defocused(images: Tensor, masks: Tensor, blurs: Sequence[Blur]) -> tuple[Tensor, Tensor]:
    """A batch with its objects in focus, and with the rest in focus.

    Args:
        images: All in focus, (B, 3, H, W) float in [0, 1].
        masks: Of the objects, (B, 1, H, W) in {0, 1}.
        blurs: One for each.
    """
    near, far = torch.empty_like(images), torch.empty_like(images)
    linear = [place for place, blur in enumerate(blurs) if blur.linear]
    if linear:
        images = images.clone()
        images[linear] = images[linear].clamp(0, 1) ** GAMMA
    for compose in (_cut_out, _occluding, _absorbing, _glowing, _graded):
        places = [place for place, blur in enumerate(blurs) if _composition(blur) is compose]
        if places:
            near[places], far[places] = compose(images[places], masks[places], [blurs[place] for place in places])
    for side in (near, far) if linear else ():
        side[linear] = side[linear].clamp(0, 1) ** (1 / GAMMA)
    return near, far


def in_focus(masks: Tensor, blurs: Sequence[Blur]) -> Tensor:
    """Where the first of each pair of `defocused` is the sharper one, (B, 1, H, W) in {0, 1}.

    Args:
        masks: Of the objects, (B, 1, H, W) in {0, 1}.
        blurs: One for each.
    """
    graded = [place for place, blur in enumerate(blurs) if blur.planes is not None]
    if graded:
        masks = masks.clone()
        for place in graded:
            masks[place] = _planes(blurs[place]).first_is_sharper(masks[place])
    return masks


def _planes(blur: Blur) -> Planes:
    assert blur.planes is not None
    return blur.planes


def _composition(blur: Blur) -> Callable[[Tensor, Tensor, Sequence[Blur]], tuple[Tensor, Tensor]]:
    if blur.planes is not None:
        return _graded
    if blur.layers == "opaque":
        return _occluding if blur.soft else _cut_out
    return _absorbing if blur.layers == "absorbing" else _glowing


def _cut_out(images: Tensor, masks: Tensor, blurs: Sequence[Blur]) -> tuple[Tensor, Tensor]:
    """m·I + (1-m)·blur(I) and (1-m)·I + m·blur(I), Section 4.1 of the paper."""
    blurred, inside = blurred_by(images, blurs), masks.bool()
    return torch.where(inside, images, blurred), torch.where(inside, blurred, images)


def _occluding(images: Tensor, masks: Tensor, blurs: Sequence[Blur]) -> tuple[Tensor, Tensor]:
    """The object is a layer before the rest: its blur and its matte's spill over, what it hides is filled from around.

    With b, the blurred rest without the object, blur((1-m)·I) / blur(1-m): m·I + (1-m)·b, and
    blur(m·I) + (1-blur(m))·((1-m)·I + m·b).
    """
    layers = blurred_by(torch.cat([images, masks * images, masks], dim=1), blurs)
    whole, objects, matte = torch.split(layers, [3, 3, 1], dim=1)
    rest = torch.where(1 - matte > THINNEST, (whole - objects) / (1 - matte).clamp(min=THINNEST), whole).clamp(0, 1)
    return torch.lerp(rest, images, masks), objects + (1 - matte) * torch.lerp(images, rest, masks)


def _absorbing(images: Tensor, masks: Tensor, blurs: Sequence[Blur]) -> tuple[Tensor, Tensor]:
    """With t and u, what the object and the rest let through of the ground's light g: g·t·blur(u) and g·blur(t)·u."""
    ground = images.amax(dim=(2, 3), keepdim=True).clamp(min=THINNEST)
    object_, rest = (torch.lerp(torch.ones_like(images), images / ground, inside) for inside in (masks, 1 - masks))
    return ground * object_ * blurred_by(rest, blurs), ground * blurred_by(object_, blurs) * rest


def _glowing(images: Tensor, masks: Tensor, blurs: Sequence[Blur]) -> tuple[Tensor, Tensor]:
    """Above the ground's light g, the object's and the rest's add up: g + m·(I-g) + blur((1-m)·(I-g)), and so on."""
    ground = images.amin(dim=(2, 3), keepdim=True)
    object_, rest = masks * (images - ground), (1 - masks) * (images - ground)
    return ground + object_ + blurred_by(rest, blurs), ground + blurred_by(object_, blurs) + rest


def _graded(images: Tensor, masks: Tensor, blurs: Sequence[Blur]) -> tuple[Tensor, Tensor]:
    """Each scene twice, with one of its planes in focus and with the other."""
    shown = [_planes(blur).shown(image, mask) for image, mask, blur in zip(images, masks, blurs, strict=True)]
    first, second = (torch.stack(side) for side in zip(*shown, strict=True))
    return first, second


def blurred_by(images: Tensor, blurs: Sequence[Blur]) -> Tensor:
    """Each image (B, C, H, W) by its own kernel; on a slanted surface, a blend of two from edge to edge."""
    margin = max(max(blur.kernel_size, blur.far_kernel_size) for blur in blurs) // 2
    dark = [place for place, blur in enumerate(blurs) if blur.dark_edges]
    blurred = _blurred_within(images, blurs)
    if dark:
        framed = pad(torch.ones_like(images[dark, :1]), [margin] * 4)
        edges = _blurred_within(framed, [blurs[place] for place in dark])
        blurred[dark] *= edges[..., margin:-margin, margin:-margin]
    return blurred


def _blurred_within(images: Tensor, blurs: Sequence[Blur]) -> Tensor:
    near = _by_kinds(images, [(blur.kind, blur.kernel_size) for blur in blurs])
    slanted = [place for place, blur in enumerate(blurs) if blur.far_kernel_size != blur.kernel_size]
    if slanted:
        far = _by_kinds(images[slanted], [(blurs[place].kind, blurs[place].far_kernel_size) for place in slanted])
        slopes = torch.stack([_slope(blurs[place].direction, images) for place in slanted])
        near[slanted] = torch.lerp(near[slanted], far, slopes)
    return near


def _by_kinds(images: Tensor, kernels: Sequence[tuple[Kernel, int]]) -> Tensor:
    blurred = torch.empty_like(images)
    for blurs, takes in _KINDS:
        places = [place for place, kernel in enumerate(kernels) if takes(*kernel)]
        if places:
            blurred[places] = blurs(images[places], [kernels[place][1] for place in places])
    return blurred


_KINDS: tuple[tuple[Callable[[Tensor, Sequence[int]], Tensor], Callable[[Kernel, int], bool]], ...] = (
    (gaussian_blurs, lambda kind, size: kind == "gaussian" and size <= LARGEST_SUMMED),
    (wide_gaussian_blurs, lambda kind, size: kind == "gaussian" and size > LARGEST_SUMMED),
    (disk_blurs, lambda kind, _: kind == "disk"),
    (ring_blurs, lambda kind, _: kind == "rings"),
)


def _slope(direction: float, images: Tensor) -> Tensor:
    """(1, H, W), rising from 0 to 1 from one end of the picture to the other in that direction."""
    rows, columns = (torch.linspace(-0.5, 0.5, side, device=images.device) for side in images.shape[2:])
    down, across = math.sin(direction), math.cos(direction)
    rise: Tensor = (down * rows[:, None] + across * columns) / (abs(down) + abs(across))
    return (rise + 0.5)[None].to(images)
