"""What may befall a sharp scene and its mask before anything is blurred: other seams, other light, cells.

Every change is drawn without arithmetic, by `draw`, and made on the device of training, by `changed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from bridgetune.data.blur import wide_gaussian_blurs

CELLS = (6, 40)
"""How many there are in a square of `CELL_FIELD`² pixels."""

CELL_FIELD = 224

CELL_RADII = (6.0, 26.0)
"""Of nuclei, in pixels."""

STAINS = np.array([[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]], np.float32)
"""What haematoxylin and eosin absorb of red, green and blue: optical densities (Ruifrok & Johnston, 2001)."""


class SceneChange(Protocol):
    """A change of one scene."""

    def changed(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The image (3, H, W) in [0, 1] and the mask (1, H, W) in {0, 1} that come of it."""
        ...


def changed_scenes(images: Tensor, masks: Tensor, changes: Sequence[Sequence[SceneChange]]) -> tuple[Tensor, Tensor]:
    """A batch of scenes, (B, 3, H, W) and (B, 1, H, W), after the changes of each, in order."""
    if not any(changes):
        return images, masks
    images, masks = images.clone(), masks.clone()
    for place, its_changes in enumerate(changes):
        for change in its_changes:
            images[place], masks[place] = change.changed(images[place], masks[place])
    return images, masks


class Region(NamedTuple):
    """A part of the picture with smooth bounds: where a coarse grid of numbers, enlarged, is among its highest.

    Attributes:
        grid: (n, n).
        share: Of the picture that lies inside.
    """

    grid: NDArray[np.float32]
    share: float

    @classmethod
    def draw(cls, rng: np.random.Generator, shares: tuple[float, float] = (0.2, 0.7)) -> Self:
        side = int(rng.integers(3, 8))
        return cls(rng.standard_normal((side, side), np.float32), rng.uniform(*shares))

    def inside(self, image: Tensor) -> Tensor:
        """1 inside and 0 outside, (1, H, W)."""
        grid = torch.from_numpy(self.grid).to(image)[None, None]
        heights = interpolate(grid, size=image.shape[-2:], mode="bicubic", align_corners=True)[0]
        return (heights > heights.flatten().quantile(1 - self.share)).to(image)


