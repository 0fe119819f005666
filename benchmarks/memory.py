"""What a step of BridgeTune adds to a process's memory at most, for each backbone and each way to save some.

    python benchmarks/memory.py [--batch N] [--size S] [--write]

Two steps of random pictures, each setting in a process of its own. Parameters, gradients and moments of all three
networks are in it; decoded photographs are not.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
import torch
from measuring import MEGABYTE, added_memory, in_own_process, markdown, write_section
from torch import Tensor

import bridgetune
from bridgetune import Steps, TuneConfig
from bridgetune.data import Pair, References

NETWORKS = ("bridgemff", "msfin", "drpl")

SETTINGS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "`--checkpoint-activations`": {"checkpoint_activations": True},
    "`--micro-batch 2`": {"micro_batch": 2},
}


class Noise:
    """Pairs and references without files."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __len__(self) -> int:
        return 64

    def sample(self, index: int, rng: np.random.Generator) -> Pair:
        first, second = (self._picture(rng) for _ in range(2))
        return Pair(first, second, (first[:1] > 0.5).float())

    def _picture(self, rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(rng.random((3, self.size, self.size), dtype=np.float32))


class Pool(Noise):
    def sample(self, rng: np.random.Generator) -> Tensor:  # type: ignore[override]
        return self._picture(rng)


def measured(network: str, setting: str, batch: int, size: int) -> tuple[int, float]:
    """Bytes added at most, and the seconds of a step."""
    torch.set_num_threads(1)
    pool, seconds = Pool(size), []
    config = TuneConfig(
        duration=Steps(steps=2),
        batch=batch,
        size=size,
        device="cpu",
        validation_share=0,
        workers=0,
        **SETTINGS[setting],
    )
    generator = bridgetune.create(network, weights=None)

    def run() -> None:
        bridgetune.finetune(
            generator,
            Noise(size),
            References(pool, pool),
            config,
            report=lambda record: seconds.append(record["seconds"]),
        )

    torch.rand(8, 8) @ torch.rand(8, 8)  # libraries allocate at their first call
    return added_memory(run), min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=48)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(*measured(*asked.one, asked.batch, asked.size))
        return
    own = [word for word in sys.argv[1:] if word != "--write"]
    rows = []
    for setting in SETTINGS:
        cells = []
        for network in NETWORKS:
            added, seconds = in_own_process(__file__, *own, "--one", network, setting).split()
            cells.append(f"{int(added) / MEGABYTE:.0f}")
            print(f"{network}, {setting}: {cells[-1]} MB, {float(seconds):.1f} s a step", file=sys.stderr)
        rows.append((setting, *cells))
    text = f"MB added to the process at most; batch {asked.batch}, {asked.size}×{asked.size}, CPU.\n\n" + markdown(
        ("", *NETWORKS), rows
    )
    print(text)
    if asked.write:
        write_section("benchmarks/memory.py", text)


if __name__ == "__main__":
    main()
