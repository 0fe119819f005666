"""How fast a step of BridgeTune is: bridgetune's engine beside the loop that one writes first, in the same run.

    python benchmarks/finetune.py [--images DIR --masks DIR --clear DIR --blurred DIR] [--threads N] [--write]

Without folders it trains on crops of the demo's photographs, of the size that photographs in data sets have.

The plain loop decodes every picture at every draw, judges each synthesis in a pass of its own,
and lets every loss run through whatever it is made of. Both train the same networks from the same weights on the same
pairs, in float32, and must show the same losses: where they part the benchmark says so, and fails at its end. BatchNorm
makes rounding errors grow from step to step, by a hundred times and more: networks that have it are compared in runs of
their own, in float64, and on a quarter of the batch: torch's convolutions of float64 take memory by the gigabyte. Each
run is a process of its own; they take turns, and of each step's place in the runs the shortest time counts: of the CPU,
drawing included, so that a busy neighbour counts little. A third run has the engine's convolutions and Mamba layers
timed one by one: a step of nothing else is the floor.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

from bridgetune.cli.process import keep_memory, let_threads_rest

let_threads_rest()  # before torch is imported
keep_memory()

import numpy as np
import torch
from measuring import in_own_process, markdown, peak_memory, write_section
from plain_training import NOTHING, plain_losses
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

import bridgetune
from bridgetune import Steps, TuneConfig
from bridgetune.config import RECIPES
from bridgetune.data import References, SyntheticPairs, to_pixels, write_image
from bridgetune.demo import photographs
from bridgetune.discriminators import build_discriminator
from bridgetune.terms import DOMAINS
from bridgetune.training import loop
from bridgetune.wrapping import has_batch_norm

TOLERANCE = 1e-4
"""Of the losses of every step that is compared, relative to their size."""

COMPARED = 4
"""Steps in float64."""

NETWORKS: dict[str, dict[str, Any]] = {
    "bridgemff": {},
    "msfin": {"widths": [8, 16, 32, 64]},
    "drpl": {"width": 16, "blocks": 3},
}
"""Names and options: MSFIN at a quarter of its widths, DRPL of its width and its blocks."""

KINDS = ("plain", "bridgetune")
"""Of loop."""

FLOOR = "floor"
"""The kind of run that times what nothing else can be saved of."""

COSTLY = "convolution", "mamba"
"""In the names of torch's operators: what the floor is made of."""

WARM_UP = 2
"""Steps that are not counted."""

FOLDERS = ("images", "masks", "clear", "blurred")

PICTURES = 256
"""Of each folder that is trained on, so that the time to begin does not grow with the data set."""

SIDES = 346, 224
"""Of crops of the demo's photographs, in pixels, to make pairs of and as references."""


def gather(asked: argparse.Namespace, root: Path) -> None:
    """Have `root` hold the four folders: the first pictures of those that were asked for, or the demo's."""
    for name in FOLDERS:
        (root / name).mkdir()
    if asked.images is None:
        write_crops(root)
        return
    for name in FOLDERS:
        for path in islice(sorted(getattr(asked, name).iterdir()), PICTURES):
            (root / name / path.name).symlink_to(path.resolve())


def write_crops(root: Path) -> None:
    """The four folders from the demo's photographs: JPEG files, and masks by random outlines."""
    rng, (side, small) = np.random.default_rng(0), SIDES
    pools = {"images": photographs.references(side).clear, **vars(photographs.references(small))}
    for number in range(PICTURES):
        for name, pool in pools.items():
            write_image(root / name / f"{number}.jpg", to_pixels(pool.sample(rng)))
        inside = photographs.random_outline(side, side, rng)[0].numpy().astype(np.uint8)
        write_image(root / "masks" / f"{number}.png", 255 * inside)


