"""Makes what lies beside this file: pictures, two runs cut off at a checkpoint, a saved generator, a sweep's records.

Run once, by the bridgetune whose files were to be kept (see README.md); the tests only read what it made.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

HERE = Path(__file__).parent
NETWORK = "--generator drpl --option width=2 --option blocks=1"
PAIRS = "--images pictures/images --masks pictures/masks"
REFERENCES = "--clear pictures/clear --blurred pictures/blurred"
RUN = (
    "--size 32 --fit crop --batch 2 --steps 4 --average 0.9 --checkpoint-every 2 --validate-every 2"
    " --device cpu --workers 0"
)
SWEEP = """\
seeds = [0]
alphas = [1e-4]

[[backbones]]
name = "DRPL"
generator = "drpl"
options = { width = 2, blocks = 1 }

[data]
demo = true

[[datasets]]
demo = true
longest_side = 64

[pretrain]
steps = 2
batch = 2
size = 32

[finetune]
steps = 2
batch = 2
size = 32
"""


def draw_pictures() -> None:
    rng = np.random.default_rng(0)
    for number in range(4):
        sharp = np.kron(rng.integers(0, 256, (8, 10, 3)), np.ones((4, 4, 1)))
        save("images", number, sharp)
        save("masks", number, np.tile(255 * (np.arange(40) < 10 + 6 * number), (32, 1)))
        save("clear", number, sharp[:, ::-1])
        save("blurred", number, np.full((32, 40, 3), 60 + 40 * number))


def save(kind: str, number: int, pixels: np.ndarray) -> None:
    path = HERE / "pictures" / kind / f"{number}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path, optimize=True)


def bridgetune(arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "bridgetune", *arguments.split()], cwd=HERE, check=True)


def cut_off(run: Path) -> None:
    """Leave what a run has that was killed while its last checkpoint was being written."""
    for name in ("generator", "best", "figures", "checkpoints/step-00000004"):
        shutil.rmtree(run / name, ignore_errors=True)
    for name in ("report.md", "report.html"):
        (run / name).unlink(missing_ok=True)


def record_a_sweep() -> None:
    """Its file, what decided its runs, and one evaluation."""
    (HERE / "sweep").mkdir()
    (HERE / "sweep" / "sweep.toml").write_text(SWEEP)
    with tempfile.TemporaryDirectory() as out:
        bridgetune(f"compare --sweep sweep/sweep.toml --out {out}")
        for path in [*Path(out).rglob("settings.json"), *Path(out).rglob("supervised/evaluations/*.json")]:
            kept = HERE / "sweep" / path.relative_to(out)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, kept)


if __name__ == "__main__":
    for name in ("pictures", "pretrain", "finetune", "generator", "sweep"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    draw_pictures()
    bridgetune(f"pretrain {NETWORK} {PAIRS} {RUN} --out pretrain")
    shutil.copytree(HERE / "pretrain" / "generator", HERE / "generator")
    cut_off(HERE / "pretrain")
    bridgetune(f"finetune --generator generator {PAIRS} {REFERENCES} {RUN} --alpha auto --out finetune")
    cut_off(HERE / "finetune")
    record_a_sweep()
