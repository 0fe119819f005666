"""What the benchmarks share: calls timed in turns, memory measured in a process of its own, tables, their page."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"

MEGABYTE = 1 << 20


def best_times(
    calls: Mapping[str, Callable[[], object]],
    seconds: float = 3.0,
    rounds: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """The shortest time of each call, in seconds.

    The calls take turns, so that a busy neighbour disturbs them alike. A call that has had its share of the time
    sits out, after a number of rounds at least.

    Args:
        calls: Name -> what is timed; called once beforehand.
        seconds: For each call.
        rounds: For each call at least.
        clock: `time.process_time` counts what the CPUs did, and no busy neighbour.
    """
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    while True:
        waiting = [name for name, spent in times.items() if len(spent) < rounds or sum(spent) < seconds]
        if not waiting:
            return {name: min(spent) for name, spent in times.items()}
        for name in waiting:
            began = clock()
            calls[name]()
            times[name].append(clock() - began)


def added_memory(call: Callable[[], object]) -> int:
    """By how many bytes the process's memory rises at most in a call; on Linux."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forgets the peak so far
    before = _status("VmRSS")
    call()
    return _status("VmHWM") - before


def peak_memory() -> int:
    """The most bytes that this process has had in memory so far, and each of its children that has ended.

    Of this process it is `VmHWM`: `ru_maxrss` also has what the process had that began it.
    """
    import resource

    return _status("VmHWM") + 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def _status(name: str) -> int:
    """A quantity of memory that Linux keeps for this process, in bytes."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def in_own_process(script: str, *arguments: object) -> str:
    """What `python script arguments` prints: for peaks of memory, which a process never forgets."""
    finished = subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    if finished.returncode:
        raise SystemExit(finished.stderr or f"{script} {arguments}: ended by signal {-finished.returncode}")
    return finished.stdout.strip()


def markdown(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def write_section(name: str, text: str) -> None:
    """Replace what `PAGE` has between `<!-- name -->` and `<!-- /name -->`."""
    before, begin, rest = PAGE.read_text("utf-8").partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->")
    if not end:
        raise SystemExit(f"{PAGE.name}: has no section <!-- {name} --> … <!-- /{name} --> to write to")
    PAGE.write_text(f"{before}{begin}{text.strip()}\n{end}{after}", encoding="utf-8")
