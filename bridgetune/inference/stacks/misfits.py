"""Frames that a stack is better off without: of another size or scene, shown twice, nowhere sharp."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from bridgetune.inference.scenes import differ_in_scene
from bridgetune.inference.stacks.focus import FAINTEST
from bridgetune.inference.stacks.looking import Look

SHARP, FOUND = 0.5, 3.0
"""The least share of the sharpest frame's response that a frame has to have in some cell; and how many times the noise
that response must be."""

SAME, SAME_SHARPNESS = 2e-4, 0.01
"""Of full scale, root mean square, by which reduced frames may differ, and the share by which sharpness may, in frames
that are one."""


def other_sizes(names: Sequence[str], sizes: Sequence[tuple[int, int]]) -> dict[int, str]:
    """Places of the frames that have not the size that most have, with the reason in words."""
    common, _ = Counter(sizes).most_common(1)[0]
    return {
        place: f"it is {size[1]}×{size[0]}, not {common[1]}×{common[0]} as the others"
        for place, size in enumerate(sizes)
        if size != common
    }


def repeated(looks: Sequence[Look], names: Sequence[str]) -> dict[int, str]:
    """Places of frames that an earlier one shows already."""
    found: dict[int, str] = {}
    for place, one in enumerate(looks):
        for earlier in range(place):
            if earlier not in found and _are_one(looks[earlier], one):
                found[place] = f"it repeats {names[earlier]}"
                break
    return found


def nowhere_sharp(looks: Sequence[Look]) -> dict[int, str]:
    """Places of frames that are blurred wherever any frame is sharp."""
    noise = min(one.noise for one in looks)
    sharpness = np.stack([one.sharpness for one in looks]) - noise
    most = sharpness.max(0)
    told = most > FOUND * max(noise, FAINTEST)
    if not told.any():
        return {}
    shares = (sharpness / np.where(told, most, np.inf)).reshape(len(looks), -1).max(1)
    return {int(place): "it is nowhere sharp" for place in np.flatnonzero(shares < SHARP)}


def shows_another_scene(one: Look, other: Look) -> bool:
    """Whether frames have too little in common where they are not aligned, see `differ_in_scene`."""
    return differ_in_scene(one.small, other.small)


def _are_one(one: Look, other: Look) -> bool:
    if one.small.shape != other.small.shape or np.sqrt(np.mean((one.small - other.small) ** 2)) > SAME:
        return False
    floor = one.noise + FAINTEST
    return bool((np.abs(one.sharpness - other.sharpness) <= SAME_SHARPNESS * (one.sharpness + floor)).all())
