"""What the fusion metrics of a large triple take.

    python benchmarks/large_metrics.py [--megapixels 24] [--whole] [--write]

CPU seconds beside the imports and the peak of memory, pictures and imports included, a process for each metric.
`--whole` has the triple looked at whole, too, as small ones are: 24 megapixels want more than 8 GB of memory. `--write`
puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from measuring import MEGABYTE, in_own_process, markdown, peak_memory, write_section
from numpy.typing import NDArray

from bridgetune.metrics import FUSION_METRICS, METRICS, SourcePair, strips


def write_triple(folder: Path, megapixels: float) -> list[Path]:
    """Noise that is sharp on the left in one file and on the right in another, and their fusion with some blots."""
    rng = np.random.default_rng(0)
    height = round(math.sqrt(megapixels * 1e6 / 1.5))
    width = round(1.5 * height)

    def blocks(side: int, cells: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return cells.repeat(side, 0).repeat(side, 1)[:height, :width]

    soft = blocks(8, rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8))
    sharp = rng.integers(0, 64, soft.shape, np.uint8) + soft // 2
    left = np.arange(width)[:, None] < width // 2
    blots = blocks(50, rng.integers(0, 10, (height // 50 + 1, width // 50 + 1, 1), np.uint8)) == 0
    pictures = np.where(left, sharp, soft), np.where(left, soft, sharp), np.where(blots, soft, sharp)
    places = [folder / f"{which}.npy" for which in "ABF"]
    for place, picture in zip(places, pictures, strict=True):
        np.save(place, picture)
    return places


def scored(places: list[Path], names: list[str], whole: bool) -> tuple[float, int]:
    """CPU seconds beside the imports, and the most bytes in memory; in a process of its own."""
    torch.set_num_threads(1)
    if whole:
        strips.WHOLE = sys.maxsize
    for name in names:
        assert METRICS[name].computed  # imported
    first, second, fused = (torch.from_numpy(np.load(place)).permute(2, 0, 1)[None] for place in places)
    began = time.process_time()
    SourcePair(first, second).score(fused, names)
    return time.process_time() - began, peak_memory()


def large(megapixels: float, whole: bool) -> str:
    """The table of a large triple."""
    ways = ["strips", "whole"] if whole else ["strips"]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        places = write_triple(Path(folder), megapixels)
        for label, names in [*((f"`{name}`", [name]) for name in FUSION_METRICS), ("all", list(FUSION_METRICS))]:
            row = [label]
            for way in ways:
                told = in_own_process(__file__, "--one", *places, way, *names).split()
                row += [f"{float(told[0]):.1f}", f"{int(told[1]) / MEGABYTE:.0f}"]
            rows.append(row)
            print(*row, file=sys.stderr)
    header = [f"{megapixels:g} MP, RGB, 8 bits"]
    for way in ways:
        header += [f"{'in strips' if way == 'strips' else 'whole'}, CPU s", "peak of memory, MB"]
    return "Threads: 1.\n\n" + markdown(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=24, help="of the triple")
    parser.add_argument("--whole", action="store_true", help="look at the triple whole, too")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        *places, way = arguments.one[:4]
        print(*scored([Path(place) for place in places], arguments.one[4:], way == "whole"))
        return
    text = large(arguments.megapixels, arguments.whole)
    print(text)
    if arguments.write:
        write_section("benchmarks/large_metrics.py", text)


if __name__ == "__main__":
    main()
