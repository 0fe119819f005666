"""Pairs as lenses and cameras make them: what an `Augmentation` draws for a pair, and how a batch comes of it."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from bridgetune.config import NO_AUGMENTATION, Augmentation
from bridgetune.data.blur import disk_blurs, gaussian_blurs, random_kernel_size

APART = 0.25
"""Share of a change in exposure that the two images of a pair do not have in common."""

JPEG_QUALITIES = (60, 95)
THINNEST = 1e-3
"""Below this much of it, what lies behind an object is taken from the blur of the whole picture."""


class Blur(NamedTuple):
    """The blur of one pair.

    Attributes:
        kind: Of the kernel.
        kernel_size: Odd.
        far_kernel_size: At the far end of a slanted surface; equal to `kernel_size` elsewhere.
        direction: In which it grows, in radians.
        soft: Whether the object spills over its boundary.
        dark_edges: Whether black from beyond the picture spills into it.
    """

    kind: Literal["gaussian", "disk"]
    kernel_size: int
    far_kernel_size: int
    direction: float
    soft: bool
    dark_edges: bool


class Development(NamedTuple):
    """What a camera makes of the two images of a pair, (2, 3) and (2, 3, H, W).

    Attributes:
        gain, offset: On each channel of each image, about the middle of the scale.
        noise: Added.
        qualities: Of the JPEG files; 0 for none.
    """

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]
    noise: NDArray[np.float32]
    qualities: tuple[int, int]


@dataclass(frozen=True)
class Chance:
    """All that is drawn for one pair.

    Attributes:
        blur: See there.
        exchange: Whether the image with its object out of focus comes first.
        development: None for none.
    """

    blur: Blur
    exchange: bool = False
    development: Development | None = None


def draw_chance(
    augmentation: Augmentation, kernel_sizes: tuple[int, int], shape: tuple[int, int], rng: np.random.Generator
) -> Chance:
    """Draw for one pair of (H, W). Without augmentation, a kernel size is all that is drawn."""
    kernel_size = random_kernel_size(rng, *kernel_sizes)
    blur = Blur("gaussian", kernel_size, kernel_size, 0.0, soft=False, dark_edges=False)
    if augmentation == NO_AUGMENTATION:
        return Chance(blur)
    disk, soft, graded, dark_edges, exchange, jpeg = rng.random(6)
    blur = Blur(
        kind="disk" if disk < augmentation.disk else "gaussian",
        kernel_size=kernel_size,
        far_kernel_size=random_kernel_size(rng, *kernel_sizes) if graded < augmentation.graded else kernel_size,
        direction=rng.uniform(0, 2 * np.pi),
        soft=bool(soft < augmentation.soft),
        dark_edges=bool(dark_edges < augmentation.dark_edges),
    )
    return Chance(
        blur,
        exchange=bool(augmentation.exchange and exchange < 0.5),
        development=_draw_development(augmentation, shape, jpeg < augmentation.jpeg, rng),
    )


def _draw_development(
    augmentation: Augmentation, shape: tuple[int, int], jpeg: bool, rng: np.random.Generator
) -> Development | None:
    if not (augmentation.exposure or augmentation.noise or jpeg):
        return None
    # gain and offset: of the pair, of each channel, and a smaller one of each image
    common, channels, apart = (
        rng.uniform(-augmentation.exposure, augmentation.exposure, (2, *size)) for size in ((1, 1), (1, 3), (2, 1))
    )
    gain, offset = common + channels / 2 + APART * apart
    deviations = rng.uniform(0, augmentation.noise) * np.ones((2, 1, 1, 1), np.float32)
    noise = deviations * rng.standard_normal((2, 3, *shape), np.float32) if augmentation.noise else deviations
    low, high = JPEG_QUALITIES
    first, second = (int(quality) for quality in rng.integers(low, high + 1, 2)) if jpeg else (0, 0)
    return Development(np.float32(1) + gain.astype(np.float32), offset.astype(np.float32) / 2, noise, (first, second))


def defocused(images: Tensor, masks: Tensor, blurs: Sequence[Blur]) -> tuple[Tensor, Tensor]:
    """A batch with its objects in focus, and with the rest in focus.

    Args:
        images: All in focus, (B, 3, H, W) float in [0, 1].
        masks: Of the objects, (B, 1, H, W) in {0, 1}.
        blurs: One for each.
    """
    near, far = torch.empty_like(images), torch.empty_like(images)
    for compose, soft in ((_cut_out, False), (_occluding, True)):
        places = [place for place, blur in enumerate(blurs) if blur.soft == soft]
        if places:
            near[places], far[places] = compose(images[places], masks[places], [blurs[place] for place in places])
    return near, far


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


def developed(images: tuple[Tensor, Tensor], developments: Sequence[Development | None]) -> tuple[Tensor, Tensor]:
    """Two batches (B, 3, H, W) in [0, 1] as cameras would have stored them, in [0, 1]."""
    both = torch.stack(images, dim=1)
    for pair, development in zip(both, developments, strict=True):
        if development is None:
            continue
        gain, offset, noise = (torch.from_numpy(array).to(pair) for array in development[:3])
        pair.sub_(0.5).mul_(gain[..., None, None]).add_(0.5 + offset[..., None, None]).add_(noise).clamp_(0, 1)
        for image, quality in zip(pair, development.qualities, strict=True):
            if quality:
                image.copy_(_through_jpeg(image, quality))
    return both[:, 0], both[:, 1]


def _by_kinds(images: Tensor, kernels: Sequence[tuple[Literal["gaussian", "disk"], int]]) -> Tensor:
    blurred = torch.empty_like(images)
    for kind, blurs in (("gaussian", gaussian_blurs), ("disk", disk_blurs)):
        places = [place for place, (its_kind, _) in enumerate(kernels) if its_kind == kind]
        if places:
            blurred[places] = blurs(images[places], [kernels[place][1] for place in places])
    return blurred


def _slope(direction: float, images: Tensor) -> Tensor:
    """(1, H, W), rising from 0 to 1 from one end of the picture to the other in that direction."""
    rows, columns = (torch.linspace(-0.5, 0.5, side, device=images.device) for side in images.shape[2:])
    down, across = math.sin(direction), math.cos(direction)
    rise: Tensor = (down * rows[:, None] + across * columns) / (abs(down) + abs(across))
    return (rise + 0.5)[None].to(images)


def _through_jpeg(image: Tensor, quality: int) -> Tensor:
    pixels = (image * 255).round().byte().permute(1, 2, 0).numpy(force=True)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).to(image) / 255
