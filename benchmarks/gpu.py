"""What a GPU makes of it: whether it answers as the CPU does, and how long pairs and tuning steps take on both.

    python benchmarks/gpu.py [--device cuda] [--networks bridgemff …] [--megapixels 24] [--write]

Networks are fresh, of the plugins' full size. The logits of a pair of 256×256 may part by 1e-4 of the CPU's in float32,
or it fails. Times are the shortest of several, in turns, with the device waited for; the first call, which compiles, is
apart. `--device cpu` tries the program itself where there is no GPU.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from measuring import best_times, markdown, write_section

import bridgetune
from bridgetune import Steps, TuneConfig
from bridgetune.demo import references, training_pairs
from bridgetune.inference import asked_logits
from bridgetune.testing.networks import stir
from bridgetune.wrapping import Adapter

TOLERANCE = 1e-4
"""By which logits may part, in units of logits."""

SIDES = 256, 520
"""Of pairs that are asked once."""

STEP, BATCH = 128, 16
"""Pixels of a side of the crops of a tuning step, and how many pairs it has."""


def made(network: str, device: torch.device) -> Adapter:
    torch.manual_seed(0)
    generator = bridgetune.create(network, weights=None)
    stir(generator.unwrap(), 0.1, seed=0)
    return generator.eval().to(device)


def pair(side: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    first, second = torch.rand(2, 1, 3, side, side, generator=torch.Generator().manual_seed(0))
    return first.to(device), second.to(device)


def waited(call: Callable[[], object], device: torch.device) -> Callable[[], object]:
    """The call, and what it has begun on the device, done."""

    def done() -> None:
        with torch.inference_mode():
            call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return done


def parting(network: str, device: torch.device) -> float:
    """By how much the logits of a pair part at most."""
    with torch.inference_mode():
        here, there = (made(network, where)(*pair(SIDES[0], where)).cpu() for where in (torch.device("cpu"), device))
    return float((here - there).abs().max())


def pair_times(network: str, device: torch.device) -> dict[str, float]:
    """Seconds of a pair, by its sides and the device."""
    calls, places = {}, {torch.device("cpu"), device}
    for place in places:
        generator = made(network, place)
        for side in SIDES:
            calls[f"{side}, {place.type}"] = waited(partial(generator, *pair(side, place)), place)
    return best_times(calls)


def large_time(network: str, device: torch.device, megapixels: float) -> float:
    """Seconds of one large pair, asked once, from pixels to logits, the second time."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    pixels = np.random.default_rng(0).integers(0, 256, (2, height, round(1.5 * height), 3), np.uint8)
    return best_times({"large": partial(asked_logits, made(network, device), *pixels)}, seconds=0, rounds=1)["large"]


def step_time(network: str, device: torch.device) -> float:
    """Seconds of a step of BridgeTune: the shortest but for the first ones."""
    seconds: list[float] = []
    config = TuneConfig(duration=Steps(steps=8), batch=BATCH, size=STEP, validation_share=0, device=device.type)
    bridgetune.finetune(
        made(network, device), training_pairs(STEP), references(STEP), config,
        report=lambda record: seconds.append(record["seconds"]),
    )  # fmt: skip
    return min(seconds[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--networks", nargs="+", default=["bridgemff", "msfin", "drpl"])
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    device = torch.device(asked.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("no GPU is to be seen here; --device cpu tries the program itself")

    rows, apart = [], []
    for network in asked.networks:
        if (parted := parting(network, device)) > TOLERANCE:
            apart.append(f"{network}: the logits part by {parted:.0e}, more than {TOLERANCE:.0e}")
        times = pair_times(network, device)
        cells = [f"{1e3 * times[f'{side}, {device.type}']:.2f}" for side in SIDES]
        ratio = times[f"{SIDES[1]}, cpu"] / times[f"{SIDES[1]}, {device.type}"]
        large, began = large_time(network, device, asked.megapixels), time.perf_counter()
        step = step_time(network, device)
        rows.append([network, f"{parted:.0e}", *cells, f"{ratio:.1f}", f"{large:.2f}", f"{1e3 * step:.0f}"])
        print(f"{network}: done, {time.perf_counter() - began:.0f} s of it tuning", file=sys.stderr)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU itself"
    heads = [
        *("network", "logits part by", *(f"{side}×{side}, ms" for side in SIDES), "times the CPU's speed"),
        *(f"{asked.megapixels:g} MP, s", f"a tuning step of {BATCH}×{STEP}², ms"),
    ]
    text = (
        f"{name}, torch {torch.__version__}; the CPU on {torch.get_num_threads()} threads.\n\n{markdown(heads, rows)}"
    )
    print(text)
    if asked.write:
        write_section("benchmarks/gpu.py", text)
    if apart:
        raise SystemExit("\n".join(apart))


if __name__ == "__main__":
    main()
