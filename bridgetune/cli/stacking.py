"""A stack as the command line has it: what fuses, where from and where to, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import TaskID

from bridgetune.cli.console import ERRORS
from bridgetune.cli.options import (
    GENERATOR,
    NETWORK,
    Called,
    Mirrored,
    Scales,
    Symmetric,
    Trust,
    Weights,
    WeightsKey,
    adapter_settings,
    check_network,
    check_page,
)
from bridgetune.cli.progress import Drawn
from bridgetune.config import StackConfig
from bridgetune.errors import RequestError
from bridgetune.files import write_whole
from bridgetune.paths import are_same, as_text, is_folder, shown

if TYPE_CHECKING:
    from bridgetune.inference import StackFusion
    from bridgetune.inference.stacks import Progress
    from bridgetune.pictures import FileFrames
    from bridgetune.protocol import Evaluator
    from bridgetune.wrapping import Adapter

PREVIEW_SIDE = 1024
"""Pixels of a preview's longest side, at most."""

MOSTLY_UNDECIDED = 1 / 3
"""From this share of undecided pixels on, a line says so."""

LEAST_SHOWN = 0.05
"""Pixels that frames were moved by, from which on it is said."""


@dataclass(frozen=True)
class Method:
    """What fuses."""

    generator: Annotated[
        str | None,
        typer.Option(
            "--generator",
            metavar=GENERATOR,
            help="A plugin's generator, a saved one's folder, or what builds a network of your own. Default: none, by"
            " a focus measure, which is quicker and better on stacks.",
            rich_help_panel=NETWORK,
        ),
    ] = None
    weights: Weights = None
    weights_key: WeightsKey = ""
    trust_code: Trust = False
    symmetric: Symmetric = None
    mirrored: Mirrored = None
    scales: Scales = None
    adapter: Called = None

    def opened(self, depth: Path | None) -> Adapter | Evaluator | None:
        """The network; None where there is to be none.

        Args:
            depth: Where the depth is to be written, which an evaluator does not tell.

        Raises:
            RequestError: No generator is named, and something is that only one has.
        """
        if self.generator is None:
            for field in fields(self)[1:]:
                if getattr(self, field.name) != field.default:
                    flag = "--" + field.name.replace("_", "-")
                    raise RequestError(f"{flag}: is for a network, and none is asked for; name one with --generator")
            return None
        check_network(self.generator, self.weights)
        from bridgetune.inference.mapless import refuse_map
        from bridgetune.opening import open_method

        ways = self.symmetric, self.mirrored, self.scales
        called = adapter_settings(self.adapter)
        network = open_method(
            *(self.generator, self.weights, *ways),
            trust=self.trust_code,
            weights_key=self.weights_key,
            adapter=called,
        )
        if depth is not None:
            refuse_map(network, f"--depth {depth}")
        return network

    def asking(self, config: StackConfig) -> StackConfig:
        """The settings, by which the network is asked as it was said here, where that was said."""
        said = any(way is not None for way in (self.symmetric, self.mirrored, self.scales))
        return config.model_copy(update={"quality": "saved"}) if said else config


@dataclass(frozen=True)
class Job:
    """A stack and where its picture goes.

    Attributes:
        frames: That are fused.
        out: The fused image.
        depth, depth_preview: The depth as it is, and in colours.
        preview: The small picture.
        report: The page.
        folders: Whose pictures all are frames.
    """

    frames: FileFrames
    out: Path
    depth: Path | None = None
    depth_preview: Path | None = None
    preview: Path | None = None
    report: Path | None = None
    folders: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls,
        frames: Sequence[Path],
        out: Path,
        depth: Path | None,
        preview: bool = False,
        report: Path | None = None,
    ) -> Job:
        """As the command line has it.

        Raises:
            RequestError: The frames are none, see `open_frames`, or too few.
        """
        found = _opened(frames)
        if len(found) < 2:
            raise RequestError(
                f"{as_text(found.names[0])}: one frame, expected two or more of a stack; name them all, or their folder"
            )
        return cls(
            found,
            out,
            depth,
            None if depth is None else depth.with_suffix(".png"),
            out.with_name(f"{out.stem}.preview.jpg") if preview else None,
            report,
            tuple(path for path in frames if is_folder(path)),
        )

    def check(self, force: bool) -> None:
        """Refuse places that could not be written, before the work.

        Raises:
            RequestError: One line for the first.
        """
        from bridgetune.destinations import check_apart, check_file
        from bridgetune.inference.stacks.fusion import DEPTHS
        from bridgetune.pictures import check_image_place

        places = [self.out, self.depth, self.depth_preview, self.preview, self.report]
        check_page(self.report, force)
        check_image_place(self.out, "the fused image", force=force)
        if self.depth is not None and self.depth_preview is not None:
            if self.depth.suffix.lower() == ".png":
                raise RequestError(
                    f"{shown(self.depth)}: .png, expected .tif for the depth map; a PNG to look at, in colours, is"
                    f" written beside it: name {shown(self.depth.with_suffix('.tif'))}"
                )
            check_file(self.depth, "the depth map", suffixes=DEPTHS, force=force)
            check_image_place(self.depth_preview, "the depth map in colours", force=force)
        if self.preview is not None:
            check_image_place(self.preview, "the preview", force=force)
        check_apart([place for place in places if place is not None], self.frames.files)
        if any(are_same(self.out.parent, folder) for folder in self.folders):
            ERRORS.print(
                f"{shown(self.out)}: lies among its frames, and will be one of them the next time; better elsewhere",
                style="yellow",
                markup=False,
            )
        if self.out.suffix.lower() not in (".tif", ".tiff", ".png"):
            check_image_place(self.out, "the fused image", bits=self._bits(), force=True)

    def _bits(self) -> int:
        """Of the first frame that can be read."""
        from bridgetune.pictures import UnreadableFrameError

        for place in range(len(self.frames)):
            with suppress(UnreadableFrameError):
                return self.frames.read(place).bits
        return 8

    def carry_out(
        self, network: Adapter | Evaluator | None, config: StackConfig, progress: StackProgress
    ) -> dict[str, Any]:
        """Fuse and write; what there is to tell of it, for JSON.

        Raises:
            RequestError: The frames make no stack; nothing is written.
            WorkError: A file cannot be written.
        """
        from bridgetune.inference import fuse_stack

        begun = time.perf_counter()
        if self.preview is not None:
            self._look(network, config, progress)
        fusion = fuse_stack(network, self.frames, config, progress=progress.of(self.out.name))
        fusion.save(self.out, self.depth, self.depth_preview)
        told = self._told(fusion, time.perf_counter() - begun)
        if self.report is not None:
            from bridgetune.inference.stacks.page import stack_page

            write_whole(self.report, stack_page(self.out.name, fusion, self.frames, told))
        return told

    def _look(self, network: Adapter | Evaluator | None, config: StackConfig, progress: StackProgress) -> None:
        from bridgetune.inference import fuse_stack
        from bridgetune.pictures.reduced import ReducedFrames

        assert self.preview is not None
        quick = config.model_copy(update={"quality": "fast"})
        small = ReducedFrames(self.frames, PREVIEW_SIDE)
        fuse_stack(network, small, quick, progress=progress.of(self.preview.name)).save(self.preview)
        ERRORS.print(f"a preview is in {self.preview}", markup=False)

    def _told(self, fusion: StackFusion, seconds: float) -> dict[str, Any]:
        from bridgetune.pictures.transforms import Transform

        told = fusion.as_dict()
        for frame, matrix in zip(told["used"], fusion.transforms, strict=True):
            frame["displacement"] = round(Transform(matrix).displacement(fusion.pixels.shape[:2]), 3)
        places = {
            "out": self.out,
            "depth": self.depth,
            "depth_preview": self.depth_preview,
            "preview": self.preview,
            "report": self.report,
        }
        return {
            **{name: None if place is None else as_text(place) for name, place in places.items()},
            "seconds": round(seconds, 2),
            **told,
        }


