"""Stacks of which the truth is known, as files: frames, all in focus, depth, and which frame is sharpest."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bridgetune.config.bounds import Seed, within
from bridgetune.config.making import StackMaking
from bridgetune.data.depths import read_depth
from bridgetune.data.folders import collect
from bridgetune.data.framing import Framing
from bridgetune.data.offline import made_whole, refuse_used
from bridgetune.data.stacks import MadeStack, make_stack, plan_motions
from bridgetune.destinations import begun
from bridgetune.errors import RequestError
from bridgetune.files import write_whole
from bridgetune.paths import is_folder, shown
from bridgetune.pictures.images import image_size, read_image, write_image
from bridgetune.pictures.listing import list_images

WHAT = "the stacks"


@dataclass(frozen=True)
class StacksRecord:
    """What was decided for some stacks; their `stacks.json`.

    Attributes:
        seed, frames, making: As given to `make_stacks`; `making` as a dictionary.
        focus: The depth that is in focus in each frame.
        transforms: By stem, for each frame, the 3×3 matrix from a pixel (x right, y down) of the truth to its place in
            the frame.
        skipped: File (with its folder) and reason of whatever was left out.
    """

    seed: int
    frames: int
    making: dict[str, Any]
    focus: list[float]
    transforms: dict[str, list[list[list[float]]]]
    skipped: dict[str, str]


def make_stacks(
    images: str | os.PathLike[str],
    out: str | os.PathLike[str],
    frames: int,
    making: StackMaking | None = None,
    *,
    depth: str | os.PathLike[str] | None = None,
    size: int | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> StacksRecord:
    """Write stacks of sharp photographs, with their truth, as PNG.

    `out`/frames/STEM/000.png and so on, nearest first; `out`/clear/STEM.png, all in focus; `out`/depth/STEM.png, 16
    bits, black nearest; `out`/index/STEM.png, the number of the sharpest frame, from 0; and `out`/stacks.json. A frame
    is in memory at a time. They are made beside `out` and moved there when all are whole, as `make_dataset` does.

    A stack depends on its photograph and depth, on the seed and on its stem alone.

    Args:
        images: A sharp photograph, or a folder of them.
        out: A folder that is new or empty.
        frames: How many each stack has; see `make_stack`.
        making: How they are made; None for `StackMaking()`.
        depth: A picture of the depth, black nearest, or a folder of those, of the photographs' stems and sizes; None to
            make depth as `making.depth_shape` says.
        size: Height and width that photographs are resized to; None for each one's own.
        seed: From 0 to 2³² - 1.
        progress: Called as ``progress(done, total)`` after every frame.

    Raises:
        RequestError: No photographs that can be used, `out` holds something, a depth of another size, frames that move
            too far, or a number out of range; nothing is written.
        WorkError: A file became unreadable or could not be written on the way.
    """
    out, images, making = Path(out), Path(images), making or StackMaking()
    refuse_used(out, WHAT)
    within("seed", seed, Seed)
    framing = Framing(size, "resize", flips=False)
    pairs, skipped = _scenes(images, None if depth is None else Path(depth))
    for photograph, _ in pairs:
        plan_motions(image_size(photograph) if size is None else (size, size), frames, making, _seed(seed, photograph))
    with made_whole(out, WHAT) as partial, begun():
        transforms, focus, done = {}, [], 0
        for photograph, its_depth in pairs:
            stem = photograph.stem
            stack = _opened(photograph, its_depth, frames, making, framing, _seed(seed, photograph))
            for index in range(frames):
                write_image(partial / "frames" / stem / f"{index:03}.png", stack.frame(index))
                done += 1
                if progress is not None:
                    progress(done, frames * len(pairs))
            _write_truth(stack, partial, stem)
            transforms[stem], focus = [transform.tolist() for transform in stack.transforms], stack.focus
        record = StacksRecord(seed, frames, making.model_dump(), focus, transforms, skipped)
        write_whole(partial / "stacks.json", json.dumps(asdict(record), indent=2) + "\n")
    return record


def _seed(seed: int, photograph: Path) -> list[int]:
    return [seed, *os.fsencode(photograph.stem)]


def _scenes(images: Path, depth: Path | None) -> tuple[list[tuple[Path, Path | None]], dict[str, str]]:
    """Each photograph with its depth, and what was left out, with the reason."""
    if not is_folder(images):
        size = image_size(images)
        if depth is not None:
            depth = _of_stem(depth, images.stem) if is_folder(depth) else depth
            read_depth(depth, size)
        return [(images, depth)], {}
    if depth is not None and not is_folder(depth):
        raise RequestError(
            f"{shown(depth)}: a file, expected a folder of depths, as {shown(images)} is one of photographs; name both"
        )
    found = collect([images] if depth is None else [images, depth], verify="header")
    pairs = [(group[0], group[1] if depth is not None else None) for group in found.groups]
    return pairs, {f"{path.parent.name}/{path.name}": reason for path, reason in found.skipped}


def _of_stem(folder: Path, stem: str) -> Path:
    for path in list_images(folder):
        if path.stem == stem:
            return path
    raise RequestError(f"{shown(folder)}: holds no picture called {shown(stem)}, expected its depth; name the file")


def _opened(
    photograph: Path, depth: Path | None, frames: int, making: StackMaking, framing: Framing, seed: list[int]
) -> MadeStack:
    pixels = read_image(photograph).pixels
    if depth is None:
        return make_stack(framing.scaled([pixels])[0], frames, making, seed=seed)
    height, width = pixels.shape[:2]
    levels = np.rint(read_depth(depth, (height, width)) * 65535).astype(np.uint16)
    pixels, levels = framing.scaled([pixels, np.repeat(levels[..., None], 3, axis=2)])
    return make_stack(pixels, frames, making, depth=(levels[..., 0] / 65535).astype(np.float32), seed=seed)


def _write_truth(stack: MadeStack, folder: Path, stem: str) -> None:
    index = stack.index.astype(np.uint8) if len(stack) <= 256 else stack.index
    write_image(folder / "clear" / f"{stem}.png", np.ascontiguousarray(stack.clear))
    write_image(folder / "depth" / f"{stem}.png", np.rint(stack.depth * 65535).astype(np.uint16))
    write_image(folder / "index" / f"{stem}.png", index)
