"""One wrong input run through the command line, and whether the answer is one that bridgetune may give."""

from __future__ import annotations

import ctypes
import faulthandler
import io
import os
import re
import resource
import shutil
import signal
import stat
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.fuzz.example import make_example
from tests.support.commands import PROCESSES

HANG = 5.0
"""Seconds of its own time that a refusal may take."""

WAIT = 25.0
"""Seconds on the clock after which a case is ended that has used up its own: the machine may be shared."""

IMPORTS = 5.0
"""Seconds that the first case of a worker may take for modules."""

ASLEEP = 4
"""Times that long, after which any is."""

MEMORY = 1 << 30
"""Bytes that a case may take beyond what the process has."""

LONGEST = 150
"""Cases after which a worker is replaced: what is kept in a process for the next call would count as the case's."""

EXECUTED = "EXECUTED"
"""The file that code out of a hostile input writes into the working folder."""

ENDED = -1
"""Exit code of a process that the command line did not come back in."""

CLASSES = {0: "done", 1: "failed", 2: "refused"}

FOREIGN = re.compile(
    r"Traceback|Warning\b|warn\(|libpng|libtiff|TIFFRead|^\s*File \"|^\[\w+\]|run again with --debug", re.M
)
"""What other libraries' lines look like, and how bridgetune tells of an exception that is not its own."""


@dataclass(frozen=True)
class Case:
    """A command line in a folder.

    Attributes:
        arguments: Of bridgetune; paths are relative to a copy of the example, see `example`.
        files: What is put into that folder first: path -> content.
        wrong: Whether it must be refused, whatever else.
        within: Seconds of its own time that it may take; `HANG` at most where it is refused.
    """

    arguments: tuple[str, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    wrong: bool = False
    within: float = HANG


@dataclass(frozen=True)
class Answer:
    """What the command line did.

    Attributes:
        code: Its exit code; None where it was ended for taking too long, negative where a signal ended it.
        stdout, stderr: What it said.
        seconds: Of its own time.
        memory: Bytes at most, beyond what there were before.
        changes: Paths that were written, changed or removed.
    """

    code: int | None
    stdout: str
    stderr: str
    seconds: float
    memory: int
    changes: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """`done`, `failed`, `refused`, or what else became of it."""
        return "hung" if self.code is None else CLASSES.get(self.code, "died")


def fault(case: Case, answer: Answer) -> str | None:
    """What is wrong with an answer, in a few words; None where nothing is."""
    lines = answer.stderr.splitlines()
    own = [line for line in lines if line.startswith("bridgetune: ")]
    if answer.code is None:
        return f"hang, over {WAIT:g} s"
    if answer.code not in CLASSES:
        return f"exit code {answer.code}"
    if EXECUTED in answer.changes:
        return "code of the input was run"
    if answer.code and "run again with --debug" in answer.stderr:
        return f"an exception of others: {lines[-1][:300]}"
    if found := FOREIGN.search(answer.stderr):
        return f"a line of others: {answer.stderr[max(found.start() - 100, 0) : found.end() + 100]!r}"
    if answer.code and not own:
        return f"exit code {answer.code} without a line"
    if answer.code == 2 and len(lines) > 1:
        return f"{len(lines)} lines: {lines[0][:150]!r}"
    if answer.code == 2 and answer.stdout:
        return f"refused, and standard output: {answer.stdout[:100]!r}"
    if answer.code == 2 and answer.changes:
        return f"refused, and written: {', '.join(answer.changes[:4])}"
    if answer.seconds > (min(case.within, HANG) if answer.code == 2 else case.within):
        return f"{answer.seconds:.1f} s"
    if answer.memory > MEMORY:
        return f"{answer.memory >> 20} MB"
    if case.wrong and answer.code != 2:
        return f"wrong, and {answer.kind}: {' '.join(lines)[:200]}"
    return None


class Bench:
    """Runs cases, each in a folder like the example, all in one worker as long as that lives.

    Args:
        place: An empty folder.
    """

    def __init__(self, place: Path) -> None:
        self._example = place / "example"
        self._work = place / "work"
        make_example(self._example)
        self._worker: Any = None
        self._pipe: Connection | None = None
        self._count = 0
        self._fresh()

    def run(self, case: Case) -> Answer:
        """What the command line does with a case."""
        put(self._work, case.files)
        before = snapshot(self._work)
        answer = self._asked(case)
        after = snapshot(self._work)
        changes = tuple(sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path)))
        if changes or case.files:
            self._fresh()
        return Answer(answer.code, answer.stdout, answer.stderr, answer.seconds, answer.memory, changes)

    def keep(self, case: Case, folder: Path) -> None:
        """Write a case as a folder to try it in, with `command.txt`."""
        shutil.rmtree(folder, ignore_errors=True)
        _copy(self._example, folder)
        put(folder, case.files)
        quoted = " ".join(ascii(argument) for argument in case.arguments)
        (folder / "command.txt").write_text(f"bridgetune {quoted}\n", encoding="utf-8")

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.join()
            self._worker = None

    def _fresh(self) -> None:
        if self._work.is_dir():
            for folder, _, _ in os.walk(self._work):
                Path(folder).chmod(0o700)
        shutil.rmtree(self._work, ignore_errors=True)
        _copy(self._example, self._work)

    def _asked(self, case: Case) -> Answer:
        if self._worker is None or self._count >= LONGEST:
            self.close()
            self._pipe, other = PROCESSES.Pipe()
            self._worker = PROCESSES.Process(target=_work, args=(other, self._work.parent), daemon=False)
            self._worker.start()
            other.close()
            self._count = 0
        assert self._pipe is not None
        self._count += 1
        self._pipe.send((case.arguments, str(self._work)))
        try:
            if self._answers(case.within):
                answer: Answer = self._pipe.recv()
                if "Traceback" in answer.stderr or "run again with --debug" in answer.stderr:
                    self.close()  # what it was about to print would be printed with the next case
                return answer
            os.kill(self._worker.pid, signal.SIGUSR1)  # which has it say where it is
            self._worker.join(0.5)
        except EOFError:
            self._worker.join()
        code = None if self._worker.exitcode is None else self._worker.exitcode or ENDED
        self.close()
        said = [(self._work.parent / name).read_text("utf-8", "backslashreplace") for name in ("stdout", "stderr")]
        return Answer(code, said[0], said[1], WAIT, 0)

    def _answers(self, seconds: float) -> bool:
        """Wait for the worker; whether it has answered, or has ended."""
        assert self._pipe is not None
        before = _own_time(self._worker.pid)
        for _ in range(ASLEEP):
            if self._pipe.poll(WAIT):
                return True
            if _own_time(self._worker.pid) - before > seconds + IMPORTS:
                return False
        return False


