"""Stands for `bridgetune finetune`: has a run's folder, records steps until it is stopped, and goes on where it was."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from bridgetune.pictures import write_image
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.history import History
from bridgetune.runs.maps import PARTS
from tests.support.run_folders import decided, step_record, validation

VALIDATED = 500
"""Steps between validations."""


def keep_map(run: RunDirectory, step: int) -> None:
    """Of one held-out pair, as `HeldOutMaps` has it: half of it is the first one's."""
    truth = np.where(np.arange(48) < 24, np.uint8(255), np.uint8(0)) * np.ones((32, 1), np.uint8)
    for part in PARTS if step == 0 else ("now",):
        write_image(run.maps.folder / f"1-{part}.png", truth if step else 255 - truth)


def main(given: list[str]) -> None:
    """Record the steps that `--steps` says, in the folder that `--out` says."""
    out, steps = Path(given[given.index("--out") + 1]), int(given[given.index("--steps") + 1])
    if "--batch" in given and given[given.index("--batch") + 1] == "13":
        sys.exit("bridgetune: 13 is unlucky; choose 12")
    run = RunDirectory(out)
    with run.held("--resume" in given):
        run.open(decided(steps))
        done = len(History(run).training) if run.metrics.is_file() else 0
        if not done:
            keep_map(run, 0)
            run.record(validation(0, 0.25))
        for step in range(done + 1, steps + 1):
            run.record(step_record(step, steps=steps))
            if step % VALIDATED == 0:
                keep_map(run, step)
                run.record(validation(step, 0.2))
            time.sleep(0.02)
        keep_map(run, steps)
        run.record(validation(steps, 0.125))
        run.generator.mkdir()


if __name__ == "__main__":
    main(sys.argv[1:])
