"""Commands that are killed at random moments and go on: nothing is half-written, and what comes of them is the same.

`python -m tests.fuzz kills --minutes 20`, or `python -m tests.fuzz.kills 40 16` for 40 kills of the seed 16, and
`python -m tests.fuzz.kills 40 16 SIGKILL` for those that nothing can catch.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from safetensors import safe_open

from tests.fuzz.campaign import Counts
from tests.fuzz.example import EARLIER, make_example
from tests.support.commands import Started

SIGNALS = ("SIGKILL", "SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
"""What is drawn from; the first one twice, for nothing can be done about it."""

TRAINING = (
    *("--images", "pictures/images", "--masks", "pictures/masks", "--batch", "2", "--size", "32", "--device", "cpu"),
    *("--steps", "6", "--checkpoint-every", "2", "--validate-every", "3", "--resume", "--out", "OUT/run"),
)

VERBS: dict[str, tuple[str, ...]] = {
    "pretrain": ("pretrain", "--generator", "drpl", "--option", "width=2", "--option", "blocks=1", *TRAINING),
    "finetune": (
        *("finetune", "--generator", "generator", "--clear", "pictures/clear", "--blurred", "pictures/blurred"),
        *TRAINING,
    ),
    "fuse": ("fuse", "--generator", "generator", "--pairs", "many", "-o", "OUT/fused", "--map", "OUT/maps"),
    "stack": ("stack", "frames", "-o", "OUT/fused.png", "--depth", "OUT/depth.tif"),
    "evaluate": (
        *("evaluate", "--sources", "many", "--generator", "generator", "--workers", "1", "--keep", "OUT/kept"),
        *("--out", "OUT/scores.json", "--csv", "OUT/scores.csv"),
    ),
    "export": ("export", "generator", "--format", "onnx", "--size", "32x32", "-o", "OUT/generator.onnx"),
    "data make": (
        *("data", "make", "--images", "pictures/images", "--masks", "pictures/masks", "--size", "32"),
        *("--out", "OUT/set"),
    ),
    "data make --stack": (
        *("data", "make", "--images", "pictures/images", "--stack", "3", "--size", "32", "--out", "OUT/stacks"),
    ),
    "compare": ("compare", "scores/one.json", "scores/two.json", "--out", "OUT/report"),
    "sweep": ("compare", "--sweep", "real.toml", "--out", "OUT/sweep"),
}
"""A command of each, run in the example's folder."""

LONGEST = 240
"""Seconds that a command may take."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Minus the signal where one ended it.
        said: On standard error.
        seconds: How long it took.
    """

    code: int
    said: str
    seconds: float


def make_inputs(folder: Path) -> Path:
    """The example, with more pairs to fuse and a sweep that can be run."""
    make_example(folder)
    for number in range(4):
        for name, source in (("A", "images"), ("B", "blurred"), ("mask", "masks")):
            (folder / "many" / name).mkdir(parents=True, exist_ok=True)
            shutil.copy2(EARLIER / "pictures" / source / "0.png", folder / "many" / name / f"{number}.png")
    text = (folder / "sweep.toml").read_text(encoding="utf-8").replace('alphas = [1e-4, "auto"]', "alphas = [1e-4]")
    for name in ("images", "masks", "clear", "blurred"):
        text = text.replace(f'{name} = "missing"', f'{name} = "pictures/{name}"')
    (folder / "real.toml").write_text(text.replace('sources = "missing"', 'sources = "many"'), encoding="utf-8")
    return folder


def run(
    verb: str, inputs: Path, out: Path, number: str = "", after: float = LONGEST, more: tuple[str, ...] = ()
) -> Ended:
    """Run a verb's command, and send it a signal after some seconds; without one it is killed when it hangs."""
    arguments = [argument.replace("OUT", str(out)) for argument in (*VERBS[verb], *more)]
    began = time.monotonic()
    command = Started(inputs, {**os.environ, "OMP_NUM_THREADS": "1"}, arguments)
    if command.goes_on(after):
        command.send(getattr(signal, number or "SIGKILL"))
    try:
        finished = command.ended()
    except subprocess.TimeoutExpired as hung:
        return Ended(-signal.SIGKILL, str(hung), time.monotonic() - began)
    return Ended(finished.returncode, finished.stderr, time.monotonic() - began)


def half_written(out: Path) -> Iterator[str]:
    """Visible files that are not whole; a last line of `metrics.jsonl` may be cut, a run goes on behind it."""
    for path in sorted(out.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(out).parts)
        if hidden or not path.is_file():
            continue
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".png":
                with Image.open(path) as image:
                    image.load()
            elif path.suffix == ".safetensors":
                with safe_open(path, "pt") as tensors:
                    list(tensors.keys())
            elif path.suffix in {".csv", ".md", ".tex", ".onnx"} and path.stat().st_size == 0:
                raise ValueError("is empty")
        except Exception as error:
            yield f"{path.relative_to(out)}: {type(error).__name__}: {error}"


