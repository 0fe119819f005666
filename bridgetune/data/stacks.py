"""Stacks of which the truth is known: the frames that a lens makes of a sharp photograph and its depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample

from bridgetune.config.bounds import within
from bridgetune.config.making import FrameCount, StackMaking
from bridgetune.data.defocus import GAMMA
from bridgetune.data.depths import made_depth
from bridgetune.data.planes import focused
from bridgetune.errors import RequestError
from bridgetune.pictures._samples import Pixels

ROWS = 512
"""That are moved and stored at a time."""

LEAST = 16
"""Pixels that either side of a frame has to have left."""

SPARE = 2
"""Pixels beyond the farthest that a frame shows, for what interpolates between them."""

AROUND = 6
"""Rows beside those that are shown which have a say in what is twice as large."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MadeStack:
    """A stack, each frame of which is made when it is asked for.

    Attributes:
        photograph: All in focus, (H, W, 3) uint8 or uint16; what frames that move show at their edges included.
        whole_depth: Of it, (H, W) float32 in [0, 1], 0 nearest.
        margin: Pixels of it around the truth, on every side.
        making: What becomes of it.
        transforms: Of each frame, (3, 3) from a pixel (x right, y down) of the truth to its place in the frame; the
            middle one's changes nothing.
        noise_seeds: Of each frame.
    """

    photograph: Pixels
    whole_depth: NDArray[np.float32]
    margin: int
    making: StackMaking
    transforms: tuple[Matrix, ...]
    noise_seeds: tuple[np.random.SeedSequence, ...]

    def __len__(self) -> int:
        return len(self.transforms)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the frames and of the truth."""
        height, width = self.whole_depth.shape
        return height - 2 * self.margin, width - 2 * self.margin

    @property
    def clear(self) -> Pixels:
        """The truth: all in focus, where the middle frame sees it, (h, w, 3)."""
        return self.photograph[self._inside]

    @property
    def depth(self) -> NDArray[np.float32]:
        """Of the truth, (h, w), 0 nearest."""
        return self.whole_depth[self._inside]

    @property
    def focus(self) -> list[float]:
        """The depth that is in focus in each frame, from 0, nearest, to 1."""
        return [float(depth) for depth in np.linspace(0, 1, len(self))]

    @cached_property
    def index(self) -> NDArray[np.uint16]:
        """Which frame is sharpest at each pixel of the truth, (h, w)."""
        nearest: NDArray[np.uint16] = np.rint(self.depth * (len(self) - 1)).astype(np.uint16)
        return nearest

    def frame(self, index: int) -> Pixels:
        """Frame `index`, nearest first, (h, w, 3) of the photograph's type; the same whenever it is asked for."""
        full = np.iinfo(self.photograph.dtype).max
        light = torch.from_numpy(np.moveaxis(self.photograph, -1, 0).astype(np.float32, order="C"))
        light.div_(full).pow_(GAMMA)
        depth = torch.from_numpy(self.whole_depth)
        shown = focused(light, depth, self.focus[index], self.making.blur).clamp_(0, 1).pow_(1 / GAMMA)
        del light
        rng = np.random.default_rng(self.noise_seeds[index])
        height, width = self.size
        frame = np.empty((height, width, 3), self.photograph.dtype)
        for top in range(0, height, ROWS):
            rows = self._seen(shown, index, slice(top, min(top + ROWS, height))).permute(1, 2, 0).numpy()
            if self.making.noise:
                rows = rows + np.float32(self.making.noise) * rng.standard_normal(rows.shape, np.float32)
            frame[top : top + ROWS] = np.rint(rows.clip(0, 1) * full)
        return frame

    def _seen(self, shown: Tensor, index: int, rows: slice) -> Tensor:
        """Some rows of a frame, (3, n, w), of what it would show if nothing moved, (3, H, W).

        A lens moves what it shows before there are pixels: what is interpolated is twice as large, and loses little.
        """
        transform, (_, width) = self.transforms[index], self.size
        if np.array_equal(transform, np.eye(3)):
            return shown[:, rows.start + self.margin : rows.stop + self.margin, self.margin : self.margin + width]
        back = np.linalg.inv(transform)
        down, across = np.mgrid[rows, :width]
        right, below = (back[axis, 0] * across + back[axis, 1] * down + back[axis, 2] + self.margin for axis in (0, 1))
        first, last = max(int(below.min()) - AROUND, 0), min(int(below.max()) + AROUND + 1, shown.shape[1])
        larger = _twice_as_large(shown[:, first:last])
        places = zip((right, below - first), larger.shape[:0:-1], strict=True)
        grid = np.stack([(4 * at + 2) / side - 1 for at, side in places], axis=-1)
        found = torch.from_numpy(grid.astype(np.float32))[None]
        seen: Tensor = grid_sample(larger[None], found, "bicubic", "reflection", align_corners=False)[0]
        return seen

    @property
    def _inside(self) -> tuple[slice, slice]:
        rows, columns = (slice(self.margin, side - self.margin) for side in self.whole_depth.shape)
        return rows, columns


