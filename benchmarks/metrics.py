"""How fast the fusion metrics are, beside straightforward NumPy and SciPy in the same run.

    python benchmarks/metrics.py                     # pictures that it draws, 520×520
    python benchmarks/metrics.py --triple A.png B.png F.png --sources DIR --fused DIR
    python benchmarks/metrics.py --large [--megapixels 24] [--whole] [--write]

The references are written the way one writes them first: full complex FFTs, filters built at each call, a window
gathered by `scipy.ndimage`, `numpy.histogram2d`. Their values must agree with bridgetune's to 1e-6, or it fails.
One thread throughout, but for the last line: a folder of results, evaluated with all cores. "exact" has the filter
responses of q_p in float64 as well.

`--large` measures a large triple in place of that: CPU seconds beside the imports and the peak of memory, pictures and
imports included, a process for each metric. `--whole` has it looked at whole, too, as small ones are: 24 megapixels
want more than 8 GB of memory. `--write` puts that table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from measuring import MEGABYTE, in_own_process, markdown, peak_memory, write_section
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from bridgetune.data import read_image, write_image
from bridgetune.evaluation import evaluate
from bridgetune.metrics import FUSION_METRICS, METRICS, SourcePair, contrast, gray_levels, phase, strips

Image = NDArray[np.float64]

SIDE = 520
AGREEMENT = 1e-6


def qabf(first: Image, second: Image, fused: Image) -> tuple[float, float]:
    """Sum over sum of weights, and mean over pixels."""

    def edges(image: Image) -> list[Image]:
        across = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
        down = np.array([[-1, -2, -1], [0, 0, 0], [1, 2, 1]])
        x, y = (ndimage.correlate(image, kernel.astype(float), mode="constant") for kernel in (across, down))
        return [np.sqrt(x**2 + y**2), np.arctan(y / np.where(x == 0, 1e-5, x))]

    strength, angle = edges(fused)
    total, weights = np.zeros_like(fused), np.zeros_like(fused)
    for source in (first, second):
        weight, source_angle = edges(source)
        weight = np.where(weight == 0, 1e-5, weight)
        falling = strength / weight
        strength = np.where(strength == 0, 1e-5, strength)
        ratio = np.where(weight > strength, falling, weight / strength)
        turn = np.abs(np.abs(source_angle - angle) - np.pi / 2) * 2 / np.pi
        kept = 1 / (1 + np.exp(-10 * (ratio - 0.5))) / (1 + np.exp(-20 * (turn - 0.75)))
        total, weights = total + kept * weight, weights + weight
    return float(total.sum() / weights.sum()), float((total / weights).mean())


def stretched(image: Image) -> Image:
    return np.floor((image - image.min()) / (image.max() - image.min()) * 255 + 0.5)


def q_mi(first: Image, second: Image, fused: Image) -> float:
    def entropy(counts: Image) -> float:
        shares = counts[counts > 0] / counts.sum()
        return float(-(shares * np.log2(shares)).sum())

    score, fused = 0.0, stretched(fused)
    for source in (first, second):
        joint, _, _ = np.histogram2d(stretched(source).ravel(), fused.ravel(), bins=256, range=[[0, 256], [0, 256]])
        apart = entropy(joint.sum(0)) + entropy(joint.sum(1))
        score += 2 * (apart - entropy(joint)) / apart
    return score


def gaussian(image: Image, sigma: float, reach: int, total: float) -> Image:
    """Separable, zeros beyond the edges; `total` is the taps' sum, 0 leaves them as sampled."""
    taps = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    taps = taps / taps.sum() if total else taps / (math.sqrt(2 * math.pi) * sigma)
    for axis in (0, 1):
        image = ndimage.correlate1d(image, taps, axis, mode="constant")
    return image


