"""The demo: tune the network that comes along on other photographs, and measure it on pairs never trained on."""

from __future__ import annotations

import copy
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bridgetune.config import Steps, TuneConfig
from bridgetune.data import Pair, all_in_focus, to_pixels, write_image
from bridgetune.demo.photographs import HeldOut, references, training_pairs
from bridgetune.destinations import check_folder
from bridgetune.errors import RequestError
from bridgetune.evaluation.panels import draw_panels
from bridgetune.files import replaced
from bridgetune.inference import settled
from bridgetune.locking import held
from bridgetune.metrics import HOMOGENEOUS, MapErrors, map_errors
from bridgetune.modes import evaluating
from bridgetune.opening import create
from bridgetune.paths import entries, is_file, is_folder, shown
from bridgetune.runs.directory import Record
from bridgetune.synthesis import fuse
from bridgetune.training import finetune
from bridgetune.wrapping import Adapter

WRITTEN = ("finetune", "pairs", "fused", "demo.png", "demo.json")
"""All that the demo writes into its folder."""

TUNE = TuneConfig(duration=Steps(steps=60), batch=8, size=128, learning_rate=3e-4, alpha="auto", average=0.9)
"""A minute's worth of the paper's hours: fewer steps, smaller images and batches."""


@dataclass(frozen=True)
class DemoResult:
    """What the demo measured.

    Attributes:
        errors: Name of a held-out pair -> its map errors before and after BridgeTune on these photographs.
        seconds: What was done -> how long it took.
        out: Where everything was written.
    """

    errors: dict[str, tuple[MapErrors, MapErrors]]
    seconds: dict[str, float]
    out: Path

    def total(self) -> tuple[MapErrors, MapErrors]:
        """The errors over all pixels of all pairs."""
        before, after = zip(*self.errors.values(), strict=True)
        return sum(before, MapErrors()), sum(after, MapErrors())

    def described(self) -> dict[str, Any]:
        """As a JSON document."""

        def numbers(errors: MapErrors) -> dict[str, float | None]:
            homogeneous = errors.homogeneous_error if errors.homogeneous_pixels else None
            return {"map_error": errors.map_error, "homogeneous_error": homogeneous}

        rows = {**self.errors, "all": self.total()}
        return {
            "homogeneous": str(HOMOGENEOUS),
            "pairs": {
                name: {"before": numbers(before), "after": numbers(after)} for name, (before, after) in rows.items()
            },
            "seconds": self.seconds,
            "out": str(self.out),
        }


def run_demo(
    out: Path,
    *,
    force: bool = False,
    tuning: TuneConfig = TUNE,
    report: Callable[[Record], None] = lambda record: None,
) -> DemoResult:
    """Tune BridgeMFF, with the weights that it brings, and fuse held-out pairs before and after.

    Args:
        out: The folder for the run, the held-out pairs, their fused images and the picture.
        force: Replace what an earlier demo wrote there.
        tuning: How it is tuned.
        report: Told every record of the run.

    Raises:
        RequestError: `out` is in use, or has files and no demo, scikit-image or the BridgeMFF plugin is missing.
    """
    check_folder(out, "the demo")
    with held(out):
        _clear(out, force)
        torch.manual_seed(tuning.seed)
        generator = create("bridgemff")
        held_out = HeldOut()
        watch = _Stopwatch()
        before = copy.deepcopy(generator)

        finetune(
            generator,
            training_pairs(tuning.size),
            references(tuning.size),
            tuning,
            validation=held_out,
            run_dir=out / "finetune",
            report=report,
        )
        watch.lap("finetune")

        errors = _fuse_and_measure(held_out.named, before, generator, out)
        watch.lap("fuse and measure")
        result = DemoResult(errors, watch.laps, out)
        with replaced(out / "demo.json") as partial:
            partial.write_text(json.dumps(result.described(), indent=2) + "\n", encoding="utf-8")
        return result


class _Stopwatch:
    """Seconds from one lap to the next."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._began = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._began = now - self._began, now


def _clear(out: Path, force: bool) -> None:
    if any(not path.name.startswith(".") for path in entries(out)):
        if not force:
            raise RequestError(f"{shown(out)}: not empty; name another folder, or --force to replace an earlier demo")
        if not is_file(out / "finetune" / "config.json"):
            raise RequestError(
                f"{shown(out)}: not empty, and no earlier demo that --force could replace; name another folder"
            )
        for name in WRITTEN:
            path = out / name
            shutil.rmtree(path) if is_folder(path) and not path.is_symlink() else path.unlink(missing_ok=True)


def _fuse_and_measure(
    held_out: Mapping[str, Pair], before: Adapter, after: Adapter, out: Path
) -> dict[str, tuple[MapErrors, MapErrors]]:
    """Decide for every pair with both generators, write the files and the picture, and count the errors."""
    errors: dict[str, tuple[MapErrors, MapErrors]] = {}
    rows: dict[str, dict[str, Tensor]] = {}
    for number, (name, pair) in enumerate(held_out.items(), 1):
        old, new = _decided(before, pair), _decided(after, pair)
        homogeneous = HOMOGENEOUS.of(all_in_focus(pair)[None])
        truth = pair.mask[None]
        errors[name] = map_errors(old[None], truth, homogeneous), map_errors(new[None], truth, homogeneous)
        fused = fuse(pair.first, pair.second, new)
        rows[name] = {
            "source A": pair.first,
            "source B": pair.second,
            "true map (white: A is in focus)": pair.mask,
            "map before tuning": old,
            "map after tuning": new,
            "fused": fused,
        }
        files = {"pairs/A": pair.first, "pairs/B": pair.second, "pairs/mask": pair.mask, "fused": fused}
        for folder, image in files.items():
            write_image(out / folder / f"{number:02}.png", to_pixels(image))
    write_image(out / "demo.png", draw_panels(rows))
    return errors


def _decided(generator: Adapter, pair: Pair) -> Tensor:
    """The decision map (1, H, W), on the CPU, as `bridgetune fuse` makes it."""
    device = next(generator.parameters()).device
    with evaluating(generator), torch.inference_mode():
        logits = generator(pair.first[None].to(device), pair.second[None].to(device))[0, 0].cpu().numpy()
    known = settled(logits, *(image.permute(1, 2, 0).numpy() for image in (pair.first, pair.second)))
    return torch.from_numpy(known >= 0)[None].float()