def _opened(frames: Sequence[Path]) -> FileFrames:
    """See `open_frames`; where the shell named what is no picture, with a hint to leave that to bridgetune."""
    from bridgetune.pictures import FRAME_SUFFIXES, open_frames

    try:
        return open_frames(frames)
    except RequestError as error:
        for path in frames:
            if path.suffix.lower() not in FRAME_SUFFIXES and str(error).startswith(f"{shown(path)}: not an image"):
                quoted = f'"{shown(path.parent / "*")}"'
                mend = f"leave it out, or quote the pattern, {quoted}, which passes over what is no picture"
                raise RequestError(f"{error}; {mend}") from error
        raise


def remark(told: dict[str, Any]) -> None:
    """Say what there is to remark on: frames that were left out, an order that lies, how much no frame decides."""
    for frame in told["left_out"]:
        ERRORS.print(f"{frame['name']} is left out: {frame['reason']}", style="yellow", markup=False)
    if told["astray"]:
        ERRORS.print(
            f"{shown(told['out'])}: in the order of their names the frames jump to and fro in depth; --order depth puts"
            " them in the order that they show, without which a depth map says little",
            style="yellow",
            markup=False,
        )
    if told["undecided"] is not None and told["undecided"] >= MOSTLY_UNDECIDED:
        ERRORS.print(
            f"{shown(told['out'])}: on {told['undecided']:.0%} of the pixels no frame is clearly the sharpest, and they"
            " follow their surroundings; look at the depth (--depth), and beside it at the measure's own"
            " (--undecided keep)",
            style="yellow",
            markup=False,
        )


def summary(told: dict[str, Any]) -> str:
    """What was done, in a line."""
    size = told["size"]
    farthest = max(frame["displacement"] for frame in told["used"])
    aligned = f", aligned by up to {farthest:.1f} pixels" if farthest >= LEAST_SHOWN else ""
    evened = f", brightness of {len(told['evened'])} evened (--exposure keep leaves it)" if told["evened"] else ""
    left_out = f", {len(told['left_out'])} left out" if told["left_out"] else ""
    places = {"depth": told.get("depth"), "page": told.get("report")}
    also = "".join(f", {what} in {place}" for what, place in places.items() if place)
    return (
        f"{len(told['used'])} frames{aligned}{evened}{left_out}: fused image of {size['width']}×{size['height']}"
        f" pixels in {told['out']}{also} ({told['seconds']:.1f} s)"
    )


class StackProgress(Drawn):
    """Shows how far stacks are: on a terminal a bar for each step, with the frames and the time left."""

    def __init__(self) -> None:
        super().__init__("frame")

    def of(self, name: str) -> Callable[[Progress], None]:
        """What the fusion of a stack reports to.

        Args:
            name: Of the stack.
        """
        tasks: dict[str, TaskID] = {}

        def report(progress: Progress) -> None:
            if progress.step not in tasks:
                tasks[progress.step] = self._bar.add_task(f"{name}: {progress.step}", total=progress.total, frame="")
            self._bar.update(tasks[progress.step], completed=progress.done, frame=progress.name)

        return report
