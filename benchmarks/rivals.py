"""Programs that make one picture of a stack, each run as its users run it, and what they cost; for `stacks.py`.

    python benchmarks/rivals.py OUT FRAME…

fuses frames by their Laplacian pyramids, in a process of its own as the others are.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bridgetune.data import read_image, write_image

Image = NDArray[np.uint8]

ENFUSE = ["enfuse", "--exposure-weight=0", "--saturation-weight=0", "--contrast-weight=1", "--hard-mask"]
"""As its manual has it for focus stacks."""

SHINESTACKER = """
import sys
from shinestacker.algorithms import AlignFrames, BalanceFrames, CombinedActions, FocusStack, PyramidStack, StackJob
folder, frames, aligned = sys.argv[1], sys.argv[2], sys.argv[3] == "1"
job = StackJob("job", folder, input_path=frames)
if aligned:
    job.add_action(CombinedActions("aligned", [AlignFrames(), BalanceFrames()]))
job.add_action(FocusStack("fused", PyramidStack(), prefix=""))
job.run()
"""

STARTER = """
import os, sys
process = os.fork()
if not process:
    os.dup2(2, 1)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(process, 0)
print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""
"""Starts a command and tells its cost: what a large process starts is counted as large as that."""


@dataclass(frozen=True)
class Cost:
    """Of some processes, one after the other: seconds of CPU, seconds on the clock, and the largest peak in MB."""

    cpu: float = 0.0
    wall: float = 0.0
    memory: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall, max(self.memory, other.memory))


Frames = Sequence[Path]
Program = Callable[[Frames, bool, Path], Cost]
"""Called with the frames, whether they move, and the file to write; tells what it cost."""


def run(command: Sequence[object], folder: Path) -> Cost:
    """What a command costs, with all that it starts.

    Raises:
        RuntimeError: It fails; with the end of what it says.
    """
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        started = [sys.executable, "-S", "-c", STARTER, *map(str, command)]
        done = subprocess.run(started, cwd=folder, stdout=subprocess.PIPE, stderr=said, check=False)
        wall = time.perf_counter() - began
        if done.returncode:
            said.seek(0)
            raise RuntimeError(" ".join(said.read().decode(errors="replace").split())[-300:])
    cpu, memory = map(float, done.stdout.split())
    return Cost(cpu, wall, memory)


def bridgetune(*options: str) -> Program:
    def fused(frames: Frames, moving: bool, out: Path) -> Cost:
        still = [] if moving else ["--align", "none"]
        return run([sys.executable, "-m", "bridgetune", "stack", *frames, "-o", out, *options, *still], out.parent)

    return fused


def enfused(frames: Frames, moving: bool, out: Path) -> Cost:
    cost, frames = prepared(frames, moving, out)
    return cost + run([*ENFUSE, "-o", out, *frames], out.parent)


def pyramid(frames: Frames, moving: bool, out: Path) -> Cost:
    cost, frames = prepared(frames, moving, out)
    return cost + run([sys.executable, __file__, out, *frames], out.parent)


def prepared(frames: Frames, moving: bool, out: Path) -> tuple[Cost, Frames]:
    """The frames, by align_image_stack where they move, and what that costs."""
    if not moving:
        return Cost(), frames
    prefix = f"{out.stem}_"
    cost = run(["align_image_stack", "-m", "--use-given-order", "-a", prefix, *frames], out.parent)
    return cost, sorted(out.parent.glob(f"{prefix}*.tif"))


def focus_stack(frames: Frames, moving: bool, out: Path) -> Cost:
    return run(["focus-stack", f"--output={out}", *frames], out.parent)


def focusweave(program: str) -> Program:
    def fused(frames: Frames, moving: bool, out: Path) -> Cost:
        still = [] if moving else ["--no-align"]
        return run([program, frames[0].parent, "--output", out, "--keep-size", *still], out.parent)

    return fused


def shinestacker(python: str) -> Program:
    def fused(frames: Frames, moving: bool, out: Path) -> Cost:
        work = out.parent / out.stem
        shutil.copytree(frames[0].parent, work / "frames")
        cost = run([python, "-c", SHINESTACKER, work, "frames", int(moving)], work)
        (made,) = (work / "fused").iterdir()
        made.replace(out)
        return cost

    return fused


def programs(focusweave_is: str, python: str, only: Sequence[str]) -> dict[str, Program]:
    """Those that are installed, by name.

    Args:
        focusweave_is: Its program.
        python: That has shinestacker.
        only: Names that are asked for; none for all.
    """
    found: dict[str, Program] = {
        "bridgetune": bridgetune(),
        "bridgetune, fast": bridgetune("--quality", "fast"),
        "enfuse": enfused,
        "Laplacian pyramid": pyramid,
        "focus-stack": focus_stack,
        "focusweave": focusweave(focusweave_is),
        "shinestacker": shinestacker(python),
    }
    missing = {
        "enfuse": not shutil.which("enfuse"),
        "focus-stack": not shutil.which("focus-stack"),
        "focusweave": not shutil.which(focusweave_is),
        "shinestacker": not has_module(python, "shinestacker"),
    }
    for name in (name for name, lacking in missing.items() if lacking):
        print(f"not measured: {name} (not installed)")
        del found[name]
    return {name: program for name, program in found.items() if not only or name in only}


def has_module(python: str, name: str) -> bool:
    if python == sys.executable:
        return importlib.util.find_spec(name) is not None
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def fused_by_pyramid(frames: Frames) -> Image:
    """At every level of their Laplacian pyramids what has most energy around; of the last, the mean."""
    levels = max(2, int(np.log2(min(read_image(frames[0]).size))) - 4)
    best: list[NDArray[np.float32]] = []
    energies: list[NDArray[np.float32]] = []
    for path in frames:
        level = read_image(path).pixels.astype(np.float32)
        for depth in range(levels):
            smaller = cv2.pyrDown(level)
            detail = level - cv2.pyrUp(smaller, dstsize=level.shape[1::-1])
            energy = cv2.GaussianBlur((detail**2).sum(axis=2), (5, 5), 0)
            if len(energies) == depth:
                best.append(detail)
                energies.append(energy)
            else:
                higher = energy > energies[depth]
                best[depth][higher] = detail[higher]
                energies[depth][higher] = energy[higher]
            level = smaller
        if len(best) == levels:
            best.append(level / len(frames))
        else:
            best[levels] += level / len(frames)
    fused = best[levels]
    for detail in reversed(best[:levels]):
        fused = cv2.pyrUp(fused, dstsize=detail.shape[1::-1]) + detail
    return np.rint(fused.clip(0, 255)).astype(np.uint8)


if __name__ == "__main__":
    write_image(sys.argv[1], fused_by_pyramid([Path(frame) for frame in sys.argv[2:]]))
