"""What it takes to begin: CPU seconds of a help page, of imports, and of a small pair fused, each a process of its own.

    python benchmarks/start.py [--rounds 5] [--write]

They take turns, and of each the least counts. `--write` puts the table into docs/performance.md.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from measuring import markdown, write_section

from bridgetune.pictures import write_image

SIDE = 520


def spent(command: Sequence[str | Path]) -> float:
    """CPU seconds of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        pair = [Path(root, name) for name in ("a.png", "b.png")]
        for seed, path in enumerate(pair):
            noise = np.random.default_rng(seed).integers(0, 256, (SIDE // 4, SIDE // 4, 3), np.uint8)
            write_image(path, noise.repeat(4, 0).repeat(4, 1))
        tool = [sys.executable, "-m", "bridgetune"]
        commands: dict[str, list[str | Path]] = {
            "`python -c pass`": [sys.executable, "-c", "pass"],
            "`import typer.rich_utils`": [sys.executable, "-c", "import typer.rich_utils"],
            "`import torch`": [sys.executable, "-c", "import torch"],
            "`import bridgetune`": [sys.executable, "-c", "import bridgetune"],
            "`bridgetune --help`": [*tool, "--help"],
            "`bridgetune fuse --help`": [*tool, "fuse", "--help"],
            f"`bridgetune fuse` of {SIDE}×{SIDE}": [*tool, "fuse", *pair, "-o", Path(root, "out.png"), "--force"],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(asked.rounds):
            for name, command in commands.items():
                times[name].append(spent(command))
    bare = min(times["`import typer.rich_utils`"])
    rows = [(name, f"{min(found):.2f}", f"{min(found) / bare:.1f}") for name, found in times.items()]
    text = markdown(("", "CPU seconds", "times `import typer.rich_utils`"), rows)
    print(text)
    if asked.write:
        write_section("benchmarks/start.py", text)


if __name__ == "__main__":
    main()
