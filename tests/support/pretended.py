"""Stands for `bridgetune finetune`: has a run's folder, records steps until it is stopped, and goes on where it was."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.documents import read_records
from tests.support.run_folders import decided, step_record, validation


def main(given: list[str]) -> None:
    """Record the steps that `--steps` says, in the folder that `--out` says."""
    out, steps = Path(given[given.index("--out") + 1]), int(given[given.index("--steps") + 1])
    if "--batch" in given and given[given.index("--batch") + 1] == "13":
        sys.exit("bridgetune: 13 is unlucky; choose 12")
    run = RunDirectory(out)
    with run.held("--resume" in given):
        run.open(decided(steps))
        done = len(read_records(run.metrics)[0]) - 1 if run.metrics.is_file() else 0
        if not done:
            run.record(validation(0, 0.25))
        for step in range(done + 1, steps + 1):
            run.record(step_record(step, steps=steps))
            time.sleep(0.02)
        run.record(validation(steps, 0.125))
        run.generator.mkdir()


if __name__ == "__main__":
    main(sys.argv[1:])
