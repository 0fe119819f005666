"""bridgetune's command line as a user meets it: a process of its own, standard output and error, an exit code."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path

import pytest

from bridgetune.cli import app, main
from bridgetune.cli.stopping import Stop
from bridgetune.cli.verbs import VERBS
from bridgetune.runs import report
from bridgetune.runs.history import History

BRIDGETUNE = [sys.executable, "-m", "bridgetune"]
"""For tests that need an interpreter of the command's own."""

PROCESSES = multiprocessing.get_context("forkserver")
"""Starts processes that have imported already what training, measuring and drawing import, which takes seconds; nothing
else is shared."""

PROCESSES.set_forkserver_preload(
    [
        *("bridgetune.cli.app", "bridgetune.opening", "bridgetune.training", "bridgetune.evaluation"),
        *("bridgetune.sweeps", "bridgetune.runs.curves", "matplotlib.backends.backend_agg", "torch._dynamo", __name__),
        *sorted({f"bridgetune.cli.{verb.place.partition(':')[0]}" for verb in VERBS.values()}),
    ]
)

TIMEOUT = 300
"""Seconds."""

UNDRAWN = "BRIDGETUNE_TESTS_UNDRAWN"
"""Environment variable: runs draw no curves, see `undrawn`."""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What `bridgetune` with these arguments says, in this folder and environment."""
    return started(*arguments).ended()


def run_in(folder: Path, environment: Mapping[str, str], given: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """The same, in a folder and an environment."""
    return Started(folder, environment, given).ended()


def started(*arguments: object) -> Started:
    """`bridgetune` with these arguments, in this folder and environment, while it runs."""
    return Started(Path.cwd(), os.environ, [str(argument) for argument in arguments])


class Started:
    """A command while it runs."""

    def __init__(self, folder: Path, environment: Mapping[str, str], given: Sequence[str]) -> None:
        self._given, self._place = given, tempfile.TemporaryDirectory()
        self._outputs = [Path(self._place.name, name) for name in ("stdout", "stderr")]
        self._begun, begun = PROCESSES.Pipe(duplex=False)
        self._process = PROCESSES.Process(target=serve, args=(given, folder, dict(environment), self._outputs, begun))
        self._process.start()
        begun.close()

    def goes_on(self, after: float = 0) -> bool:
        """Whether it does, some seconds from now."""
        self._process.join(after)
        return self._process.exitcode is None

    def send(self, number: signal.Signals) -> None:
        """A signal, once it is heeded: what comes before that is the interpreter's start, not the command."""
        assert self._process.pid is not None
        wait([self._begun, self._process.sentinel], TIMEOUT)
        os.kill(self._process.pid, number)

    def ended(self) -> subprocess.CompletedProcess[str]:
        """What it said, once it has ended."""
        with self._place:
            self._process.join(TIMEOUT)
            if self.goes_on():
                self._process.kill()
                self._process.join()
                raise subprocess.TimeoutExpired(self._given, TIMEOUT)
            said = (output.read_text(errors="replace") if output.exists() else "" for output in self._outputs)
            return subprocess.CompletedProcess(self._given, self._process.exitcode, *said)

    def killed(self) -> None:
        """By SIGKILL, at once."""
        self.send(signal.SIGKILL)
        self.ended()


def serve(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], outputs: Sequence[Path], begun: Connection
) -> None:
    """Be `bridgetune` with these arguments, in that folder and environment.

    Its outputs go to two files; `begun` is closed once it heeds signals.
    """
    for descriptor, output in enumerate(outputs, start=1):
        with output.open("w") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)

    if UNDRAWN in environment:
        draw_nothing()

    run_app = app.run

    def run_from_here(given: Sequence[str], stop: Stop) -> int:
        begun.close()
        return run_app(given, stop)

    app.run = run_from_here
    main(arguments)


def draw_nothing() -> None:
    """In this process reports are as without matplotlib."""
    report._charts = _no_charts


def _no_charts(history: History) -> None:
    return None


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No curves, here and in commands: to draw them takes longer than runs of a few steps."""
    monkeypatch.setattr(report, "_charts", _no_charts)
    monkeypatch.setenv(UNDRAWN, "1")


def succeeds(*arguments: object) -> str:
    """Its standard output."""
    finished = run(*arguments)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def refused(*arguments: object) -> str:
    """The one line on standard error of a request that is wrong."""
    finished = run(*arguments)
    assert finished.returncode == 2, (finished.returncode, finished.stderr)
    assert finished.stdout == ""
    lines = finished.stderr.strip().splitlines()
    assert len(lines) == 1, finished.stderr
    return lines[0]


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """For tests that call the command line in this process, whose logger it sets up."""
    logger = logging.getLogger("bridgetune")
    before = logger.handlers, logger.propagate
    yield
    logger.handlers, logger.propagate = before
