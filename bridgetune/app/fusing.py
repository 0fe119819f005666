"""Fusing for the page: what comes of it, in files, and the layers in which it is looked at."""

from __future__ import annotations

import functools
import itertools
import re
import tempfile
import time
import zipfile
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bridgetune.app.tiles import in_8_bits
from bridgetune.config import StackConfig
from bridgetune.errors import RequestError
from bridgetune.files import replaced
from bridgetune.inference.stacks.depth import coloured
from bridgetune.inference.stacks.fusion import LeftOut, Progress, StackFusion
from bridgetune.pictures import (
    FileFrames,
    Metadata,
    Transform,
    read_image,
    read_whole_image,
    warped,
    write_image,
)
from bridgetune.pictures.transforms import IDENTITY

if TYPE_CHECKING:
    from torch import nn

    from bridgetune.app.work import Task
    from bridgetune.inference.smoothing import Smoothing
    from bridgetune.protocol import Evaluator

DIFFERENCE = 4
"""How many times a difference between the fused picture and a frame is enlarged, to be seen."""

FILES = {
    "fused.tif": "Picture, TIFF",
    "fused.png": "Picture, PNG",
    "fused.jpg": "Picture, JPEG of 8 bits",
    "map.png": "Decision map",
    "labels.zip": "Pair with this map, to tune with",
    "depth.tif": "Depth, counted in frames",
    "depth.png": "Depth in colours",
}
"""What can be taken away -> what it is called on the page."""

_STEPS: dict[str, tuple[Smoothing, ...]] = {"none": (), "regions": ("small-regions",), "guided": ("guided",)}
"""Of a stack's smoothing, what is done to a pair's map."""

INDEX = "index.npy"
"""The file of which frame each pixel is of, (H, W), counted as the result counts those that it shows."""


@dataclass(frozen=True)
class Placed:
    """Where a fused picture lies in a frame.

    Attributes:
        name: The frame's.
        index: Its place among the frames.
        transform: From the reference frame to this one.
        share: Of the fused picture that is its; None where nobody knows.
    """

    name: str
    index: int
    transform: Transform
    share: float | None