def similarity(first: Image, second: Image, fused: Image) -> tuple[float, float]:
    """Q_S and Q_W."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def smooth(image: Image) -> Image:
        return gaussian(image, 1.5, 5, 1)[5:-5, 5:-5]

    def ssim(x: Image, y: Image) -> Image:
        mx, my = smooth(x), smooth(y)
        vx, vy, shared = smooth(x * x) - mx**2, smooth(y * y) - my**2, smooth(x * y) - mx * my
        return (2 * mx * my + c1) * (2 * shared + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))

    variances = [smooth(source * source) - smooth(source) ** 2 for source in (first, second)]
    kept = [np.where(variance < 1e-9, 0, variance) for variance in variances]
    total = kept[0] + kept[1]
    share = np.divide(kept[0], total, out=np.full_like(total, 0.5), where=total > 0)
    mixed = share * ssim(first, fused) + (1 - share) * ssim(second, fused)
    weight = np.maximum(*variances)
    return float(mixed.mean()), float((mixed * weight).sum() / weight.sum())


def frequencies(side: int) -> Image:
    return (np.arange(side) - side // 2) / (side - side % 2)


def phase_congruency(image: Image) -> tuple[Image, Image, Image]:
    """Phase congruency, maximum and minimum moment."""
    height, width = image.shape
    x, y = np.meshgrid(frequencies(width), frequencies(height))
    radius, angle = np.fft.ifftshift(np.hypot(x, y)), np.fft.ifftshift(np.arctan2(-y, x))
    radius[0, 0] = 1
    across, down = np.meshgrid((np.arange(width) - width // 2) / width, (np.arange(height) - height // 2) / height)
    lowpass = np.fft.fftshift(1 / (1 + (np.hypot(across, down) / 0.45) ** 30))
    spectrum = np.fft.fft2(image)
    energies, amplitudes, moments = np.zeros_like(image), np.zeros_like(image), np.zeros((3, height, width))
    for orientation in range(6):
        turn = orientation * np.pi / 6
        apart = np.abs(np.arctan2(np.sin(angle - turn), np.cos(angle - turn)))
        filters = []
        for scale in range(4):
            radial = np.exp(-(np.log(radius * 3 * 2.1**scale) ** 2) / (2 * np.log(0.55) ** 2)) * lowpass
            radial[0, 0] = 0
            filters.append(radial * np.exp(-(apart**2) / (2 * (np.pi / 6 / 1.2) ** 2)))
        responses = np.array([np.fft.ifft2(spectrum * each) for each in filters])
        amplitude = np.abs(responses)
        inverse = [np.fft.ifft2(each).real * np.sqrt(image.size) for each in filters]
        power = np.median(amplitude[0] ** 2) / np.log(2) / (filters[0] ** 2).sum()
        squares = sum((one**2).sum() for one in inverse)
        products = sum((inverse[s] * inverse[t]).sum() for s in range(4) for t in range(s + 1, 4))
        tau = np.sqrt((2 * power * squares + 4 * power * products) / 2)
        threshold = (tau * np.sqrt(np.pi / 2) + 2 * np.sqrt((2 - np.pi / 2) * tau**2)) / 1.7

        even, odd = responses.real, responses.imag
        even_sum, odd_sum = even.sum(0), odd.sum(0)
        length = np.sqrt(even_sum**2 + odd_sum**2) + 1e-4
        mean_even, mean_odd = even_sum / length, odd_sum / length
        energy = (even * mean_even + odd * mean_odd - np.abs(even * mean_odd - odd * mean_even)).sum(0)
        energy = np.maximum(energy - threshold, 0)
        spread = amplitude.sum(0) / (amplitude.max(0) + 1e-4) / 4
        energy = energy / (1 + np.exp(10 * (0.5 - spread)))
        energies, amplitudes = energies + energy, amplitudes + amplitude.sum(0)
        congruent = energy / amplitude.sum(0)
        cosine, sine = congruent * np.cos(turn), congruent * np.sin(turn)
        moments += np.array([cosine**2, sine**2, cosine * sine])
    cosine2, sine2, both = moments[0] / 3, moments[1] / 3, moments[2] / 6
    apart = np.sqrt(both**2 + (cosine2 - sine2) ** 2) + 1e-4
    return energies / (amplitudes + 1e-4), (cosine2 + sine2 + apart) / 2, (cosine2 + sine2 - apart) / 2


def q_p(first: Image, second: Image, fused: Image) -> float:
    of_first, of_second, of_fused = (phase_congruency(image) for image in (first, second, fused))
    greater = of_first[0] > of_second[0]
    sources = [of_first, of_second, [np.where(greater, a, b) for a, b in zip(of_first, of_second, strict=True)]]

    def smooth(image: Image) -> Image:
        return gaussian(image, 1.5, 5, 1)

    score = 1.0
    for feature in range(3):
        y, best = of_fused[feature], []
        for source in sources:
            mask = source[0] > 0.1
            x = source[feature] * mask
            shared = smooth(x * y) - smooth(x) * smooth(y)
            deviations = np.sqrt(np.abs((smooth(x * x) - smooth(x) ** 2) * (smooth(y * y) - smooth(y) ** 2)))
            best.append(mask * (shared + 1e-4) / (deviations + 1e-4))
        score *= float(np.max(best, axis=0).sum() / (sources[2][0] > 0.1).sum())
    return score


def q_cb(first: Image, second: Image, fused: Image) -> float:
    def masked(image: Image) -> Image:
        height, width = image.shape
        x, y = np.meshgrid(
            (np.arange(width) - width // 2) * 2 / width * width / 30,
            (np.arange(height) - height // 2) * 2 / height * height / 30,
        )
        square = x**2 + y**2
        sensitivity = np.exp(-square / 15.3870**2) - 0.7622 * np.exp(-square / 1.3456**2)
        seen = np.fft.ifft2(np.fft.fft2(stretched(image)) * np.fft.ifftshift(sensitivity)).real
        near, around = gaussian(seen, 2, 15, 0), gaussian(seen, 4, 15, 0)
        empty = np.abs(around) < 1e-9
        found = np.where(empty, 0, np.abs(near / np.where(empty, 1, around) - 1))
        return found**3 / (found**2 + 1e-4)

    def kept(x: Image, y: Image) -> Image:
        greater = np.maximum(x, y)
        return np.divide(np.minimum(x, y), greater, out=np.ones_like(x), where=greater > 0)

    a, b, f = masked(first), masked(second), masked(fused)
    total = a**2 + b**2
    share = np.divide(a**2, total, out=np.full_like(a, 0.5), where=total > 0)
    return float((share * kept(a, f) + (1 - share) * kept(b, f)).mean())


REFERENCES: dict[tuple[str, ...], Callable[[Image, Image, Image], float | tuple[float, ...]]] = {
    ("qabf_weighted", "qabf_mean"): qabf,
    ("q_mi",): q_mi,
    ("q_s", "q_w"): similarity,
    ("q_p",): q_p,
    ("q_cb",): q_cb,
}


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
    parser.add_argument("--triple", nargs=3, metavar=("A", "B", "F"), type=Path, help="images instead of drawn ones")
    parser.add_argument("--sources", type=Path, metavar="DIR", help="a folder with A/ and B/ instead of a drawn one")
    parser.add_argument("--fused", type=Path, metavar="DIR", help="results of these sources")
    parser.add_argument("--images", type=int, default=16, help="in the drawn folder")
    parser.add_argument("--repeats", type=int, default=3, help="of each measurement, of which the shortest counts")
    parser.add_argument("--large", action="store_true", help="what a large triple takes, and nothing else")
    parser.add_argument("--megapixels", type=float, default=24, help="of the large triple")
    parser.add_argument("--whole", action="store_true", help="the large triple whole, too")
    parser.add_argument("--write", action="store_true", help="put the large triple's table into docs/performance.md")
    parser.add_argument("--one", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        *places, way = arguments.one[:4]
        print(*scored([Path(place) for place in places], arguments.one[4:], way == "whole"))
        return
    if arguments.large:
        text = large(arguments.megapixels, arguments.whole)
        print(text)
        if arguments.write:
            write_section("benchmarks/metrics.py", text)
        return
    if arguments.write or arguments.whole:
        parser.error("--write and --whole belong to --large")
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
