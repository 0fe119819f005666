"""What tuning on pairs without masks is worth: arms and seeds, settings chosen on one half, reported on the other.

    python benchmarks/unlabelled.py --images DIR --masks DIR --clear DIR --blurred DIR --sources DIR [--sources DIR …]
                                    --out DIR [--arm NAME …] [--seeds N]

Of every `--sources`, a folder with A/ and B/, the first half by name is what is tuned on, without labels, and what
each arm's learning rate is chosen on, with seed 0: the one that wins the greater part of all comparisons, an image and
a score each. With that rate every arm is run with all seeds and judged on the second half, with default fusing, beside
the generator it began from (`--generator`, default the one that comes with bridgetune-bridgemff). A score is first
averaged over an arm's seeds, then compared with another arm's image by image (Wilcoxon's signed-rank test, two-sided;
Holm over scores and sets). Measurements in `--out` are not made again, so that several processes can share the arms.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Literal

from bridgetune.cli.process import keep_memory, let_threads_rest

let_threads_rest()  # before torch is imported
keep_memory()

from measuring import markdown
from scipy.stats import wilcoxon
from studies import asked_plainly, labelled, opened

import bridgetune
from bridgetune.config import AUGMENTATIONS
from bridgetune.data import References, UnlabelledPairs
from bridgetune.evaluation import evaluate
from bridgetune.evaluation.statistics import holm
from bridgetune.wrapping import Adapter

ARMS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "α 0, camera": ("camera", None),
    "α 0": ("world", None),
    "α 0, regularisers": ("world", {"alpha": 0.0}),
    "adversarial": ("world", {"alpha": "auto"}),
    "pseudo": ("world", {"adversarial": "pseudo"}),
    "smoothed": ("world", {"adversarial": "smoothed"}),
    "votes": ("world", {"adversarial": "votes"}),
}
"""Name -> how its labelled pairs are augmented, and what it asks of stage 2 where it is shown the unlabelled ones."""

BEGINNING, CONTROL = "no step", "α 0"

LEARNING_RATES = (1e-4, 6e-4)
"""That are chosen among: the paper's, and a gentle one."""

SCORES = {
    "qabf_weighted": ("Q<sup>AB/F</sup>", 1),
    "q_mi": ("Q<sub>MI</sub>", 1),
    "q_p": ("Q<sup>P</sup>", 1),
    "q_w": ("Q<sub>W</sub>", 1),
    "q_cb": ("Q<sub>CB</sub>", 1),
    "invention_homogeneous": ("invention, homogeneous, %", 100),
    "undecided": ("undecided, %", 100),
}
"""What is measured: its title, and what it is multiplied by."""

COMPARED = tuple(SCORES)[:-1]
"""What decides between two rates or arms: `undecided` says what a network knows, not how it fuses."""

Half = Literal["first", "second"]
Images = dict[str, dict[str, float]]
"""Image -> score -> value."""
Run = tuple[str, int, float]
"""Arm, seed, learning rate."""


