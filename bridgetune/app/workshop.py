"""A folder to tune in: the pictures that lie there, and runs, each in a process of its own that outlives the page."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from bridgetune.app.settings import FieldError, arguments, checked
from bridgetune.config import Steps, TuneConfig
from bridgetune.config._model import Frozen
from bridgetune.config.bounds import Side
from bridgetune.documents import Document, read_model
from bridgetune.errors import BridgetuneError, RequestError
from bridgetune.locking import OWNER, Owner, refuse_held
from bridgetune.paths import is_file, is_folder, printable
from bridgetune.pictures.listing import list_folders, list_images
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.history import History

RUNS, ARGUMENTS, LOG = "runs", "arguments.json", "log.txt"
"""The folder of runs; and what lies beside each: how it was begun, and what it said."""

PAIRS = ("A", "B", "mask")
"""Folders of a folder of pairs."""

MAIN = {"steps": "Steps", "batch": "Pairs a step", "size": "Side, in pixels", "alpha": "Adversarial weight α"}
"""Settings of training that are asked for first -> what they are called on the page."""

OF_ADAPTER = "adapter-"
"""What the names of the adapter's settings begin with in the form."""

PLACES = {
    "pairs": "Pairs with masks",
    "images": "Photographs",
    "masks": "Their masks",
    "clear": "References, sharp",
    "blurred": "References, blurred",
}
"""Folders that a run reads -> what they are called on the page."""

State = Literal["begins", "goes on", "is stopped", "is finished", "has failed"]


class Tuning(Frozen):
    """What a run is begun with."""

    generator: str
    """The network."""
    pairs: str = ""
    """A folder of pairs; or, in its place, the next two."""
    images: str = ""
    """Photographs in focus all over."""
    masks: str = ""
    """Their masks."""
    clear: str = ""
    """References that are in focus all over."""
    blurred: str = ""
    """References that are in focus nowhere."""
    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    """How many."""
    batch: Annotated[int, Field(ge=1, le=256)] = 4
    """Pairs a step."""
    size: Side = 128
    """Pixels of their sides."""
    alpha: Annotated[float, Field(ge=0, le=100)] = 0.0
    """Weight of the adversarial loss; 0 was as good on all that was measured, is quicker, and needs no references."""
    training: dict[str, Any] = Field(default={})
    """What else is not as `TuneConfig` has it by default."""
    adapter: dict[str, Any] = Field(default={})
    """What is not as the network has it, see `AdapterConfig`."""

    def config(self) -> TuneConfig:
        """The settings of the run.

        Raises:
            FieldError: They do not go together.
        """
        main = {"duration": Steps(steps=self.steps), "batch": self.batch, "size": self.size, "alpha": self.alpha}
        return checked(TuneConfig, {**main, **self.training})


class _Arguments(Document):
    """How a run was begun."""

    given: list[str]


@dataclass(frozen=True)
class Run:
    """A run as the page shows it.

    Attributes:
        name: Of its folder.
        state: See there.
        steps, done: That it has in all, and that are done; 0 before it says so.
        map_error: The first and the last that was measured on held-out pairs; empty before.
        line: What it said last, where it failed.
    """

    name: str
    state: State
    steps: int = 0
    done: int = 0
    map_error: tuple[float, ...] = ()
    line: str = ""

    @property
    def goes_on(self) -> bool:
        """Whether a process is at it."""
        return self.state in ("begins", "goes on")


