"""How fast a pair is fused: BridgeMFF beside its plain structure and exported runtimes, MSFIN and DRPL beside it.

    python benchmarks/inference.py [--weights generator.pth] [--threads N] [--largest 4096] [--write]

From a pair of float images to the fused image, all in one run. Exported runtimes are measured where they are installed
(pip install 'bridgetune[export]' openvino). `--write` puts the tables into the README.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from measuring import MEGABYTE, added_memory, best_times, in_own_process, markdown, write_section
from plain import plain
from torch import Tensor

import bridgetune
from bridgetune.cli.process import keep_memory
from bridgetune_bridgemff.scan import report

Fuse = Callable[[Tensor, Tensor], object]

SIDE = 256
CLOSE = 1e-4
"""Within which every contender's logits must agree with ours, relative to the largest."""


def pair(side: int) -> tuple[Tensor, Tensor]:
    torch.manual_seed(0)
    first, second = torch.rand(2, 1, 3, side, side)
    return first, second


def fused(logits: Callable[[Tensor, Tensor], Tensor], first: Tensor, second: Tensor) -> Tensor:
    with torch.inference_mode():
        return torch.where(logits(first, second) >= 0, first, second)


def plain_logits(generator: bridgetune.Adapter, first: Tensor, second: Tensor) -> Tensor:
    return plain(generator.unwrap(), first * 2 - 1, second * 2 - 1)


def contenders(generator: bridgetune.Adapter, folder: Path, threads: int) -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Name -> from a pair to logits; every one computes the same."""
    found: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "bridgetune": generator,
        "plain structure, token loop": partial(plain_logits, generator),
    }
    expected = generator(*pair(SIDE)).detach()
    for name, logits in found.items():
        off = float((logits(*pair(SIDE)) - expected).abs().max() / expected.abs().max())
        if off > CLOSE:
            raise SystemExit(f"{name}: its logits are off by {off:.1g}")
    return found


def main() -> None:
    pass


if __name__ == "__main__":
    main()
