"""The folder that cases are run in: a bit of everything that a command may be given."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from tests.support import ROOT

EARLIER = ROOT / "tests" / "golden" / "earlier"

SWEEP = """\
seeds = [0]
alphas = [1e-4, "auto"]

[[backbones]]
name = "DRPL"
generator = "drpl"
options = { width = 2, blocks = 1 }

[data]
images = "missing"
masks = "missing"
clear = "missing"
blurred = "missing"

[[datasets]]
sources = "missing"
name = "first"

[pretrain]
steps = 2
batch = 2
size = 32

[finetune]
steps = 2
batch = 2
size = 32

[evaluation]
workers = 1

[cost]
size = [32, 32]
repeats = 1
"""
"""Of nothing: what it would train on is not there, so that the file alone is looked at."""

FUSING = "laplacian-pyramid"
"""What fuses at once."""


def make_example(folder: Path) -> None:
    """Write it.

    `generator`, `run` (of stage 2) and `pictures/{images,masks,clear,blurred}` are small; `pairs` has `A`, `B` and
    `mask`; `frames` is a stack of three; `scores/{one,two}.json` are evaluations; `sweep.toml` asks for what is not
    there; `odd` has a pipe, a loop, an empty folder and file, and a name that is no UTF-8.
    """
    folder.mkdir(parents=True)
    for name in ("generator", "pictures"):
        shutil.copytree(EARLIER / name, folder / name)
    shutil.copytree(EARLIER / "finetune", folder / "run")
    for name, source in (("A", "images"), ("B", "blurred"), ("mask", "masks"), ("fused", "clear")):
        (folder / "pairs" / name).mkdir(parents=True)
        shutil.copy2(EARLIER / "pictures" / source / "0.png", folder / "pairs" / name / "0.png")
    _stack(folder / "frames")
    evaluations = EARLIER / "sweep" / "runs" / "drpl" / "seed-0" / "supervised" / "evaluations"
    (folder / "scores").mkdir()
    text = (evaluations / "held-out.json").read_text(encoding="utf-8")
    (folder / "scores" / "one.json").write_text(text, encoding="utf-8")
    (folder / "scores" / "two.json").write_text(text.replace("DRPL, seed 0", "Other"), encoding="utf-8")
    (folder / "sweep.toml").write_text(SWEEP, encoding="utf-8")
    _odd(folder / "odd")


def _stack(folder: Path) -> None:
    """Three frames, each in focus in a third of the picture."""
    folder.mkdir()
    with Image.open(EARLIER / "pictures" / "clear" / "0.png") as photograph:
        sharp, blurred = (np.asarray(image) for image in (photograph, photograph.filter(ImageFilter.GaussianBlur(1.5))))
    third = sharp.shape[1] // 3
    for number in range(3):
        frame = blurred.copy()
        place = slice(number * third, (number + 1) * third if number < 2 else None)
        frame[:, place] = sharp[:, place]
        Image.fromarray(frame).save(folder / f"{number}.png")


def _odd(folder: Path) -> None:
    (folder / "empty").mkdir(parents=True)
    (folder / "empty.png").touch()
    (folder / "loop.png").symlink_to("loop.png")
    os.mkfifo(folder / "pipe.png")
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(folder / os.fsdecode(b"\xff\xfe.png"))
