"""The order of a stack's frames, measured from themselves: each beside those that are sharp in nearly the same places.

A focal plane that moves through a scene leaves what is sharp in one frame nearly so in the next. The order is the
shortest path through all frames, by how they differ in where they are sharp and in what they show: of frames at both
ends nothing is sharp, but a lens that breathes shows them in different sizes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.stacks.looking import Look

FLOOR = 0.3
"""Share of the median sharpness that is added, so that differences of what is all blurred count little."""

ASTRAY, FEWEST = 1.6, 5
"""How many times as long as the shortest path the frames' own is that has hardly to do with depth: in order, real ones
have 1.0, those of a restless hand up to 1.5, shuffled ones 1.6 to 7 in the middle. And of how many that is told."""

Distances = NDArray[np.float64]


def depth_order(looks: Sequence[Look]) -> list[int]:
    """Places of the frames in the order of their depth, from that end that was nearer to the beginning.

    Args:
        looks: Of frames of one size, as they came.
    """
    if len(looks) < 3:
        return list(range(len(looks)))
    best = _shortest(distances(looks))
    backwards = np.corrcoef(best, np.arange(len(best)))[0, 1] < 0
    return best[::-1] if backwards else best


def is_astray(looks: Sequence[Look]) -> bool:
    """Whether frames, as they came, jump to and fro in depth.

    Args:
        looks: Of frames of one size.
    """
    if len(looks) < FEWEST:
        return False
    apart = distances(looks)
    return _length(apart, range(len(looks))) >= ASTRAY * _length(apart, _shortest(apart))


def _shortest(apart: Distances) -> list[int]:
    """The shortest path through all that is found, from wherever it begins."""
    starts = [list(range(len(apart))), *(_nearest_first(apart, start) for start in _spread(len(apart)))]
    return min((_shortened(apart, path) for path in starts), key=lambda path: _length(apart, path))


def _length(apart: Distances, path: Sequence[int]) -> float:
    return float(apart[list(path[:-1]), list(path[1:])].sum())


def distances(looks: Sequence[Look]) -> Distances:
    """How frames differ, (N, N): in where they are sharp, and in what they show; 1 in the middle."""
    sharpness = np.stack([one.sharpness.ravel() for one in looks]).astype(np.float64)
    profile = np.log(sharpness + FLOOR * np.median(sharpness) + 1e-9)
    profile -= profile.mean(0)
    shown = np.stack([one.small.ravel() for one in looks]).astype(np.float64)
    shown /= shown.mean(1, keepdims=True) + 1e-9
    return np.hypot(_even(_apart(profile)), _even(_apart(shown)))


def _apart(vectors: NDArray[np.float64]) -> Distances:
    return np.stack([np.sqrt(np.mean((vectors - one) ** 2, axis=1)) for one in vectors])


def _even(apart: Distances) -> Distances:
    middle = float(np.median(apart[~np.eye(len(apart), dtype=bool)]))
    return apart / middle if middle > 0 else apart


def _spread(frames: int) -> list[int]:
    return sorted({0, frames // 2, frames - 1})


def _nearest_first(apart: Distances, start: int) -> list[int]:
    """From a frame to the one that differs least of those that are left."""
    path, left = [start], set(range(len(apart))) - {start}
    while left:
        path.append(min(left, key=lambda each: apart[path[-1], each]))
        left.remove(path[-1])
    return path


def _shortened(apart: Distances, path: list[int]) -> list[int]:
    """A path that neither turning a part of it round nor moving a frame shortens."""
    frames = len(path)
    outside = np.zeros((frames + 1, frames + 1))  # either end is next to nothing
    outside[:frames, :frames] = apart
    while True:
        places = np.array([frames, *path, frames])
        before, after = outside[places[:-2]], outside[places[2:]]
        step = outside[places[:-1], places[1:]]
        # part i..j turned round: (i-1, j) and (i, j+1) in the place of (i-1, i) and (j, j+1)
        turned = before[:, places[1:-1]] + after[:, places[1:-1]].T - step[:-1, None] - step[None, 1:]
        turned[np.tril_indices(frames)] = 0
        first, last = np.unravel_index(turned.argmin(), turned.shape)
        gained = -turned[first, last]
        moved = _moved(outside, path)
        if moved is not None and moved[0] > max(gained, 1e-9):
            path = moved[1]
        elif gained > 1e-9:
            path = path[:first] + path[first : last + 1][::-1] + path[last + 1 :]
        else:
            return path


def _moved(outside: Distances, path: list[int]) -> tuple[float, list[int]] | None:
    """The path with the one frame elsewhere that gains most, and by how much; None where none does."""
    frames = len(path)
    best: tuple[float, list[int]] | None = None
    for place, frame in enumerate(path):
        rest = np.array([frames, *path[:place], *path[place + 1 :], frames])
        ends = outside[frames if place == 0 else path[place - 1]], path[place + 1] if place + 1 < frames else frames
        left = ends[0][frame] + outside[frame, ends[1]] - ends[0][ends[1]]
        cost = outside[rest[:-1], frame] + outside[frame, rest[1:]] - outside[rest[:-1], rest[1:]]
        to = int(cost.argmin())
        if left - cost[to] > (1e-9 if best is None else best[0]):
            others = path[:place] + path[place + 1 :]
            best = float(left - cost[to]), [*others[:to], frame, *others[to:]]
    return best
