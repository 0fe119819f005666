"""What each effect of `--augment graded` is worth on real pairs: a few hundred steps each, beside those without it.

    python benchmarks/effects.py --images DIR --masks DIR --sources DIR [--sources DIR …] [--out FILE]

From one generator on (`--generator`, default the one that comes with bridgetune-bridgemff) a run goes on as `camera`
has it, one with each effect added at the strength that `graded` gives it, one with those of `world`, one with all of
them, one with `all`, and one does nothing.
Every effect draws from random numbers of its own: the scenes, and all else that befalls them, are the same in all runs
of a seed. What comes of it is judged on the real pairs of every `--sources`, a folder with A/ and B/, and clear/ where
there is a truth, by the bare network (`--undecided keep`, one view and one size, both orders). A run in
`--out` is not made again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from bridgetune.cli.process import keep_memory, let_threads_rest

let_threads_rest()  # before torch is imported
keep_memory()

from measuring import markdown
from studies import asked_plainly, labelled, opened

import bridgetune
from bridgetune.config import AUGMENTATIONS, Augmentation
from bridgetune.evaluation import evaluate
from bridgetune.wrapping import Adapter

BASE, WHOLE = AUGMENTATIONS["camera"], AUGMENTATIONS["graded"]

SHOWN = {
    "q_p": ("Q<sup>P</sup>", 1),
    "invention": ("invention, %", 100),
    "undecided": ("undecided, %", 100),
    "psnr": ("PSNR, dB", 1),
}
"""Metrics that there are columns for, where they were measured: their titles, and what they are multiplied by."""

Result = dict[str, Any]


def arms() -> dict[str, Augmentation | None]:
    """Name -> what the pairs of its run are augmented with; None for no run."""
    added = {name: strength for name, strength in WHOLE.strengths.items() if name not in BASE.strengths}
    single = {f"+ {name}": BASE.model_copy(update={name: strength}) for name, strength in added.items()}
    presets = {name: AUGMENTATIONS[name] for name in ("world", "graded", "all")}
    return {"no step": None, "camera": BASE, **single, **presets}


def train(generator: Adapter, augmentation: Augmentation, seed: int, asked: argparse.Namespace) -> None:
    pairs = labelled(asked.images, asked.masks, asked.size, augmentation)
    config = bridgetune.PretrainConfig(
        duration=bridgetune.Steps(steps=asked.steps),
        batch=8,
        size=asked.size,
        fit="crop",
        learning_rate=asked.lr,
        average=0.99,
        seed=seed,
        validation_most=1,
        validate_every=asked.steps,
    )
    bridgetune.pretrain(generator, pairs, config)


def measured(generator: Adapter, sources: list[Path]) -> dict[str, dict[str, float | None]]:
    means = {}
    for folder in sources:
        scores = evaluate(folder, generator=generator.eval(), undecided="keep", workers=1).mean
        means[folder.name] = {name: scores.get(name) for name in SHOWN}
    return means


def carried_out(asked: argparse.Namespace) -> Iterator[Result]:
    """Every run, those that are written in `--out` first."""
    known: list[Result] = []
    if asked.out.exists():
        known = [json.loads(line) for line in asked.out.read_text("utf-8").splitlines()]
    yield from known
    there = {(result["arm"], result["seed"]) for result in known}
    for seed in range(asked.seeds):
        for arm, augmentation in arms().items():
            if (arm, seed) in there or (augmentation is None and seed):
                continue
            began = time.perf_counter()
            generator = asked_plainly(opened(asked.generator))
            if augmentation is not None:
                train(generator, augmentation, seed, asked)
            result: Result = {"arm": arm, "seed": seed, "sets": measured(generator, asked.sources)}
            with asked.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
            print(f"{arm}, seed {seed}: {time.perf_counter() - began:.0f} s", flush=True)
            yield result


def table(results: list[Result]) -> str:
    columns = [
        (folder, name) for folder, scores in results[0]["sets"].items() for name in SHOWN if scores[name] is not None
    ]
    rows = []
    for arm in arms():
        its = [result["sets"] for result in results if result["arm"] == arm]
        if its:
            cells = ([SHOWN[name][1] * sets[folder][name] for sets in its] for folder, name in columns)
            rows.append([arm, *map(spread, cells)])
    return markdown(["", *(f"{folder}: {SHOWN[name][0]}" for folder, name in columns)], rows)


def spread(values: list[float]) -> str:
    mean = f"{fmean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ± {stdev(values):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--masks", type=Path, required=True)
    parser.add_argument("--sources", type=Path, action="append", required=True)
    parser.add_argument("--generator", default="bridgemff")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("effects.jsonl"))
    print(table(list(carried_out(parser.parse_args()))))


if __name__ == "__main__":
    main()