def essence(out: Path) -> dict[str, str]:
    """What must be the same however often a command was killed: weights, pictures, tables and scores."""
    found = {}
    for path in sorted(out.rglob("*")):
        name = path.relative_to(out)
        if not path.is_file() or "checkpoints" in name.parts or "figures" in name.parts:
            continue
        if path.name == "model.safetensors" or path.suffix in {".png", ".tif", ".csv"} or path.name == "dataset.json":
            found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif "evaluations" in name.parts or path.name == "scores.json":
            found[str(name)] = json.dumps(json.loads(path.read_text(encoding="utf-8"))["images"])
        elif path.suffix == ".onnx":
            found[str(name)] = "there"
    return {name: value for name, value in found.items() if not name.endswith("cost.csv")}


def left_over(out: Path) -> list[str]:
    """Hidden files that a command which went on to its end has left."""
    return [str(path.relative_to(out)) for path in out.rglob(".*")]


class Killing:
    """Kills of the verbs' commands.

    Args:
        place: An empty folder.
        seed: Of which signal, and when.
        signals: Their names.
    """

    def __init__(self, place: Path, seed: int, signals: Sequence[str] = SIGNALS) -> None:
        self._place, self._random, self._signals = place, random.Random(seed), signals
        self._inputs = make_inputs(place / "inputs")
        self._straight: dict[str, tuple[dict[str, str], float]] = {}

    def undisturbed(self, verb: str) -> tuple[dict[str, str], float]:
        """What comes of a verb, and its seconds."""
        if verb not in self._straight:
            out = self._place / f"straight-{verb.replace(' ', '-')}"
            out.mkdir()
            ended = run(verb, self._inputs, out)
            assert ended.code == 0, (verb, ended)
            assert not left_over(out), left_over(out)
            self._straight[verb] = essence(out), ended.seconds
            assert self._straight[verb][0], f"nothing of {verb} can be compared"
        return self._straight[verb]

    def kill(self, verb: str) -> tuple[str, list[str]]:
        """Kill a command once or more, have it go on; what became of it, and the faults."""
        expected, seconds = self.undisturbed(verb)
        out = self._place / "killed"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        name, after = self._random.choice(self._signals), self._random.uniform(0.05, 1) * seconds
        ended = run(verb, self._inputs, out, name, after)
        if ended.code == 0:  # the machine was busier when it was measured
            self._straight[verb] = expected, min(seconds, ended.seconds)
        faults = [f"half-written: {line}" for line in half_written(out)] + _ill_said(ended, name)
        kind = "through" if ended.code == 0 else name
        if ended.code != 0:
            again = run(verb, self._inputs, out)
            if again.code == 2 and "--force" in again.said:
                again = run(verb, self._inputs, out, more=("--force",))
            if again.code != 0 and not (verb.startswith("data make") and again.code == 2 and "not empty" in again.said):
                faults.append(f"does not go on: {again.code}: {again.said[-300:]}")
        if (found := essence(out)) != expected:
            parted = sorted(key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key))
            faults.append(f"not the same: {', '.join(parted[:5])}")
        faults += [f"left over: {path}" for path in left_over(out)]
        return kind, [f"{verb}, {name} after {after:.2f} of {seconds:.2f} s: {fault}" for fault in faults]


def _ill_said(ended: Ended, name: str) -> list[str]:
    """What is wrong with how a command ended that was sent a signal."""
    if "Traceback" in ended.said or "Exception ignored" in ended.said:
        return [f"no line, but {ended.said[-1500:]!r}"]
    right = {-9} if name == "SIGKILL" else {0, 1, 130, -getattr(signal, name)}
    return [] if ended.code in right | {0} else [f"exit code {ended.code}: {ended.said[-300:]!r}"]


def campaign(
    *,
    seconds: float = float("inf"),
    seed: int = 0,
    keep: Path | None = None,
    most: int | None = None,
    signals: Sequence[str] = SIGNALS,
) -> Counts:
    """Kill command after command, verb by verb, until the time is up or there were enough."""
    counts, until = Counts(Counter()), time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as place:
        killing, number = Killing(Path(place), seed, signals), 0
        while time.monotonic() < until and (most is None or _killed(counts) < most):
            verb = list(VERBS)[number % len(VERBS)]
            kind, faults = killing.kill(verb)
            print(f"kill {number}: {verb}: {kind}", flush=True)
            counts.classes[f"{verb} {kind}"] += 1
            counts.faults += [f"seed {seed}, kill {number}: {fault}" for fault in faults]
            for fault in faults:
                print(f"seed {seed}, kill {number}: {fault}", flush=True)
            if faults and keep is not None:
                shutil.copytree(Path(place, "killed"), keep / f"{seed}-{number}", dirs_exist_ok=True)
            number += 1
    return counts


def _killed(counts: Counts) -> int:
    return sum(count for kind, count in counts.classes.items() if not kind.endswith("through"))


if __name__ == "__main__":
    made = campaign(most=int(sys.argv[1]), seed=int(sys.argv[2]), signals=sys.argv[3:] or SIGNALS)
    for what, count in sorted(made.classes.items()):
        print(what, count)
    print(f"{_killed(made)} kills, {len(made.faults)} faults")
    sys.exit(bool(made.faults))
