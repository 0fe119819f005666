"""What it costs to hand pictures out, and what one driver can hand out: two processes beside one, and a simulation.

    python benchmarks/cluster.py [--pairs N] [--write]

Pairs of noise are fused on a Ray of this machine by one process and by two, in turns; the time of starting Ray and
the processes is not counted. What an item costs beside its work is measured on items that are nothing. A driver of a
thousand processes is simulated: it does all that it does, and the processes sleep.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measuring import markdown, write_section

from bridgetune.cluster import Cluster
from bridgetune.cluster.crew import Crew, handed_out
from bridgetune.cluster.worker import Answer
from bridgetune.data import write_image
from bridgetune.data.stored import SourceFiles
from bridgetune.inference.folders import PairSettings
from bridgetune.inference.many import FusingPairs
from bridgetune.opening import Opening

TURNS = 5
"""Of one process and of two, by turns; the median of each counts."""

WORKERS, MANY = 1000, 10_000_000
"""Of the simulation and the reckoning: processes, and pairs."""

SLOW = 5.0
"""Seconds that an item takes in the simulation of a cluster that is busy with its work."""

GIGABYTE = 1 << 30


@dataclass(frozen=True)
class Nothing:
    """`Work` without work."""

    def opened(self) -> Callable[[SourceFiles], None]:
        return lambda item: None


def steady(crew: Crew, work: object, items: list[SourceFiles]) -> float:
    """Items a second, from the first that is done to the last but as many as there are processes."""
    ends = []
    for done in crew(work, items):
        assert not done.failure, done.failure
        ends.append(time.perf_counter())
    first, last = crew.cluster.workers, len(ends) - crew.cluster.workers
    return (last - first) / (ends[last - 1] - ends[first - 1])


def item(number: int) -> SourceFiles:
    """As a driver holds it."""
    name = f"photograph-{number:08}"
    return SourceFiles(name, Path(f"/drive/pairs/A/{name}.png"), Path(f"/drive/pairs/B/{name}.png"))


def held(count: int = 20_000) -> float:
    """Bytes that an item takes in the driver."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    items = [item(number) for number in range(count)]
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / len(items)


def handed_out_a_second(work: float, count: int) -> float:
    """Items a second that one driver hands out to `WORKERS` processes, each of which takes so many seconds for one.

    The processes sleep, all of them in one; the loop, its calls and its answers are the very ones of the program.
    """
    import ray

    @ray.remote(max_concurrency=WORKERS)
    class Sleepers:
        async def carry_out(self, item: SourceFiles) -> Answer:
            await asyncio.sleep(work)
            return Answer("done")

    ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        ends = [
            time.perf_counter() for _ in handed_out(ray, [Sleepers.remote()] * WORKERS, list(map(item, range(count))))
        ]
    finally:
        ray.shutdown()
    return (count - 2 * WORKERS) / (ends[-WORKERS] - ends[WORKERS])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--nothings", type=int, default=3000)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/performance.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        sources = Path(place, "sources")
        noise = np.random.default_rng(0)
        pairs = []
        for number in range(asked.pairs):
            files = [sources / side / f"{number}.png" for side in "AB"]
            for file in files:
                write_image(file, noise.integers(0, 256, (asked.side, asked.side, 3), np.uint8))
            pairs.append(SourceFiles(str(number), *files))
        rates: dict[int, list[float]] = {1: [], 2: []}
        for turn in range(2 * TURNS):
            workers = 1 + turn % 2
            work = FusingPairs(Opening("modified-laplacian"), PairSettings(), Path(place, f"out-{turn}"))
            rates[workers].append(steady(Crew(Cluster(workers=workers)), work, pairs))
            print(f"{workers}: {rates[workers][-1]:.2f} pairs a second", file=sys.stderr)
        one, two = (statistics.median(rates[workers]) for workers in (1, 2))
    nothing = steady(Crew(Cluster(workers=1)), Nothing(), [item(number) for number in range(asked.nothings)])
    bytes_held = held()
    most = handed_out_a_second(0.1, 12 * WORKERS)
    slow = handed_out_a_second(SLOW, 6 * WORKERS)
    rows = [
        ("two processes of one core beside one, pairs a second", f"{two / one:.2f}"),
        ("an item beside its work, one process", f"{1000 / nothing:.2f} ms"),
        (f"handed out to {WORKERS:,} processes at most, items a second", f"{most:.0f}"),
        (f"the share of {WORKERS:,} processes that work, at {SLOW:g} s an item", f"{slow * SLOW / WORKERS:.0%}"),
        (f"{MANY:,} items handed out, their work aside", f"{MANY / most / 3600:.1f} hours"),
        ("an item in the driver's memory", f"{bytes_held:.0f} bytes"),
        (f"{MANY:,} items there", f"{bytes_held * MANY / GIGABYTE:.1f} GB"),
    ]
    text = f"{asked.pairs} pairs of {asked.side}×{asked.side}.\n\n" + markdown(("", ""), rows)
    print(text)
    if asked.write:
        write_section("benchmarks/cluster.py", text)


if __name__ == "__main__":
    main()