def make_stack(
    photograph: Pixels,
    frames: int,
    making: StackMaking | None = None,
    *,
    depth: NDArray[np.float32] | None = None,
    seed: int | Sequence[int] = 0,
) -> MadeStack:
    """Frames of a sharp photograph, as a lens makes them that is focused from the nearest to the farthest.

    They are blurred by disks and composed from far to near in linear light: what is near spills over what is far. Of
    frames that move, the photograph's rim is kept for what the others see beyond the middle one's edges, so that all
    are a little smaller than it. Equal arguments give equal frames, whatever order they are asked for in.

    Args:
        photograph: All in focus, (H, W, 3) uint8 or uint16.
        frames: How many, 2 to 1000, in even steps of depth.
        making: How they are made; None for `StackMaking()`.
        depth: (H, W) in [0, 1], 0 nearest; None to make one as `making.depth_shape` says.
        seed: Of all that is drawn.

    Raises:
        RequestError: A number of frames out of range, a depth of another size or range, or a photograph too small for
            how far its frames move.
    """
    making = making or StackMaking()
    shape = photograph.shape[0], photograph.shape[1]
    if depth is not None and (depth.shape != shape or not (depth.min() >= 0 and depth.max() <= 1)):
        raise RequestError(f"depth: got shape {depth.shape} and other values than 0 to 1, expected {shape}, 0 to 1")
    motions, margin = plan_motions(shape, frames, making, seed)
    _, drawing, *noise = np.random.SeedSequence(seed).spawn(frames + 2)
    centre = [(side - 1) / 2 - margin for side in (shape[1], shape[0])]
    return MadeStack(
        photograph,
        made_depth(making.depth_shape, shape, np.random.default_rng(drawing)) if depth is None else depth,
        margin,
        making,
        tuple(_about(motion, centre) for motion in motions),
        tuple(noise),
    )


def plan_motions(
    shape: tuple[int, int], frames: int, making: StackMaking, seed: int | Sequence[int]
) -> tuple[list[Matrix], int]:
    """How each frame of `make_stack` moves, about its middle, and how much of the photograph's rim that takes.

    Raises:
        RequestError: A number of frames out of range, or too little is left of a photograph of (H, W).
    """
    within("frames", frames, FrameCount)
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    middle = frames // 2
    motions = [_motion(making, (place - middle) / (frames - 1), rng) for place in range(frames)]
    motions[middle] = np.eye(3)
    margin = _margin(motions, shape)
    if min(shape) - 2 * margin < LEAST:
        raise RequestError(
            f"photograph: {shape[1]}x{shape[0]} pixels, and its frames move by up to {margin}, expected {LEAST} pixels"
            " of a side to be left; let them move less, or give a larger one"
        )
    return motions, margin


def _twice_as_large(shown: Tensor) -> Tensor:
    """(C, H, W) -> (C, 2·H, 2·W), by Lanczos's kernel of eight."""
    import cv2

    height, width = 2 * shown.shape[1], 2 * shown.shape[2]
    planes = [cv2.resize(plane.numpy(), (width, height), interpolation=cv2.INTER_LANCZOS4) for plane in shown]
    return torch.from_numpy(np.stack(planes))


def _motion(making: StackMaking, place: float, rng: np.random.Generator) -> Matrix:
    """Of a frame, about its middle; `place` is how far it is from the middle frame, as a share of the stack."""
    angle = np.deg2rad(making.rotation) * rng.uniform(-1, 1)
    across, down = making.shift * rng.uniform(-1, 1, 2)
    scale = 1 + making.breathing * place
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cosine, -sine, across], [sine, cosine, down], [0, 0, 1]])


def _about(motion: Matrix, centre: Sequence[float]) -> Matrix:
    there = np.eye(3)
    there[:2, 2] = centre
    moved: Matrix = there @ motion @ np.linalg.inv(there) if not np.array_equal(motion, np.eye(3)) else motion
    return moved


def _margin(motions: Sequence[Matrix], shape: tuple[int, int]) -> int:
    """How far beyond the middle frame's edges the others see, in whole pixels."""
    across, down = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    corners = np.array([[x, y, 1] for x in (-across, across) for y in (-down, down)]).T
    farthest = max(float(np.abs((np.linalg.inv(motion) @ corners - corners)[:2]).max()) for motion in motions)
    return int(np.ceil(farthest)) + SPARE if farthest else 0