@dataclass(frozen=True, eq=False)
class Result:
    """A fused picture, in files and layers.

    Attributes:
        folder: Where the files are.
        frames: It is made of these.
        title: What made it.
        used: Frames that it shows, in their order.
        left_out: The others.
        size: (height, width) of the reference frame.
        area: Of the reference frame, (rows, columns), that the picture shows.
        seconds: That it took.
        facts: Lines about it.
    """

    folder: Path
    frames: FileFrames
    title: str
    used: tuple[Placed, ...]
    left_out: tuple[LeftOut, ...]
    size: tuple[int, int]
    area: tuple[slice, slice]
    seconds: float
    facts: tuple[str, ...] = ()

    @functools.cached_property
    def files(self) -> dict[str, str]:
        """Those of `FILES` that there are."""
        there = {path.name for path in self.folder.iterdir()} | {"fused.png", "fused.jpg"}
        if "map.png" in there:
            there.add("labels.zip")
        return {name: label for name, label in FILES.items() if name in there}

    @property
    def is_pair(self) -> bool:
        """Whether it was fused by a decision map."""
        return (self.folder / "map.png").is_file()

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the fused picture."""
        rows, columns = self.area
        return rows.stop - rows.start, columns.stop - columns.start

    @property
    def lies(self) -> Hashable:
        """Where its frames lie under it: the same for results that were aligned alike."""
        places = ((frame.index, frame.transform.matrix.tobytes()) for frame in self.used)
        return self.size, tuple((side.start, side.stop) for side in self.area), tuple(places)

    @property
    def map(self) -> str:
        """The file of what says which frame each pixel is of, in colours; empty where nothing does."""
        return next((name for name in ("choice.png", "depth.png") if (self.folder / name).is_file()), "")

    def file(self, name: str) -> Path:
        """A file to take away, made where it is not there yet.

        Raises:
            RequestError: There is none of that name.
        """
        if name not in self.files:
            raise RequestError("this file is not there; reload the page")
        path = self.folder / name
        if path.is_file():
            return path
        if name == "labels.zip":
            self._labels(path)
        else:
            picture = read_whole_image(self.folder / "fused.tif")
            pixels = picture.pixels[..., 0] if picture.gray else picture.pixels
            if name == "fused.jpg":
                pixels = in_8_bits(pixels)
            write_image(path, pixels, picture.metadata, picture.alpha if name == "fused.png" else None)
        return path

    def layer(self, name: str) -> NDArray[np.uint8]:
        """A picture of the fused one's size, (H, W, 3) uint8.

        Args:
            name: `fused`, `map`, `frame-N` or `difference-N`, N counting `used`.

        Raises:
            RequestError: There is no such layer.
        """
        kind, _, number = name.partition("-")
        if name == "fused":
            return in_8_bits(read_image(self.folder / "fused.tif").pixels)
        if name == "map" and self.map:
            return in_8_bits(read_image(self.folder / self.map).pixels)
        if kind in ("frame", "difference") and number.isdecimal() and int(number) < len(self.used):
            frame = in_8_bits(self.aligned(int(number)))
            return frame if kind == "frame" else difference(self.layer("fused"), frame)
        raise RequestError("this layer is not there; reload the page")

    def aligned(self, number: int) -> NDArray[np.uint8 | np.uint16]:
        """A frame as it lies under the picture, in its own depth, (H, W, 3).

        Args:
            number: Its place in `used`.
        """
        frame = self.used[number]
        moved, _ = warped(self.frames.read(frame.index).pixels, frame.transform, self.size)
        return np.ascontiguousarray(moved[self.area])

    def label(self, root: Path) -> str:
        """Add the pair and its map to pairs with masks, as `finetune --pairs` takes them; its stem there.

        Args:
            root: Of the folders A, B and mask, which are made.

        Raises:
            RequestError: It is no pair with a map.
        """
        if not self.is_pair:
            raise RequestError(f"{self.title}: is no pair with a map, expected one; fuse two pictures by a network")
        stem = re.sub(r"[^0-9A-Za-z]+", "-", Path(self.used[0].name).stem).strip("-") or "pair"
        taken = {path.stem for path in root.glob("*/*")}
        others = (f"{stem}-{number}" for number in itertools.count(2))
        stem = next(name for name in itertools.chain([stem], others) if name not in taken)
        for folder, number in (("A", 0), ("B", 1)):
            write_image(root / folder / f"{stem}.png", self.aligned(number))
        write_image(root / "mask" / f"{stem}.png", read_image(self.folder / "map.png").pixels[..., 0])
        return stem

    def _labels(self, path: Path) -> None:
        """Write that as one file."""
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch, replaced(path) as partial:
            self.label(Path(scratch))
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as packed:
                for each in sorted(Path(scratch).glob("*/*.png")):
                    packed.write(each, each.relative_to(scratch).as_posix())


def write_choice(folder: Path, index: NDArray[Any]) -> None:
    """Write which image of a pair is where: as a decision map, in colours, and as it is.

    Args:
        folder: For the files.
        index: (H, W), 0 where the first was taken, 1 where the second was.
    """
    write_image(folder / "map.png", np.where(index == 0, np.uint8(255), np.uint8(0)))
    write_image(folder / "choice.png", coloured(index.astype(np.float32), 2))
    np.save(folder / INDEX, index)


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """By how much two pictures differ, enlarged, see `DIFFERENCE`; black where they are one."""
    apart = np.abs(first.astype(np.int16) - second)
    enlarged: NDArray[np.uint8] = np.minimum(apart * DIFFERENCE, 255).astype(np.uint8)
    return enlarged


def fused(
    frames: FileFrames,
    generator: nn.Module | Evaluator | None,
    config: StackConfig,
    folder: Path,
    title: str,
    task: Task,
) -> Result:
    """Fuse frames and write what comes of it.

    Two files and a network are a pair, as `bridgetune fuse` has it; all else is a stack, as `bridgetune stack` has it.

    Args:
        frames: Two or more.
        generator: What fuses; None for the focus measure.
        config: How.
        folder: Empty, for the files.
        title: See `Result`.
        task: Told how far it is.

    Raises:
        RequestError: They cannot be fused so.
        StoppedError: See `Task.tell`.
    """
    begun = time.perf_counter()
    if len(frames) == 2:  # whatever fuses them, the first one's place and size are the picture's
        config = config.model_copy(update={"reference": "first"})
    pair = generator is not None and len(frames) == len(frames.files) == 2
    make: Callable[..., Result] = _pair if pair else _stack
    return make(frames, generator, config, folder, title, task, begun)


def _pair(
    frames: FileFrames,
    generator: nn.Module | Evaluator,
    config: StackConfig,
    folder: Path,
    title: str,
    task: Task,
    begun: float,
) -> Result:
    from bridgetune.inference import Queries, fuse_files

    task.tell("fusing", 0.0)
    first, second = (place.path for place in frames.places)
    fusion = fuse_files(
        generator,
        first,
        second,
        queries=Queries(config.quality),
        progress=lambda share: task.tell("fusing", share),
        align=config.align,
        exposure=config.exposure == "even",
        edges=config.edges,
        smooth=_STEPS[config.smooth],
        blend="none" if config.blend == "none" else "feather",
    )
    task.tell("writing", 0.5)
    facts, decision = [], fusion.decision
    fusion.save(folder / "fused.tif")
    if decision is not None:
        write_choice(folder, (decision < 0.5).astype(np.uint8))
    if fusion.undecided is not None:
        facts.append(f"the network was undecided on {fusion.undecided:.1%} of the pixels")
    share = None if decision is None else float((decision >= 0.5).mean())
    size = frames.size(0)
    area = fusion.area or (slice(0, size[0]), slice(0, size[1]))
    used = (
        Placed(frames.names[0], 0, IDENTITY, share),
        Placed(frames.names[1], 1, fusion.transform, None if share is None else 1 - share),
    )
    facts = [*_described(fusion.pixels, fusion.metadata), *facts]
    return Result(folder, frames, title, used, (), size, area, time.perf_counter() - begun, tuple(facts))


def _stack(
    frames: FileFrames,
    generator: nn.Module | Evaluator | None,
    config: StackConfig,
    folder: Path,
    title: str,
    task: Task,
    begun: float,
) -> Result:
    from bridgetune.inference import fuse_stack

    def told(progress: Progress) -> None:
        task.tell(progress.step, progress.done, progress.total, progress.name)

    fusion = fuse_stack(generator, frames, config, progress=told)
    task.tell("writing", 0.5)
    fusion.save(folder / "fused.tif", folder / "depth.tif", folder / "depth.png")
    if fusion.index is not None:
        np.save(folder / INDEX, fusion.index)
    shares = [frame["share"] for frame in fusion.as_dict()["used"]]
    used = tuple(
        Placed(name, frames.names.index(name), Transform(matrix), share)
        for name, matrix, share in zip(fusion.used, fusion.transforms, shares, strict=True)
    )
    size = frames.size(frames.names.index(fusion.reference))
    facts = (*_described(fusion.pixels, fusion.metadata), *_moved(fusion))
    return Result(
        folder, frames, title, used, fusion.left_out, size, fusion.area, time.perf_counter() - begun, tuple(facts)
    )


def _described(pixels: NDArray[Any], metadata: Metadata) -> list[str]:
    height, width = pixels.shape[:2]
    carried = {"colour profile": metadata.profile, "Exif": metadata.exif, "XMP": metadata.xmp}
    kept = [name for name, value in carried.items() if value is not None]
    return [
        f"{width}×{height} pixels, {pixels.dtype.itemsize * 8} bits, {'gray' if pixels.ndim == 2 else 'colour'}"
        + (f"; keeps {' and '.join(kept)}" if kept else "")
    ]


def _moved(fusion: StackFusion) -> list[str]:
    moves = [Transform(matrix).displacement(fusion.pixels.shape[:2]) for matrix in fusion.transforms]
    aligned = [f"aligned by up to {max(moves):.1f} pixels"] if max(moves) >= 0.05 else []
    return [*aligned, *([f"brightness evened in {', '.join(fusion.evened)}"] if fusion.evened else [])]