def put(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, each in the place of whatever is there."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)


def snapshot(folder: Path) -> dict[str, tuple[int, ...]]:
    """All that there is below a folder, with what changes when it is written to."""
    found: dict[str, tuple[int, ...]] = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = os.path.join(place, name)  # noqa: PTH118 - thousands of times
            at = os.lstat(path)
            whole = (at.st_size, at.st_mtime_ns, at.st_ino) if not stat.S_ISDIR(at.st_mode) else ()
            found[os.path.relpath(path, folder)] = (at.st_mode, *whole)
    return found


def _copy(source: Path, target: Path) -> None:
    """A folder with its pipes and links as they are."""
    target.mkdir(parents=True)
    for entry in os.scandir(source):
        place = target / entry.name
        if entry.is_symlink():
            place.symlink_to(Path(entry.path).readlink())
        elif entry.is_dir():
            _copy(Path(entry.path), place)
        elif entry.is_file():
            shutil.copy2(entry.path, place)
        else:
            os.mkfifo(place)


def _work(pipe: Connection, place: Path) -> None:
    """Answer cases until the other end is closed."""
    from bridgetune.cli import main

    ctypes.CDLL(None).mallopt(-8, 1)  # one arena: those of threads would count as memory taken
    outputs = [(place / name).open("w+b") for name in ("stdout", "stderr")]
    for descriptor, output in enumerate(outputs, start=1):
        os.dup2(output.fileno(), descriptor)
    faulthandler.register(signal.SIGUSR1, file=2, all_threads=False)
    while True:
        try:
            arguments, folder = pipe.recv()
        except EOFError:
            return
        os.chdir(folder)
        for output in outputs:
            output.seek(0)
            output.truncate()
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), "utf-8")
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), "utf-8", "backslashreplace")
        began, before = time.process_time(), _peak()
        resource.setrlimit(resource.RLIMIT_AS, (_virtual() + 3 * MEMORY, resource.RLIM_INFINITY))
        code: Any = 0
        try:
            main(list(arguments))
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        except BaseException as error:
            print(f"Traceback: {type(error).__name__}: {error}", file=sys.stderr)
            code = 1
        sys.stdout.flush()
        sys.stderr.flush()
        said = [(place / name).read_bytes().decode("utf-8", "backslashreplace") for name in ("stdout", "stderr")]
        pipe.send(Answer(code, *said, time.process_time() - began, _peak(reset=False) - before))


def _own_time(process: int) -> float:
    """Seconds that a process has computed."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _virtual() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _peak(reset: bool = True) -> int:
    """Bytes of memory; the most since the last reset, where it is not reset."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    status = Path("/proc/self/status").read_text()
    found = re.search(r"^VmHWM:\s*(\d+)", status, re.M)
    return int(found[1]) * 1024 if found else 0