class Workshop:
    """A folder to tune in.

    Args:
        folder: With folders of pictures in it; runs are written to `runs`.
        program: What is called with the verb and its options.
    """

    def __init__(self, folder: Path, program: Sequence[str] = (sys.executable, "-m", "bridgetune")) -> None:
        self.folder, self._program = folder, tuple(program)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def pairs(self) -> list[str]:
        """Folders of pairs with masks, by name."""
        return [path.name for path in list_folders(self.folder) if all(is_folder(path / part) for part in PAIRS)]

    def pictures(self) -> list[str]:
        """Folders of pictures, by name."""
        return [path.name for path in list_folders(self.folder) if path.name != RUNS and list_images(path)]

    def tuned(self) -> dict[str, str]:
        """Generators that runs have brought forth, as `--generator` takes them -> their labels; the latest first."""
        paths = [path for path in reversed(self._folders()) if is_folder(path / "generator")]
        return {str(path / "generator"): f"{self._kind(path)} tuned here ({path.name})" for path in paths}

    def runs(self) -> list[Run]:
        """All of them, the latest first."""
        return [self._run(path) for path in reversed(self._folders())]

    def find(self, name: str) -> Path:
        """The folder of a run.

        Raises:
            RequestError: There is none of that name.
        """
        if name not in {path.name for path in self._folders()}:
            raise RequestError("this run is not there; reload the page")
        return self.folder / RUNS / name

    def files(self, name: str) -> dict[str, int]:
        """What a run's folder holds, by its place there: bytes. Links and hidden files are left out.

        Raises:
            RequestError: See `find`.
        """
        root, found = self.find(name), {}
        for folder, _, inside in os.walk(root):
            for file in inside:
                path = Path(folder, file)
                place = path.relative_to(root)
                if path.is_symlink() or any(part.startswith(".") for part in place.parts):
                    continue
                with contextlib.suppress(OSError):  # an older checkpoint goes when a later one comes
                    found[place.as_posix()] = path.stat().st_size
        return dict(sorted(found.items()))

    def begin(self, tuning: Tuning, trust: bool = False) -> str:
        """Begin a run; its name.

        Args:
            tuning: Folders of pictures by their names here; the generator as `--generator` takes it.
            trust: Whether code that it names is run.

        Raises:
            RequestError: A folder is none of those that are here, settings do not go together, or another run goes on.
        """
        self._refuse_two()
        tuning.config()
        given = ["finetune", "--generator", tuning.generator, "--steps", str(tuning.steps)]
        given += ["--batch", str(tuning.batch), "--size", str(tuning.size), "--alpha", str(tuning.alpha)]
        for option, label in PLACES.items():
            if name := getattr(tuning, option):
                if name not in (self.pairs() if option == "pairs" else self.pictures()):
                    raise FieldError(
                        option, f"{label}: got {printable(name)!r}, expected one of the list; reload the page"
                    )
                given += [f"--{option}", str(self.folder / name)]
        _check_places(tuning)
        given += ["--trust-code"] * trust + arguments(tuning.training)
        for option, value in tuning.adapter.items():
            given += ["--adapter", f"{option}={value if isinstance(value, str) else json.dumps(value)}"]
        name = self._free(self._short(tuning.generator))
        path = self.folder / RUNS / name
        path.mkdir(parents=True)
        beside(path, ARGUMENTS).write_text(json.dumps({"given": [*given, "--out", str(path)]}), encoding="utf-8")
        self._start(path, [])
        return name

    def resume(self, name: str) -> None:
        """Go on with a run that was stopped.

        Raises:
            RequestError: It or another one goes on already.
        """
        self._refuse_two()
        self._start(self.find(name), ["--resume"])

    def stop(self, name: str) -> None:
        """Have a run stop, which leaves a checkpoint to go on from; one that has ended is left as it is."""
        path = self.find(name)
        process = self._processes.get(name)
        if process is not None and process.poll() is None:
            process.terminate()
        elif _is_held(path):
            os.kill(read_model(Owner, path / OWNER, "the owner of a lock").pid, signal.SIGTERM)

    def _start(self, path: Path, more: Sequence[str]) -> None:
        given = read_model(_Arguments, beside(path, ARGUMENTS), "how a run was begun").given
        with beside(path, LOG).open("ab") as log:
            self._processes[path.name] = subprocess.Popen(
                [*self._program, *given, *more],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _run(self, path: Path) -> Run:
        process = self._processes.get(path.name)
        alive = process.poll() is None if process is not None else _is_held(path)
        if not is_file(path / "config.json"):
            line = _last_line(beside(path, LOG))
            return Run(path.name, "begins" if alive else "has failed", line="" if alive else line)
        history = History(RunDirectory(path))
        errors = history.series("map_error").values
        measured = (float(errors[0]), float(errors[-1])) if len(errors) else ()
        if alive:
            state: State = "goes on"
        elif history.state != "unfinished":
            state = "is finished"
        else:
            state = "is stopped"
        failed = state == "is stopped" and process is not None and process.returncode in (1, 2)
        line = _last_line(beside(path, LOG)) if failed else ""
        return Run(path.name, state, history.steps, history.done, measured, line)

    def _refuse_two(self) -> None:
        for run in self.runs():
            if run.goes_on:
                raise RequestError(f"{run.name} goes on; wait until it ends, or stop it: two at once are no quicker")

    def _folders(self) -> list[Path]:
        runs = self.folder / RUNS
        return [path for path in list_folders(runs) if is_file(beside(path, ARGUMENTS))] if is_folder(runs) else []

    def _kind(self, path: Path) -> str:
        """What a run began with, see `_short`."""
        try:
            given = read_model(_Arguments, beside(path, ARGUMENTS), "how a run was begun").given
            return self._short(given[given.index("--generator") + 1])
        except (BridgetuneError, ValueError, IndexError):
            return "a network"

    def _short(self, generator: str) -> str:
        """A generator's name, without folders; of one that was tuned here, that of what it was before."""
        path = Path(generator)
        if path.name == "generator" and path.parent.parent == self.folder / RUNS:
            return self._kind(path.parent)
        name = path.parent.name if path.name == "generator" else path.name
        return re.sub(r"[^0-9A-Za-z_]+", "-", name).strip("-") or "network"

    def _free(self, name: str) -> str:
        number = 1
        while (self.folder / RUNS / f"{name}-{number}").exists():
            number += 1
        return f"{name}-{number}"


def _check_places(tuning: Tuning) -> None:
    """Raise `FieldError` unless it has something to learn from and to compare with, each in a folder of its own."""
    references = tuning.clear or tuning.blurred
    for option in ("clear", "blurred"):
        if not getattr(tuning, option) and (references or tuning.config().needs_references):
            raise FieldError(option, f"{PLACES[option]}: none is chosen; choose a folder")
    if references and tuning.clear == tuning.blurred:
        raise FieldError(
            "blurred",
            f"{PLACES['blurred']}: are in the same folder as the sharp ones; choose one whose pictures are all blurred",
        )
    if tuning.pairs and (tuning.images or tuning.masks):
        raise FieldError(
            "pairs",
            f"{PLACES['pairs']}: are chosen beside photographs or masks; leave the one or the other at “none”",
        )
    if tuning.images and tuning.images == tuning.masks:
        raise FieldError(
            "masks", f"{PLACES['masks']}: are in the same folder as the photographs; choose that of the masks"
        )
    for option, other in (("images", "masks"), ("masks", "images")):
        if getattr(tuning, other) and not getattr(tuning, option):
            raise FieldError(option, f"{PLACES[option]}: none is chosen beside “{PLACES[other]}”; choose a folder")
    if not tuning.pairs and not tuning.images:
        raise FieldError(
            "pairs", f"{PLACES['pairs']}: there is nothing to learn from; choose these, or photographs and their masks"
        )


def beside(run: Path, name: str) -> Path:
    """A file beside a run's folder, whose own files are the run's alone."""
    return run.with_name(f"{run.name}.{name}")


def _is_held(path: Path) -> bool:
    if not is_file(path / OWNER):
        return False
    try:
        refuse_held(path)
    except RequestError:
        return True
    return False


def _last_line(log: Path) -> str:
    if not is_file(log):
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return printable(next((line.strip() for line in reversed(lines) if line.strip()), ""))