class Across(NamedTuple):
    """A seam that is none of an object's: the limit of a slanted or hilly surface's part that is in focus.

    Attributes:
        direction: In which the surface rises, in radians.
        hills: How much a `region`'s grid adds to the slope.
        region: Its `share` is that of the part in focus.
        objects: Whether the scene's own object stays in focus, too.
    """

    direction: float
    hills: float
    region: Region
    objects: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        direction, hills = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
        return cls(direction, hills, Region.draw(rng, (0.25, 0.75)), bool(rng.random() < 0.5))

    def changed(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        side = len(self.region.grid)
        steps = np.linspace(-1, 1, side, dtype=np.float32)
        slope = np.sin(self.direction) * steps[:, None] + np.cos(self.direction) * steps
        surface = self.region._replace(grid=(slope + self.hills * self.region.grid).astype(np.float32))
        inside = surface.inside(image)
        return image, torch.maximum(inside, mask) if self.objects else inside


EvenPlace = Literal["object", "rest", "region"]

EVEN_PLACES: tuple[EvenPlace, ...] = ("object", "rest", "region")

EVEN_KERNEL = 101
"""Of the mean that an even region is made of: a deviation of 15.5 pixels."""


class Even(NamedTuple):
    """A region that is nearly even, in sharp bounds.

    Attributes:
        where: The object, the rest, or a region.
        region: For the last.
        share: Of the picture's own contrast that is left.
    """

    where: EvenPlace
    region: Region
    share: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        return cls(EVEN_PLACES[rng.integers(len(EVEN_PLACES))], Region.draw(rng), rng.uniform(0, 0.2))

    def changed(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        inside = {"object": mask, "rest": 1 - mask}.get(self.where)
        if inside is None:
            inside = self.region.inside(image)
        sums = wide_gaussian_blurs(torch.cat([inside * image, inside])[None], [EVEN_KERNEL])[0]
        smooth = (sums[:3] / sums[3:].clamp(min=1e-3)).clamp(0, 1)
        return torch.lerp(image, torch.lerp(smooth, image, self.share), inside), mask


class Backlight(NamedTuple):
    """One side of the seam dark, the other bright.

    Attributes:
        dark: What is left of the light of the one.
        bright: What is left of the other's distance from white.
        object: Whether the dark side is the object's.
    """

    dark: float
    bright: float
    object: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        return cls(rng.uniform(0.05, 0.4), rng.uniform(0.1, 0.6), bool(rng.random() < 0.7))

    def changed(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        inside = mask if self.object else 1 - mask
        return torch.lerp(1 - self.bright * (1 - image), self.dark * image, inside), mask


class Softened(NamedTuple):
    """A scene that is blurred before either image is.

    Attributes:
        kernel_size: Of a Gaussian.
        region: Where; None for everywhere, growing in a direction.
        direction: In radians.
    """

    kernel_size: int
    region: Region | None
    direction: float

    @classmethod
    def draw(cls, rng: np.random.Generator, radii: tuple[float, float], regional: bool) -> Self:
        radius = np.exp(rng.uniform(*np.log(radii)))
        region = Region.draw(rng, (0.1, 0.35)) if regional else None
        return cls(2 * round(radius) + 1, region, rng.uniform(0, 2 * np.pi))

    def changed(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        blurred = wide_gaussian_blurs(image[None], [self.kernel_size])[0]
        if self.region is not None:
            return torch.lerp(image, blurred, self.region.inside(image)), mask
        rows, columns = (torch.linspace(-1, 1, side).to(image) for side in image.shape[1:])
        down, across = np.sin(self.direction), np.cos(self.direction)
        rise = (down * rows[:, None] + across * columns) / (abs(down) + abs(across))
        return torch.lerp(image, blurred, rise.clamp(0, 1)), mask


class Cells(NamedTuple):
    """Cells instead of the scene, which gives them their texture; its mask gives way to which of them are in focus.

    A pixel of the empty ground belongs to the cell that it is nearest to.

    Attributes:
        places: Of the middles, as shares of the sides, (N, 2).
        radii: Of the nuclei, down and across before they are turned, in pixels, (N, 2).
        angles: By which they are turned, in radians, (N,).
        density: Of each nucleus, and of the cell around it, (N, 2).
        sizes: Of each cell around its nucleus, as a multiple of it, (N,).
        nearer: Which are in focus with the object, (N,).
        colours: What nuclei and cells absorb, or give, of each channel, (2, 3).
        ground: The empty ground, (3,).
        glowing: Whether they shine on dark ground instead of absorbing its light.
    """

    places: NDArray[np.float32]
    radii: NDArray[np.float32]
    angles: NDArray[np.float32]
    density: NDArray[np.float32]
    sizes: NDArray[np.float32]
    nearer: NDArray[np.bool_]
    colours: NDArray[np.float32]
    ground: NDArray[np.float32]
    glowing: bool

    @classmethod
    def draw(cls, rng: np.random.Generator, shape: tuple[int, int], glowing: bool) -> Self:
        fields = shape[0] * shape[1] / CELL_FIELD**2
        count = 2 + int(fields * np.exp(rng.uniform(*np.log(CELLS))))
        places = rng.uniform(-0.05, 1.05, (count, 2))
        if rng.random() < 0.5:  # clusters
            around = rng.integers(max(1, count // 6), size=count)
            places = places[around] + rng.normal(0, 0.09, (count, 2))
        size = np.exp(rng.uniform(*np.log(CELL_RADII)))
        radii = size * rng.uniform(0.75, 1.25, (count, 2))
        # in focus together by chance, or by where they lie
        direction = rng.uniform(0, 2 * np.pi)
        along = (places - 0.5) @ (np.sin(direction), np.cos(direction)) if rng.random() < 0.5 else np.zeros(count)
        nearer = along + rng.normal(0, 0.1, count) > 0
        nearer[:2] = True, False
        if glowing:
            colours = rng.dirichlet((0.4, 0.4, 0.4), 2) + 0.05
            ground = rng.uniform(0, 0.06, 3)
        else:
            colours = STAINS * rng.uniform(0.7, 1.3, (2, 3))
            ground = rng.uniform(0.75, 0.97) + rng.uniform(-0.06, 0.03, 3)
        density = np.stack([rng.uniform(0.5, 1.0, count) * rng.uniform(0.8, 3.0), rng.uniform(0, 0.5, count)], axis=1)
        return cls(
            places=places.astype(np.float32),
            radii=radii.astype(np.float32),
            angles=rng.uniform(0, np.pi, count).astype(np.float32),
            density=density.astype(np.float32),
            sizes=rng.uniform(1.2, 2.2, count).astype(np.float32),
            nearer=nearer,
            colours=colours.astype(np.float32),
            ground=ground.astype(np.float32),
            glowing=glowing,
        )

    def changed(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        sides = torch.tensor(image.shape[1:]).to(image)
        rows, columns = (torch.arange(side).to(image) for side in image.shape[1:])
        texture = 0.5 + image.mean(0)
        amounts = image.new_zeros(2, *image.shape[1:])
        nearest, inside = torch.full_like(texture, torch.inf), torch.zeros_like(texture)
        for place, radii, angle, density, size, nearer in zip(
            self.places, self.radii, self.angles, self.density, self.sizes, self.nearer, strict=True
        ):
            down, across = rows[:, None] - float(place[0]) * sides[0], columns - float(place[1]) * sides[1]
            sine, cosine = float(np.sin(angle)), float(np.cos(angle))
            high, wide = (float(radius) for radius in radii)
            distance = torch.hypot((cosine * down + sine * across) / high, (cosine * across - sine * down) / wide)
            radius = (high + wide) / 2
            beyond = (distance - 1) * radius
            amounts[0] += float(density[0]) * (0.5 - beyond).clamp(0, 1)
            amounts[1] += float(density[1]) * (0.5 - (distance - float(size)) * radius).clamp(0, 1)
            inside = torch.where(beyond < nearest, float(nearer), inside)
            nearest = torch.minimum(nearest, beyond)
        colours, ground = torch.from_numpy(self.colours).to(image), torch.from_numpy(self.ground).to(image)
        light = torch.einsum("khw,kc->chw", amounts * texture, colours)
        if self.glowing:
            return (ground[:, None, None] + light).clamp(0, 1), inside[None]
        return (ground[:, None, None] * torch.exp(-light)).clamp(0, 1), inside[None]