class Costly(TorchDispatchMode):
    """Within, the CPU seconds of the convolutions and Mamba layers are added up."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def __torch_dispatch__(
        self, operator: Any, types: Any, arguments: Any = (), keywords: dict[str, Any] | None = None
    ) -> Any:
        began = time.process_time()
        answer = operator(*arguments, **(keywords or {}))
        if any(name in str(operator) for name in COSTLY):
            self.seconds += time.process_time() - began
        return answer


def run(kind: str, network: str, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Train; the seconds and the losses of each step, and the process's peak of memory in bytes."""
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    steps, dtype = (COMPARED, torch.float64) if asked.double else (asked.steps, torch.float32)
    generator = bridgetune.create(network, weights=None, **NETWORKS[network]).to(dtype)

    def twin() -> nn.Module:
        return generator.twin().to(dtype)

    config = TuneConfig(
        duration=Steps(steps=steps),
        batch=asked.batch,
        size=asked.size,
        fit="crop",
        validation_share=0,
        device="cpu",
        recipe=asked.recipe,
        workers=0,  # all is the process's own time
        seed=1,
    )
    cache = NOTHING if kind == "plain" else None
    pairs = SyntheticPairs(folder / "images", folder / "masks", size=asked.size, fit="crop", cache=cache)
    references = References.from_folders(folder / "clear", folder / "blurred", size=asked.size, fit="crop", cache=cache)

    seconds, losses = [], []
    torch.manual_seed(config.seed)
    if kind == "plain":
        judges = {domain: build_discriminator(generator, twin, RECIPES[asked.recipe].score)[0] for domain in DOMAINS}
        began = time.process_time()
        for found in plain_losses(generator, judges, pairs, references, config, steps):
            seconds.append(time.process_time() - began)
            losses.append(found)
            began = time.process_time()
    else:
        loop.time = SimpleNamespace(perf_counter=time.process_time)  # its records' seconds are the CPU's, too

        def report(record: dict[str, Any]) -> None:
            seconds.append(record["seconds"])
            losses.append(record)

        told: list[float] = []

        def sum_up(record: dict[str, Any]) -> None:
            told.append(costly.seconds)

        costly = Costly()
        with costly if kind == FLOOR else nullcontext():
            tell = sum_up if kind == FLOOR else report
            bridgetune.finetune(generator, pairs, references, config, discriminator=twin, report=tell)
        if kind == FLOOR:  # a step is told of at the end of the next one, the last one at its own
            seconds = [later - sooner for sooner, later in pairwise(told[:-1])]
    return {"seconds": seconds, "losses": losses, "peak": peak_memory()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in FOLDERS:
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--recipe", default="released", choices=sorted(RECIPES))
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--double", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if len({getattr(asked, name) is None for name in FOLDERS}) > 1:
        parser.error("give all of --images, --masks, --clear and --blurred, or none of them")
    if asked.run:
        kind, network, folder = asked.run
        print(json.dumps(run(kind, network, Path(folder), asked)))
        return

    with tempfile.TemporaryDirectory() as root:
        gather(asked, Path(root))
        own = [word for word in sys.argv[1:] if word != "--write"]

        def each(network: str, *more: str, kinds: tuple[str, ...] = KINDS) -> dict[str, dict[str, Any]]:
            printed = {kind: in_own_process(__file__, *own, *more, "--run", kind, network, root) for kind in kinds}
            return {kind: json.loads(text.splitlines()[-1]) for kind, text in printed.items()}

        rows, apart = [], []
        for network in asked.networks:
            rounds = [each(network, kinds=(*KINDS, FLOOR)) for _ in range(asked.rounds)]
            normed = has_batch_norm(bridgetune.create(network, weights=None, **NETWORKS[network]))
            exact = "--double", "--batch", str(max(asked.batch // 4, 1))
            parted = difference(each(network, *exact) if normed else rounds[0])
            if not parted <= TOLERANCE:
                apart.append(f"{network}: the losses part by {parted:.0e}, more than {TOLERANCE:.0e}")
            found = list(table(network, rounds, parted))
            print(*found, sep="\n", file=sys.stderr, flush=True)
            rows += found
    header = ("network", "loop", "CPU seconds a step", "times the plain loop", "peak of memory, MB", "losses part by")
    text = (
        f"torch {torch.__version__}, threads: {asked.threads}. Batch {asked.batch}, {asked.size}×{asked.size} crops,"
        f" recipe `{asked.recipe}`.\n\n{markdown(header, rows)}"
    )
    print(text)
    if apart:
        raise SystemExit("\n".join(apart))
    if asked.write:
        write_section("benchmarks/finetune.py", text)


def difference(found: dict[str, dict[str, Any]]) -> float:
    """The largest between the losses of the two loops in any step, relative to their size."""
    return max(
        abs(value - ours[name]) / max(1.0, abs(value))
        for plain, ours in zip(*(found[kind]["losses"] for kind in KINDS), strict=True)
        for name, value in plain.items()
    )


def table(network: str, rounds: list[dict[str, dict[str, Any]]], parted: float) -> Iterator[tuple[object, ...]]:
    best = {}
    for kind in KINDS:
        places = list(zip(*(one[kind]["seconds"] for one in rounds), strict=True))
        best[kind] = median(map(min, places[WARM_UP:]))
    floor = median(map(min, zip(*(one[FLOOR]["seconds"] for one in rounds), strict=True)))
    for kind in KINDS:
        peak = min(one[kind]["peak"] for one in rounds) / 2**20
        ratio = best["plain"] / best[kind]
        yield network, kind, f"{best[kind]:.2f}", f"{ratio:.1f}", f"{peak:.0f}", f"{parted:.0e}"
    yield network, "its convolutions and Mamba layers alone", f"{floor:.2f}", f"{best['plain'] / floor:.1f}", "–", "–"


if __name__ == "__main__":
    main()
