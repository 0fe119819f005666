"""Wrong command lines as processes of their own, from the first import on: `python -m tests.fuzz.cold 40 16`.

Each is to be refused within three seconds that it computes; on a machine that does other things it waits longer.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.campaign import run_cases
from tests.fuzz.command_lines import wrong
from tests.fuzz.harness import ASLEEP, WAIT, Answer, Bench, Case
from tests.support import ROOT
from tests.support.commands import BRIDGETUNE

_WAITING = """
import os, sys
_, status, used = os.wait4(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ), 0)
with open(sys.argv[1], "w") as told:
    print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss << 10, file=told)
"""
"""Runs a command, and tells its exit code, seconds and bytes: a process counts the memory of the one that it is started
by as its own, and this is a small one."""


class ColdBench(Bench):
    """Runs each case as a process of its own; its seconds and memory are those of all of the process."""

    def _asked(self, case: Case) -> Answer:
        return measured([*BRIDGETUNE, *case.arguments], self._work, self._work.parent)


def measured(command: Sequence[str], folder: Path, outputs: Path) -> Answer:
    """What a command in a folder answers, with the seconds that it computed and all of its memory.

    Args:
        command: To run.
        folder: Where.
        outputs: A folder for what it says.
    """
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    names = outputs / "stdout", outputs / "stderr"
    used = outputs / "used"
    used.unlink(missing_ok=True)
    measuring = [sys.executable, "-I", "-S", "-c", _WAITING, used]
    with names[0].open("wb") as stdout, names[1].open("wb") as stderr:
        process = subprocess.Popen(
            [*measuring, *command],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        ending = threading.Timer(WAIT * ASLEEP, os.killpg, (process.pid, signal.SIGKILL))
        ending.start()
        process.wait()
        ending.cancel()
    hung = process.returncode, WAIT * ASLEEP, 0
    code, seconds, memory = used.read_text().split() if used.exists() else hung
    said = [name.read_bytes().decode("utf-8", "backslashreplace") for name in names]
    return Answer(int(code), *said, float(seconds), int(memory))


def main(most: int, seed: int) -> int:
    """Run as many, and print how long they and torch took."""
    counts = run_cases(wrong(), seed=seed, most=most, bench=ColdBench)
    with tempfile.TemporaryDirectory() as place:
        bare = measured([sys.executable, "-c", "import torch"], Path(place), Path(place))
    print(f"{counts.told()}; `import torch` alone takes {bare.seconds:.1f} s here")
    return int(bool(counts.faults))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
