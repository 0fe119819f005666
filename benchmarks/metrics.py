"""How fast the fusion metrics are, beside straightforward NumPy and SciPy in the same run.

    python benchmarks/metrics.py                     # pictures that it draws, 520×520
    python benchmarks/metrics.py --triple A.png B.png F.png --sources DIR --fused DIR

The references are written the way one writes them first: full complex FFTs, filters built at each call, a window
gathered by `scipy.ndimage`, `numpy.histogram2d`. Their values must agree with bridgetune's to 1e-6, or it fails.
One thread throughout, but for the last line: a folder of results, evaluated with all cores. "exact" has the filter
responses of q_p in float64 as well.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from plain_metrics import REFERENCES
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from bridgetune.data import read_image, write_image
from bridgetune.evaluation import evaluate
from bridgetune.metrics import SourcePair, contrast, gray_levels, phase

SIDE = 520
AGREEMENT = 1e-6


def drawn_triple(side: int, seed: int = 0) -> list[torch.Tensor]:
    """Two photographs' worth of texture focused left and right, and their fusion: (1, 1, side, side) uint8."""
    rng = np.random.default_rng(seed)
    scene = sum(
        ndimage.zoom(rng.random((cells, cells)), side / cells, order=1, mode="reflect", grid_mode=True)
        for cells in (4, side // 20, side // 4, side)
    )
    scene = (scene - scene.min()) / (scene.max() - scene.min()) * 255
    left = np.zeros((side, side), dtype=bool)
    left[:, : side // 2] = True
    soft = ndimage.gaussian_filter(scene, 2)
    images = np.where(left, scene, soft), np.where(left, soft, scene), scene
    return [torch.from_numpy(np.rint(image).astype(np.uint8))[None, None] for image in images]


def best_of(work: Callable[[], object], repeats: int, before: Callable[[], object] = lambda: None) -> float:
    """The shortest of some runs, in seconds."""
    seconds = []
    for _ in range(repeats):
        before()
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return min(seconds)


def clear_caches() -> None:
    """Forget every filter."""
    phase._bank.cache_clear()
    contrast._sensitivity.cache_clear()


def measured(triple: list[torch.Tensor], repeats: int) -> tuple[Table, float]:
    """The table, and the greatest disagreement."""
    first, second, fused = triple
    arrays = [gray_levels(image)[0].numpy() for image in triple]
    height, width = arrays[0].shape
    table = Table("metric", "reference, s", "bridgetune, s", "ratio", "difference", title=f"{width}×{height}, one core")
    worst, reference_total = 0.0, 0.0
    for names, reference in REFERENCES.items():
        expected = np.atleast_1d(reference(*arrays))
        found = SourcePair(first, second).score(fused, names)
        apart = max(abs(float(found[name]) - value) for name, value in zip(names, expected, strict=True))
        theirs = best_of(lambda reference=reference: reference(*arrays), repeats)
        ours = best_of(lambda names=names: SourcePair(first, second).score(fused, names), repeats, clear_caches)
        worst, reference_total = max(worst, apart), reference_total + theirs
        table.add_row(*_row(", ".join(names), theirs, ours), f"{apart:.0e}")
    pair = SourcePair(first, second)
    table.add_section()
    for label, work, before in (
        ("all, caches cold", lambda: SourcePair(first, second).score(fused), clear_caches),
        ("all, a size seen before", lambda: SourcePair(first, second).score(fused), lambda: None),
        ("all, sources seen before", lambda: pair.score(fused), lambda: None),
        ("all, cold, exact", lambda: SourcePair(first, second, responses=torch.float64).score(fused), clear_caches),
    ):
        table.add_row(*_row(label, reference_total, best_of(work, repeats, before)), "")
    return table, worst


def _row(label: str, reference: float, ours: float) -> tuple[str, ...]:
    return label, f"{reference:.3f}", f"{ours:.3f}", f"{reference / ours:.1f}"


def folder_speed(sources: Path, fused: Path) -> str:
    """Images a second of `bridgetune.evaluation.evaluate`, the start of its processes apart and included."""
    began = time.perf_counter()
    first = 0.0

    def note(done: int, total: int, stem: str) -> None:
        nonlocal first
        first = first or time.perf_counter()

    result = evaluate(sources, fused=fused, progress=note)
    ended, count = time.perf_counter(), len(result.images)
    steady = (count - 1) / (ended - first) if count > 1 else math.nan
    return (
        f"folder of {count} on {result.settings['workers']} processes: {steady:.2f} images/s once started,"
        f" {count / (ended - began):.2f} all in all"
    )


def drawn_folder(root: Path, count: int) -> tuple[Path, Path]:
    """Pairs and their fusions."""
    for number in range(count):
        for folder, image in zip(("A", "B", "fused"), drawn_triple(SIDE, number), strict=True):
            write_image(root / folder / f"{number}.png", image[0, 0].numpy())
    return root, root / "fused"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--triple", nargs=3, metavar=("A", "B", "F"), type=Path, help="images instead of drawn ones")
    parser.add_argument("--sources", type=Path, metavar="DIR", help="a folder with A/ and B/ instead of a drawn one")
    parser.add_argument("--fused", type=Path, metavar="DIR", help="results of these sources")
    parser.add_argument("--images", type=int, default=16, help="in the drawn folder")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement, of which the shortest counts")
    arguments = parser.parse_args()
    if (arguments.sources is None) != (arguments.fused is None):
        parser.error("--sources and --fused belong together")
    torch.set_num_threads(1)
    triple = drawn_triple(SIDE)
    if arguments.triple:
        triple = [torch.from_numpy(read_image(path).pixels).permute(2, 0, 1)[None] for path in arguments.triple]
    console = Console()
    table, worst = measured(triple, arguments.repeats)
    console.print(table)
    if worst > AGREEMENT:
        raise SystemExit(f"a reference differs by {worst:.1e}, expected at most {AGREEMENT:.0e}")
    with tempfile.TemporaryDirectory() as scratch:
        given = arguments.sources and (arguments.sources, arguments.fused)
        console.print(folder_speed(*(given or drawn_folder(Path(scratch), arguments.images))))


if __name__ == "__main__":
    main()
