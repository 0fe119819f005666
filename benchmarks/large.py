"""What it takes to fuse one large pair, as a user meets it: a cold process, once, from file to file.

    python benchmarks/large.py [--megapixels 1 6 24] [--quality auto fast] [--threads N] [--write]

CPU seconds, so that a busy neighbour counts little, of the network alone and of the whole process, and the process's
peak of memory. Where the network is asked once (`fast`), also how much longer a pixel takes than one of a pair of
256×256 that is asked again and again in memory that is there already. `--write` puts the table into
docs/performance.md.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from measuring import MEGABYTE, in_own_process, markdown, peak_memory, write_section

from bridgetune.cli.process import keep_memory, let_threads_rest

SIDE, TURNS, CALLS = 256, 10, 20
"""Of the small pair, and how often it is asked: in turns of many, for what another thread has spent is told late."""


def write_pair(folder: Path, megapixels: float) -> tuple[Path, Path]:
    """Noise of the spectrum that photographs have, 3 to 2: the first file has the left half sharp, the second the right
    one, up to a wavy seam, and disks of 15 pixels blur the others."""
    import cv2
    import tifffile

    height = round(math.sqrt(megapixels * 1e6 / 1.5))
    width = round(1.5 * height)
    rng, scene = np.random.default_rng(0), np.zeros((height, width, 3), np.float32)
    for cell in (1, 2, 4, 8, 16, 32, 64, 128, 256):  # pixels; as strong in every octave
        values = rng.normal(size=(height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        scene += cv2.resize(values, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)[:height, :width]
    sharp = np.clip(128 + 24 * scene, 0, 255).astype(np.uint8)
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15)).astype(np.float32)
    blurred = cv2.filter2D(sharp, -1, disk / disk.sum())
    seam = width * (0.5 + 0.1 * np.sin(np.arange(height) / height * 4 * math.pi))
    left = (np.arange(width) < seam[:, None])[..., None]
    places = folder / "a.tif", folder / "b.tif"
    for place, picture in zip(places, (np.where(left, sharp, blurred), np.where(left, blurred, sharp)), strict=True):
        tifffile.imwrite(place, picture, photometric="rgb")
    return places


def small(threads: int) -> float:
    """CPU seconds a pixel of the network on a pair of `SIDE`×`SIDE`, in the best turn; in a process of its own."""
    let_threads_rest()
    keep_memory()
    import torch

    import bridgetune
    from bridgetune.inference import Queries

    torch.set_num_threads(threads)
    generator = Queries("fast").of(bridgetune.create("bridgemff"), (SIDE, SIDE))
    first, second = torch.rand(2, 1, 3, SIDE, SIDE)
    times = []
    with torch.inference_mode():
        for _ in range(TURNS):
            began = time.process_time()
            for _ in range(CALLS):
                generator(first, second)
            times.append((time.process_time() - began) / CALLS)
    return min(times[1:]) / SIDE**2


def fused(first: Path, second: Path, out: Path, quality: str, threads: int) -> tuple[float, float, int]:
    """CPU seconds of the network and of all, and the most bytes in memory; in a process of its own."""
    let_threads_rest()
    keep_memory()
    import torch

    import bridgetune
    from bridgetune.inference import Queries, fuse_files, fusing

    torch.set_num_threads(threads)
    asked, spent = fusing.asked_logits, [0.0]

    def timed(*given: object, **options: object) -> object:
        began = time.process_time()
        logits = asked(*given, **options)
        spent[0] += time.process_time() - began
        return logits

    fusing.asked_logits = timed
    generator = bridgetune.create("bridgemff")
    fuse_files(generator, first, second, queries=Queries(quality)).save(out)
    return spent[0], time.process_time(), peak_memory()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 6, 24])
    parser.add_argument("--quality", nargs="+", default=["auto", "fast"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--small", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=4, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.small:
        print(small(asked.threads))
        return
    if asked.one:
        *places, quality = asked.one
        print(*fused(*map(Path, places), quality, asked.threads))
        return
    rows, threads = [], ("--threads", asked.threads)
    for megapixels in asked.megapixels:
        with tempfile.TemporaryDirectory() as folder:
            pair = write_pair(Path(folder), megapixels)
            for quality in asked.quality:
                pixel = float(in_own_process(__file__, *threads, "--small"))
                told = in_own_process(__file__, *threads, "--one", *pair, Path(folder, "out.png"), quality).split()
                network, whole, peak = float(told[0]), float(told[1]), int(told[2])
                spent = f"{network:.1f}", f"{network / megapixels * 1000:.0f}", f"{whole:.1f}"
                more = f"{network / (megapixels * 1e6) / pixel:.2f}" if quality == "fast" else "–"
                rows.append((f"{megapixels:g} MP, `{quality}`", *spent, f"{peak / MEGABYTE:.0f}", more))
                print(*rows[-1], file=sys.stderr)
    header = ("BridgeMFF, one pair", "network, CPU s", "CPU ms a megapixel", "in all, CPU s", "peak of memory, MB")
    header += (f"a pixel, times {SIDE}×{SIDE}'s",)
    text = f"Threads: {asked.threads}.\n\n" + markdown(header, rows)
    print(text)
    if asked.write:
        write_section("benchmarks/large.py", text)


if __name__ == "__main__":
    main()
