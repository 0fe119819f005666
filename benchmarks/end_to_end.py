"""What an end-to-end network's map is worth, and what BridgeTune does to such a network.

    python benchmarks/end_to_end.py --generator bridgetune_peers.ifcnn:IFCNN --weights weights.pth --data DIR --out DIR
                                    [--batch-norm train] [--rate 1e-5] [--steps N] [--seeds N]

`--generator` is what fuses a picture and draws no map, as the command line takes it. Of `--data` are read duts/train,
duts/val and references, and the pairs in eval/lytro, eval/real_mff and microscopy.

The first table, on Lytro: the network's own picture beside what its map takes from the sources, alone and settled, and
beside BridgeMFF, and how many pixels both maps decide alike. The second: the network as it is, after BridgeTune (α
auto) and after the same steps without an adversarial loss (α 0), over seeds: errors of its map on pairs made of
duts/val, PSNR there of what the map takes and of the network's own picture, both from the mean squared error over all
pairs, and scores on the second half by name of the real pairs, which nothing was chosen on. Its discriminators are the
built-in ones. Measurements in `--out` are not made again: name another folder for other settings.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from bridgetune.cli.process import keep_memory, let_threads_rest

let_threads_rest()  # before torch is imported
keep_memory()

import torch
import unlabelled
from measuring import markdown
from studies import labelled

import bridgetune
from bridgetune.config import AUGMENTATIONS
from bridgetune.data import References, SyntheticPairs, all_in_focus, read_image
from bridgetune.evaluation.dataset import ImageFiles, find_dataset
from bridgetune.inference import Undecided, fuse_pictures
from bridgetune.metrics import HOMOGENEOUS, METRICS, MapErrors, SourcePair, map_errors
from bridgetune.opening import open_generator
from bridgetune.protocol import Evaluator
from bridgetune.synthesis import decision_map, fuse
from bridgetune.training.samples import validation_pairs
from bridgetune.wrapping import Adapter

ARMS: dict[str, Any] = {"as it is": None, "α auto": "auto", "α 0": 0.0}
"""Name -> α; the first makes no step."""

SCORES = {name: unlabelled.SCORES[name] for name in unlabelled.COMPARED}
"""What is measured of a fused picture: its title, and what it is multiplied by."""

KNOWN = {
    "map_error": "map error, %",
    "homogeneous_error": "homogeneous, %",
    "psnr": "PSNR by the map, dB",
    "psnr_own": "PSNR of its own picture, dB",
}
"""What is measured where the truth is known."""

Scores = dict[str, float]


def own_picture(generator: Adapter) -> Evaluator:
    """The network as an end-to-end one, without a map."""
    return Evaluator("own picture", generator.fused)


def scored(method: Adapter | Evaluator, files: ImageFiles, undecided: Undecided) -> tuple[Scores, torch.Tensor | None]:
    """The scores of one fused image, and its map, (H, W)."""
    first, second = read_image(files.first), read_image(files.second)
    fusion = fuse_pictures(method, first, second, undecided=undecided, blend="none")
    planes = (torch.tensor(pixels).permute(2, 0, 1)[None] for pixels in (first.pixels, second.pixels, fusion.pixels))
    one, other, fused = planes
    images = SourcePair(one, other).scored(fused, "toolbox")
    scores = {name: factor * float(METRICS[name].computed(images)) for name, (_, factor) in SCORES.items()}
    decision = None if fusion.decision is None else torch.from_numpy(fusion.decision) >= 0.5
    return scores, decision


def on_pictures(generator: Adapter, sources: Path, most: int) -> str:
    """The first table, and below it how many pixels are decided alike."""
    other = bridgetune.create("bridgemff")
    methods: dict[str, tuple[Adapter | Evaluator, Undecided]] = {
        "its own picture": (own_picture(generator), "keep"),
        "by its map": (generator, "keep"),
        "by its map, settled": (generator, "settle"),
        "BridgeMFF": (other, "settle"),
    }
    found: dict[str, list[Scores]] = {name: [] for name in methods}
    alike: dict[str, list[float]] = {name: [] for name in methods}
    for files in find_dataset(sources).images[:most]:
        maps = {}
        for name, (method, undecided) in methods.items():
            scores, maps[name] = scored(method, files, undecided)
            found[name].append(scores)
        for name, decision in maps.items():
            if decision is not None:
                alike[name].append(100 * float((decision == maps["BridgeMFF"]).float().mean()))
    rows = [
        [
            name,
            *(f"{fmean(scores[score] for scores in images):.4f}" for score in SCORES),
            f"{fmean(alike[name]):.2f} ({min(alike[name]):.1f} to {max(alike[name]):.1f})" if alike[name] else "",
        ]
        for name, images in found.items()
    ]
    return markdown(["", *(title for title, _ in SCORES.values()), "decided as by BridgeMFF, %"], rows)


def on_known_pairs(generator: Adapter, pairs: SyntheticPairs, most: int) -> Scores:
    """Errors and PSNR on so many pairs whose truth is known, the same pairs every time."""
    errors = MapErrors()
    squares: dict[str, list[float]] = {"psnr": [], "psnr_own": []}
    with torch.inference_mode():
        for pair in validation_pairs(pairs, 0, (0, len(pairs) // most)):
            first, second, mask = (image[None] for image in pair)
            clear, decision = all_in_focus(pair)[None], decision_map(generator(first, second))
            errors += map_errors(decision, mask, HOMOGENEOUS.of(clear))
            for name, picture in (
                ("psnr", fuse(first, second, decision)),
                ("psnr_own", generator.fused(first, second)),
            ):
                squares[name].append(float((picture - clear).square().mean()))
    psnr = {name: -10 * math.log10(fmean(values)) for name, values in squares.items()}
    return {"map_error": 100 * errors.map_error, "homogeneous_error": 100 * errors.homogeneous_error, **psnr}


class Study:
    """The arms over seeds, and what was measured of them, in a folder."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self.asked, self.lines = asked, asked.out / "measured.jsonl"
        self.sets = {name: asked.data / name for name in ("eval/real_mff", "microscopy")}
        asked.out.mkdir(parents=True, exist_ok=True)

    def opened(self) -> Adapter:
        return open_generator(self.asked.generator, self.asked.weights).eval()

    def known(self) -> dict[tuple[str, int], dict[str, Scores]]:
        if not self.lines.exists():
            return {}
        found = (json.loads(line) for line in self.lines.read_text("utf-8").splitlines())
        return {(it["arm"], it["seed"]): it["sets"] for it in found}

    def carry_out(self) -> None:
        for seed in range(self.asked.seeds):
            for arm in ARMS:
                if (arm, seed) in self.known() or (seed and ARMS[arm] is None):
                    continue
                began = time.perf_counter()
                sets = self.measured(self.tuned(arm, seed))
                with self.lines.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"arm": arm, "seed": seed, "sets": sets}, ensure_ascii=False) + "\n")
                print(f"{arm}, seed {seed}: {time.perf_counter() - began:.0f} s", flush=True)

    def tuned(self, arm: str, seed: int) -> Adapter:
        generator, asked = self.opened(), self.asked
        if ARMS[arm] is None:
            return generator
        train, references = asked.data / "duts" / "train", asked.data / "references"
        bridgetune.finetune(
            generator,
            labelled(train / "image", train / "mask", asked.size, AUGMENTATIONS["camera"]),
            References.from_folders(references / "clear", references / "blurred", size=asked.size, fit="crop"),
            bridgetune.TuneConfig(
                duration=bridgetune.Steps(steps=asked.steps),
                batch=asked.batch,
                size=asked.size,
                fit="crop",
                learning_rate=asked.rate,
                alpha=ARMS[arm],
                batch_norm=asked.batch_norm,
                discriminator="patch",
                seed=seed,
                validation_most=8,
                validate_every=asked.steps,
                checkpoint_every=asked.steps,
                checkpoints_kept=1,
            ),
            discriminator=unlabelled.Indifferent if ARMS[arm] == 0 else None,
            run_dir=asked.out / "runs" / f"{arm}, seed {seed}",
            resume=True,
        )
        return generator.eval()

    def measured(self, generator: Adapter) -> dict[str, Scores]:
        held_out = self.asked.data / "duts" / "val"
        pairs = SyntheticPairs(held_out / "image", held_out / "mask", size=128, fit="crop", verify="header")
        found = {"duts/val": on_known_pairs(generator, pairs, self.asked.known)}
        for name, folder in self.sets.items():
            images = find_dataset(folder).images
            scores = [scored(generator, files, "keep")[0] for files in images[len(images) // 2 :][: self.asked.real]]
            found[name] = {score: fmean(its[score] for its in scores) for score in SCORES}
        return found

    def tables(self) -> str:
        known = self.known()
        columns = {"duts/val": KNOWN, **{name: {s: title for s, (title, _) in SCORES.items()} for name in self.sets}}
        return "\n\n".join(
            markdown([name, *titles.values()], [[arm, *self.cells(known, arm, name, titles)] for arm in ARMS])
            for name, titles in columns.items()
        )

    @staticmethod
    def cells(
        known: dict[tuple[str, int], dict[str, Scores]], arm: str, name: str, titles: dict[str, str]
    ) -> list[str]:
        cells = []
        for score in titles:
            values = [sets[name][score] for (its, _), sets in known.items() if its == arm]
            digits = 2 if name == "duts/val" or score.startswith("invention") else 4
            spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
            cells.append(f"{fmean(values):.{digits}f}{spread}" if values else "")
        return cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=20, help="of Lytro, for the first table")
    parser.add_argument("--known", type=int, default=60, help="pairs of duts/val")
    parser.add_argument("--real", type=int, default=99, help="pairs of either real set, at most")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--batch-norm", choices=["keep", "train"], default="keep")
    parser.add_argument("--rate", type=float, default=1e-4)
    asked = parser.parse_args()
    study = Study(asked)
    if asked.pictures:
        print(on_pictures(study.opened(), asked.data / "eval" / "lytro", asked.pictures), end="\n\n", flush=True)
    if asked.seeds:
        study.carry_out()
        print(study.tables())


if __name__ == "__main__":
    main()
