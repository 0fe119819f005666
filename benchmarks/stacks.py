"""One picture of many frames: bridgetune beside enfuse, focus-stack, shinestacker, focusweave and a pyramid.

    python benchmarks/stacks.py [--quick] [--megapixels 2 …] [--frames 3 10 …] [--depths ramp steps] [--write]

Stacks are made of photographs side by side (`--images DIR`, by default those that scikit-image brings), so that the
truth is known: still ones, and ones that breathe, shift and turn as from a hand. Each program is run as its users run
it, in processes of its own, from the frames' files to the fused file, all in one run, and what is not installed is left
out. Those that align by themselves do; enfuse and the pyramid have what align_image_stack makes of frames that move,
its time counted. shinestacker is found in this Python or in that of `--shinestacker PYTHON`.

A fused picture may have another frame's place than the truth: the truth is registered to it, and both are compared
where all frames see, beyond a rim of frames that move. `--keep DIR` keeps the stacks, which are used again, and what
became of them. `--write` puts the tables into docs/performance.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import cv2
import numpy as np
from measuring import markdown, write_section
from numpy.typing import NDArray
from rivals import Cost, Frames, Image, programs

from bridgetune.config import StackMaking
from bridgetune.config.making import DepthShape
from bridgetune.data import list_images, make_stacks, read_image, write_image

KNOWN = "nearest focus, known"
"""The row of what knows the depth, which is no bound: noise is less where frames are averaged."""

MEGAPIXEL = 1_000_000
STILL = StackMaking(blur=24, noise=0.005)
MOVING = STILL.model_copy(update={"breathing": 0.01, "shift": 4.0, "rotation": 0.1})
RIM = 0.04
"""Share of either side, all around, that is not compared where frames move: not all of them see it."""


class Case(NamedTuple):
    """What stacks are like."""

    megapixels: float
    frames: int
    moving: bool
    depth: DepthShape

    def __str__(self) -> str:
        kind = "moving" if self.moving else "still"
        return f"{self.megapixels:g} MP, {self.frames} frames, {kind}, {self.depth}"


class Measured(NamedTuple):
    """What a program made of a stack, in which time."""

    cost: Cost
    psnr: float
    ssim: float


def mosaic(images: Path | None, height: int, width: int) -> Image:
    """Photographs at their own size, row by row, until a picture is full."""
    found = [read_image(path).pixels.astype(np.uint8) for path in list_images(images)] if images else samples()
    rng = np.random.default_rng(0)
    whole = np.zeros((height, width, 3), np.uint8)
    top, order = 0, list[int]()
    while top < height:
        left, lowest = 0, height
        while left < width:
            if not order:
                order = [int(place) for place in rng.permutation(len(found))]
            picture = found[order.pop()][:, :: rng.choice([-1, 1])]
            fitting = picture[: height - top, : width - left]
            whole[top : top + fitting.shape[0], left : left + fitting.shape[1]] = fitting
            left, lowest = left + picture.shape[1], min(lowest, picture.shape[0])
        top += lowest
    return whole


def samples() -> list[Image]:
    from skimage import data

    taken = (data.astronaut, data.chelsea, data.coffee, data.rocket, data.hubble_deep_field, data.immunohistochemistry)
    return [picture() for picture in taken]


def stack_of(case: Case, images: Path | None, folder: Path) -> Path:
    """The folder of a case's stack, which is made unless it is there."""
    height = round((case.megapixels * MEGAPIXEL / 1.5) ** 0.5 / 2) * 2
    place = folder / str(case).replace(", ", "-").replace(" ", "")
    if not place.exists():
        making = (MOVING if case.moving else STILL).model_copy(update={"depth_shape": case.depth})
        photograph = folder / "photograph.png"
        write_image(photograph, mosaic(images, height, height * 3 // 2))
        make_stacks(photograph, place, case.frames, making, seed=1)
        photograph.unlink()
    return place


def compared(fused: Image, truth: Image, moving: bool) -> tuple[float, float]:
    """PSNR in dB, over all channels, and SSIM (Wang et al., 2004) of the gray pictures."""
    seen = np.ones(truth.shape[:2], np.uint8)
    if moving:
        to_truth = registered(fused, truth)
        size = fused.shape[1::-1]
        truth = cv2.warpPerspective(truth, to_truth, size, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
        seen = cv2.warpPerspective(seen, to_truth, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
        down, across = (round(RIM * side) for side in fused.shape[:2])
        inside = slice(down, -down), slice(across, -across)
        fused, truth, seen = fused[inside], truth[inside], seen[inside]
    elif fused.shape != truth.shape:
        raise RuntimeError(f"made {fused.shape[1]}x{fused.shape[0]} pixels of {truth.shape[1]}x{truth.shape[0]}")
    there = seen.astype(bool)
    squares = (fused.astype(np.float32) - truth) ** 2
    psnr = 10 * np.log10(255**2 / float(squares.mean(axis=2)[there].mean()))
    return float(psnr), float(
        similarity(*(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (fused, truth)))[there].mean()
    )


def registered(fused: Image, truth: Image) -> NDArray[np.float32]:
    """The homography from a place in the fused picture to that in the truth: by features, then by all pixels (ECC)."""
    first, second = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY) for each in (fused, truth))
    sift = cv2.SIFT_create(4000)
    (points, ours), (others, theirs) = (sift.detectAndCompute(each, None) for each in (first, second))
    matches = [one for one, two in cv2.BFMatcher().knnMatch(ours, theirs, k=2) if one.distance < 0.7 * two.distance]
    pairs = [np.float32([kept[at].pt for kept, at in ((points, m.queryIdx), (others, m.trainIdx))]) for m in matches]
    here, there = np.swapaxes(np.array(pairs), 0, 1)
    found, _ = cv2.findHomography(here, there, cv2.RANSAC, 2.0)
    ends = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 50, 1e-6)
    start = found.astype(np.float32)
    _, refined = cv2.findTransformECC(first, second, start, cv2.MOTION_HOMOGRAPHY, ends, None, 5)
    return refined


def similarity(first: Image, second: Image) -> NDArray[np.float32]:
    """SSIM at each pixel of two gray pictures."""

    def mean(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        return cv2.GaussianBlur(picture, (11, 11), 1.5)

    x, y = first.astype(np.float32), second.astype(np.float32)
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mx, my = mean(x), mean(y)
    xx, yy, xy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    return ((2 * mx * my + c1) * (2 * xy + c2)) / ((mx * mx + my * my + c1) * (xx + yy + c2))


def measured(case: Case, asked: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Measured]]:
    place = stack_of(case, asked.images, folder)
    frames = sorted((place / "frames" / "photograph").iterdir())
    truth = read_image(place / "clear" / "photograph.png").pixels
    if not case.moving:
        yield KNOWN, Measured(Cost(), *compared(sharpest(place, frames), truth, moving=False))
    for name, program in programs(asked.focusweave, asked.shinestacker, asked.only).items():
        with tempfile.TemporaryDirectory(dir=folder) as work:
            out = Path(work, "fused.tif")
            try:
                cost = program(frames, case.moving, out)
                fused = read_image(out).pixels
                found = Measured(cost, *compared(fused, truth, case.moving))
            except (RuntimeError, cv2.error) as error:
                print(f"{case}: {name}: failed: {error}", flush=True)
                continue
            if asked.keep:
                write_image(place / "fused" / f"{name}.png", fused)
        print(f"{case}: {name}: {told(found)}", flush=True)
        yield name, found


def sharpest(place: Path, frames: Frames) -> Image:
    """Each pixel of the frame that is known to be focused nearest to it."""
    index = read_image(place / "index" / "photograph.png").pixels
    fused = np.zeros(index.shape, np.uint8)
    for number, path in enumerate(frames):
        np.copyto(fused, read_image(path).pixels, where=index == number)
    return fused


def told(found: Measured) -> str:
    cost = found.cost
    return (
        f"{found.psnr:.2f} dB, SSIM {found.ssim:.4f}, {cost.cpu:.1f} s of CPU, {cost.wall:.1f} s, {cost.memory:.0f} MB"
    )


def tables(results: dict[Case, dict[str, Measured]], shapes: Sequence[DepthShape]) -> str:
    """One for each size, number of frames and kind, of the means over the shapes of depth."""
    parts = []
    for case in (case for case in results if case.depth == shapes[0]):
        over = [results[case._replace(depth=shape)] for shape in shapes if case._replace(depth=shape) in results]
        names = [name for name in over[0] if all(name in each for each in over)]
        costs = {name: fmean(each[name].cost.cpu for each in over) for name in names}
        rows = [
            (
                name,
                f"{fmean(each[name].psnr for each in over):.2f}",
                f"{fmean(each[name].ssim for each in over):.4f}",
                *costing(costs[name], costs.get("enfuse"), [each[name].cost for each in over]),
            )
            for name in names
        ]
        kind = "moving" if case.moving else "still"
        title = f"{case.megapixels:g} MP, {case.frames} frames, {kind}"
        parts.append(
            markdown((title, "PSNR, dB", "SSIM", "CPU, s", "times enfuse's", "on the clock, s", "peak, MB"), rows)
        )
    return "\n\n".join(parts)


def costing(cpu: float, enfuse: float | None, costs: Sequence[Cost]) -> tuple[str, ...]:
    if not cpu:
        return ("–",) * 4
    times = f"{cpu / enfuse:.1f}" if enfuse else "–"
    return f"{cpu:.1f}", times, f"{fmean(cost.wall for cost in costs):.1f}", f"{max(cost.memory for cost in costs):.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="a folder of sharp photographs")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[2.0, 12.0, 24.0])
    parser.add_argument("--frames", type=int, nargs="+", default=[3, 10, 30])
    parser.add_argument("--depths", nargs="+", default=["ramp", "steps"], choices=["ramp", "steps", "hills"])
    parser.add_argument("--kinds", nargs="+", default=["still", "moving"], choices=["still", "moving"])
    parser.add_argument("--quick", action="store_true", help="3 frames of half a megapixel, on a ramp")
    parser.add_argument("--only", action="append", metavar="NAME", help="a program; may be repeated")
    parser.add_argument("--shinestacker", default=sys.executable, metavar="PYTHON", help="that has shinestacker")
    parser.add_argument("--focusweave", default="focusweave", metavar="PROGRAM")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the stacks and what became of them")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    asked = parser.parse_args()
    if asked.quick:
        asked.megapixels, asked.frames, asked.depths = [0.5], [3], ["ramp"]
    cases = [
        Case(megapixels, frames, kind == "moving", depth)
        for megapixels in asked.megapixels
        for frames in asked.frames
        for kind in asked.kinds
        for depth in asked.depths
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        before = os.getloadavg()[1]
        results = {case: dict(measured(case, asked, folder)) for case in cases}
    text = (
        f"{os.cpu_count()} CPUs, shared: a load of {before:.1f} before and {os.getloadavg()[1]:.1f} behind. Depths:"
        f" {', '.join(asked.depths)}.\n\n{tables(results, asked.depths)}"
    )
    print(text)
    if asked.write:
        write_section("benchmarks/stacks.py", text)


if __name__ == "__main__":
    main()
