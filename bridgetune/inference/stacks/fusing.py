"""Fusing a stack: frames are read one at a time, compared with the one before, and kept where they are sharpest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bridgetune.config import StackConfig
from bridgetune.devices import device_of
from bridgetune.errors import RequestError
from bridgetune.inference.deciding import settled
from bridgetune.inference.mapless import fuse_without_map
from bridgetune.inference.stacks.combining import MOST_FRAMES, RunningBest, deepened
from bridgetune.inference.stacks.fusion import Progress, StackFusion
from bridgetune.modes import evaluating
from bridgetune.pictures import Frames, Picture, image_size, read_whole_image
from bridgetune.protocol import Evaluator

Pixels = NDArray[np.uint8 | np.uint16]
Report = Callable[[Progress], None]


def fuse_stack(
    generator: nn.Module | Evaluator,
    frames: Frames | Sequence[str | Path | Picture | NDArray[Any]],
    config: StackConfig = StackConfig(),  # noqa: B008, frozen
    *,
    progress: Report | None = None,
) -> StackFusion:
    """One picture, sharp wherever one of the frames is.

    The generator is asked how much sharper each frame is than the one before; these log-odds, summed along the stack,
    are each frame's score, and every pixel is taken from the frame of the highest. The frames are read one at a time,
    so that memory does not grow with their number.

    Args:
        generator: See `Generator`; run in eval mode, its mode is restored. Or an `Evaluator`, whose pictures are fused
            one after the other.
        frames: Two or more, aligned, in the order of their depth, of one size: as `open_frames` finds them, or files,
            pictures, or arrays (H, W, 3) and (H, W) of uint8 or uint16.
        config: See `StackConfig`.
        progress: Called when a frame is through.

    Raises:
        RequestError: Fewer than two frames, a frame that cannot be read, sizes that differ, or a reference that is no
            frame.
    """
    source = frames if isinstance(frames, Frames) else _Listed(frames)
    if not 2 <= len(source) <= MOST_FRAMES:
        raise RequestError(f"a stack: got {len(source)} frames, expected two or more, up to {MOST_FRAMES}")
    reference = _reference(source.names, config.reference)
    _check_sizes(source)
    if isinstance(generator, Evaluator):
        return _chained(generator, source, reference, progress)
    with evaluating(generator):
        return _fused(generator, source, reference, config, progress)


class _Listed:
    """Frames of a list: what is in memory is there, what is in files is read when it is asked for."""

    def __init__(self, frames: Sequence[str | Path | Picture | NDArray[Any]]) -> None:
        self._frames = list(frames)
        self.names = tuple(
            Path(frame).name if isinstance(frame, str | Path) else f"frame {place}"
            for place, frame in enumerate(frames, 1)
        )

    def __len__(self) -> int:
        return len(self._frames)

    def size(self, place: int) -> tuple[int, int]:
        frame = self._frames[place]
        return image_size(frame) if isinstance(frame, str | Path) else self.read(place).size

    def read(self, place: int) -> Picture:
        frame = self._frames[place]
        if isinstance(frame, str | Path):
            return read_whole_image(frame)
        if isinstance(frame, Picture):
            return frame
        if frame.dtype not in (np.uint8, np.uint16) or frame.ndim not in (2, 3) or frame.shape[2:] not in ((), (3,)):
            raise RequestError(
                f"{self.names[place]}: got {frame.dtype} of shape {frame.shape}, expected uint8 or uint16 and (H, W) or"
                " (H, W, 3)"
            )
        gray = frame.ndim == 2
        return Picture(np.repeat(frame[..., None], 3, axis=2) if gray else frame, gray)


def _reference(names: Sequence[str], asked: str) -> int:
    """Which frame is meant by `first`, `middle`, `last` or a name."""
    if asked in names:
        return names.index(asked)
    places = {"first": 0, "middle": len(names) // 2, "last": len(names) - 1}
    if asked not in places:
        raise RequestError(f"reference: got {asked!r}, expected first, middle, last or one of {', '.join(names)}")
    return places[asked]


def _check_sizes(frames: Frames) -> None:
    first, *others = (frames.size(place) for place in range(len(frames)))
    for place, size in enumerate(others, 1):
        if size != first:
            raise RequestError(
                f"a stack must have one size: {frames.names[0]} is {first[1]}×{first[0]},"
                f" {frames.names[place]} is {size[1]}×{size[0]}; leave it out"
            )


def _read(frames: Frames, step: str, progress: Report | None) -> Iterator[Picture]:
    """One frame after the other, told of when it is done with."""
    for place, name in enumerate(frames.names):
        yield frames.read(place)
        if progress is not None:
            progress(Progress(step, place + 1, len(frames), name))


def _fused(
    generator: nn.Module, frames: Frames, reference: int, config: StackConfig, progress: Report | None
) -> StackFusion:
    best = RunningBest(len(frames))
    score: NDArray[np.float32] | None = None
    before: Pixels | None = None
    gray, bits = True, 8
    metadata = frames.read(reference).metadata
    for picture in _read(frames, "fusing", progress):
        gray, bits = gray and picture.gray, max(bits, picture.bits)
        pixels = deepened(picture.pixels, bits)
        if before is None or score is None:
            score = np.zeros(picture.size, np.float32)
        else:
            before = deepened(before, bits)
            best.pixels = deepened(best.pixels, bits)
            rise = _asked(generator, pixels, before)
            score += settled(rise, pixels, before) if config.undecided == "settle" else rise
        best.offer(pixels, score)
        before = pixels
    return _told(frames, reference, best.pixels, gray, metadata, best)


def _asked(generator: nn.Module, first: Pixels, second: Pixels) -> NDArray[np.float32]:
    """The logits of a pair, (H, W): positive where the first is sharper."""
    device = device_of(generator)
    with torch.inference_mode():
        pair = (
            torch.from_numpy(image.astype(np.float32) / np.iinfo(image.dtype).max).permute(2, 0, 1)[None].to(device)
            for image in (first, second)
        )
        logits: NDArray[np.float32] = generator(*pair)[0, 0].float().cpu().numpy()
    return logits


def _chained(evaluator: Evaluator, frames: Frames, reference: int, progress: Report | None) -> StackFusion:
    """What has no map fuses the fused picture so far with the next frame."""
    fused: Pixels | None = None
    gray, bits = True, 8
    metadata = frames.read(reference).metadata
    for picture in _read(frames, "fusing", progress):
        gray, bits = gray and picture.gray, max(bits, picture.bits)
        pixels = deepened(picture.pixels, bits)
        fused = pixels if fused is None else fuse_without_map(evaluator, deepened(fused, bits), pixels)
    assert fused is not None
    return _told(frames, reference, fused, gray, metadata, None)


def _told(
    frames: Frames, reference: int, pixels: Pixels, gray: bool, metadata: Any, best: RunningBest | None
) -> StackFusion:
    height, width = pixels.shape[:2]
    return StackFusion(
        pixels=np.ascontiguousarray(pixels[..., 0]) if gray else pixels,
        index=None if best is None else best.index,
        depth=None if best is None else best.depth,
        used=tuple(frames.names),
        left_out=(),
        transforms=(np.eye(3),) * len(frames),
        reference=frames.names[reference],
        area=(slice(0, height), slice(0, width)),
        metadata=metadata,
    )