class Study:
    """Runs and what was measured of them, in a folder."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked, self.out = asked, asked.out
        self.lines = self.out / "measured.jsonl"
        self.sets = [source.name for source in asked.sources]
        self.out.mkdir(parents=True, exist_ok=True)
        for source in asked.sources:
            link_halves(source, self.out)

    def known(self) -> dict[tuple[Run, Half], dict[str, Images]]:
        if not self.lines.exists():
            return {}
        found = (json.loads(line) for line in self.lines.read_text("utf-8").splitlines())
        return {((it["arm"], it["seed"], it["rate"]), it["half"]): it["sets"] for it in found}

    def measure(self, run: Run, halves: Sequence[Half]) -> None:
        """Make the run, unless it was, and measure it on those halves that it has not been."""
        missing = [half for half in halves if (run, half) not in self.known()]
        if not missing:
            return
        began = time.perf_counter()
        generator = self.tuned(run)
        for half in missing:
            sets = {name: scored(generator, self.out / half / name) for name in self.sets}
            line = {"arm": run[0], "seed": run[1], "rate": run[2], "half": half, "sets": sets}
            with self.lines.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
        print(f"{run}: {time.perf_counter() - began:.0f} s", flush=True)

    def tuned(self, run: Run) -> Adapter:
        """The generator after a run, its queries as they were."""
        arm, seed, rate = run
        if arm == BEGINNING:
            return opened(self.asked.generator)
        folder = self.out / "runs" / f"{arm}, rate {rate:g}, seed {seed}"
        if not (folder / "generator" / "model.safetensors").exists():
            self.tune(run, folder)
        tuned = bridgetune.load(folder / "generator")
        return tuned.reconfigured(opened(self.asked.generator).config)

    def tune(self, run: Run, folder: Path) -> None:
        (arm, seed, rate), asked = run, self.asked
        augmentation, stage_two = ARMS[arm]
        generator = asked_plainly(opened(asked.generator))
        pairs = labelled(asked.images, asked.masks, asked.size, AUGMENTATIONS[augmentation])
        settings: dict[str, Any] = {
            "duration": bridgetune.Steps(steps=asked.steps),
            "batch": asked.batch,
            "size": asked.size,
            "fit": "crop",
            "learning_rate": rate,
            "average": 0.99,
            "seed": seed,
            "validation_most": 16,
            "validate_every": asked.steps,
            "checkpoint_every": asked.steps,
            "checkpoints_kept": 1,
        }
        if stage_two is None:
            bridgetune.pretrain(generator, pairs, bridgetune.PretrainConfig(**settings), run_dir=folder, resume=True)
            return
        bridgetune.finetune(
            generator,
            pairs,
            References.from_folders(asked.clear, asked.blurred, size=asked.size, fit="crop"),
            bridgetune.TuneConfig(**settings, **stage_two),
            unlabelled=UnlabelledPairs(self.out / "first" / "all", size=asked.size, fit="crop"),
            run_dir=folder,
            resume=True,
        )

    def chosen(self, arm: str) -> float | None:
        """The rate that wins the greater part of comparisons on the first half; None where one is not measured."""
        known = self.known()
        runs = [known.get(((arm, 0, rate), "first")) for rate in LEARNING_RATES]
        one, other = runs
        if one is None or other is None:
            return None
        won = sum(
            better(name, other[folder][image].get(name), scores.get(name))
            for folder in self.sets
            for image, scores in one[folder].items()
            for name in COMPARED
        )
        return LEARNING_RATES[won > 0]

    def carry_out(self) -> None:
        if BEGINNING in self.asked.arm:
            self.measure((BEGINNING, 0, 0.0), ("first", "second"))
        arms = [arm for arm in self.asked.arm if arm != BEGINNING]
        for arm, rate in product(arms, LEARNING_RATES):
            self.measure((arm, 0, rate), ("first",))
        for seed, arm in product(range(self.asked.seeds), arms):
            chosen = self.chosen(arm)
            assert chosen is not None
            self.measure((arm, seed, chosen), ("second",))

    def results(self) -> dict[str, list[dict[str, Images]]]:
        """Arm -> what each of its seeds has on the second half."""
        known = self.known()
        results: dict[str, list[dict[str, Images]]] = {}
        for (arm, _seed, rate), half in known:
            if half == "second" and (arm == BEGINNING or rate == self.chosen(arm)):
                results.setdefault(arm, []).append(known[(arm, _seed, rate), half])
        return {arm: results[arm] for arm in (BEGINNING, *ARMS) if arm in results}


def link_halves(source: Path, out: Path) -> None:
    """Links to the pairs of either half, and to those of the first half of all sources in one folder."""
    images = sorted((source / "A").iterdir())
    for place, image in product("AB", images):
        half = "first" if image in images[: len(images) // 2] else "second"
        links = [out / half / source.name / place / image.name]
        if half == "first":
            links.append(out / half / "all" / place / f"{source.name}-{image.name}")
        for link in links:
            link.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):  # of a process before or beside this one
                link.symlink_to((source / place / image.name).resolve())


def scored(generator: Adapter, sources: Path) -> Images:
    images = evaluate(sources, generator=generator.eval(), workers=1).images
    return {
        image: {name: value for name in SCORES if (value := scores[name]) is not None}
        for image, scores in images.items()
    }


def better(name: str, value: float | None, other: float | None) -> int:
    """1 where `value` is better, -1 where it is worse, 0 where neither is or one is missing."""
    if value is None or other is None or value == other:
        return 0
    return 1 if (value > other) != name.startswith("invention") else -1


def over_seeds(runs: list[dict[str, Images]], folder: str, name: str) -> dict[str, float]:
    """Image -> mean over seeds, of the images that have the score."""
    its = runs[0][folder]
    return {image: fmean(run[folder][image][name] for run in runs) for image in its if name in its[image]}


def means_table(results: dict[str, list[dict[str, Images]]], folder: str) -> str:
    rows = []
    for arm, runs in results.items():
        cells = []
        for name, (_, factor) in SCORES.items():
            means = [factor * fmean(its[name] for its in run[folder].values() if name in its) for run in runs]
            cells.append(f"{fmean(means):.4f}" + (f" ± {stdev(means):.4f}" if len(means) > 1 else ""))
        rows.append([arm, str(len(runs)), *cells])
    return markdown([folder, "seeds", *(title for title, _ in SCORES.values())], rows)


def tests_table(results: dict[str, list[dict[str, Images]]], sets: list[str], reference: str) -> str:
    """Every arm against one: on how many images it is better, and p after Holm over scores and sets."""
    rows = []
    columns = list(product(sets, COMPARED))
    for arm, runs in results.items():
        if arm == reference:
            continue
        found = []
        for folder, name in columns:
            before = over_seeds(results[reference], folder, name)
            after = over_seeds(runs, folder, name)
            signs = [better(name, after[image], before[image]) for image in before]
            differing = [after[image] - before[image] for image in before if after[image] != before[image]]
            p = float(wilcoxon(differing).pvalue) if differing else 1.0
            found.append((signs.count(1), signs.count(-1), p))
        corrected = holm([p for *_, p in found])
        rows.append([arm, *(f"{won}:{lost} ({p:.2g})" for (won, lost, _), p in zip(found, corrected, strict=True))])
    return markdown([f"against {reference}", *(f"{folder}: {SCORES[name][0]}" for folder, name in columns)], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("images", "masks", "clear", "blurred", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--sources", type=Path, action="append", required=True)
    parser.add_argument("--generator", default="bridgemff")
    parser.add_argument("--arm", action="append", choices=[BEGINNING, *ARMS])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--seeds", type=int, default=5)
    asked = parser.parse_args()
    asked.arm = asked.arm or [BEGINNING, *ARMS]
    study = Study(asked)
    study.carry_out()
    results = study.results()
    print({arm: study.chosen(arm) for arm in results if arm != BEGINNING})
    for folder in study.sets:
        print(means_table(results, folder), end="\n\n")
    for reference in (BEGINNING, CONTROL):
        if reference in results and len(results) > 1:
            print(tests_table(results, study.sets, reference), end="\n\n")


if __name__ == "__main__":
    main()
