"""bridgetune's command line as a user meets it: a process of its own, standard output and error, an exit code."""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

BRIDGETUNE = [sys.executable, "-m", "bridgetune"]
"""For tests that talk to the process while it runs."""

PROCESSES = multiprocessing.get_context("forkserver")
"""Starts processes that have imported torch and bridgetune already, which takes seconds; nothing else is shared."""

PROCESSES.set_forkserver_preload(["bridgetune.cli", "bridgetune.training", "bridgetune.opening"])

TIMEOUT = 300
"""Seconds."""


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What `bridgetune` with these arguments says, in this folder and environment."""
    return run_in(Path.cwd(), os.environ, [str(argument) for argument in arguments])


def run_in(folder: Path, environment: Mapping[str, str], given: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """The same, in a folder and an environment."""
    with tempfile.TemporaryDirectory() as place:
        outputs = Path(place, "stdout"), Path(place, "stderr")
        process = PROCESSES.Process(target=serve, args=(given, folder, dict(environment), outputs))
        process.start()
        process.join(TIMEOUT)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(given, TIMEOUT)
        return subprocess.CompletedProcess(given, process.exitcode, *(output.read_text() for output in outputs))


def serve(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], outputs: Sequence[Path]) -> None:
    """Be `bridgetune` with these arguments, in that folder and environment; its outputs go to two files."""
    for descriptor, output in enumerate(outputs, start=1):
        with output.open("w") as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)

    from bridgetune.cli import main

    main(arguments)


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
