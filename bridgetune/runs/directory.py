"""A run on disk: `config.json`, `metrics.jsonl`, `checkpoints/`, `maps/`; its products, `generator/` and `best/`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridgetune.config import AdapterConfig
from bridgetune.destinations import check_folder
from bridgetune.documents import as_json, cut
from bridgetune.errors import RequestError, WorkError
from bridgetune.files import clear_partial, replaced
from bridgetune.locking import held
from bridgetune.paths import entries, is_file, is_there
from bridgetune.runs.checkpoints import GONE, Checkpoints
from bridgetune.runs.documents import Record as Record
from bridgetune.runs.documents import read_decided, read_records, with_defaults
from bridgetune.runs.maps import HeldOutMaps

EXPECTED = "the folder of a run, as bridgetune pretrain or finetune writes it (--out)"
"""Where a run is read."""

UNDECIDED = ("workers", "device", "checkpoint_every", "checkpoints_kept", "tensorboard")
"""Settings that may change when a run is resumed: they do not change what is learned."""


class RunDirectory:
    """One run's folder.

    Args:
        path: The folder; made by `open`, not before.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.json"
        self.metrics = path / "metrics.jsonl"
        self.checkpoints = Checkpoints(path / "checkpoints")
        self.generator = path / "generator"
        self.best = path / "best"
        self.maps = HeldOutMaps(path / "maps")
        self.tensorboard = path / "tensorboard"

    def check(self, resume: bool) -> None:
        """Raise `RequestError` where the folder is in use and the run is not to be resumed."""
        check_folder(self.path, "the run")
        used = is_there(self.path) and any(not entry.name.startswith(".") for entry in entries(self.path))
        if used and not resume:
            raise RequestError(
                f"{self.path}: not empty; resume the run in it (--resume, resume=True) or name another folder"
            )
        if used and not is_file(self.config):
            raise RequestError(f"{self.path}: not empty and no run of bridgetune; name another folder")
        if used:
            read_decided(self.config, EXPECTED)
            if is_file(self.metrics):
                read_records(self.metrics)

    @contextmanager
    def held(self, resume: bool) -> Iterator[None]:
        """Have the folder alone; what a killed process was writing is removed. Raises as `check` and `locking.held`."""
        with held(self.path) as since:
            self.check(resume)
            for folder in (self.path, self.generator, self.best, self.maps.folder, self.path / "figures"):
                clear_partial(folder, since)
            self.checkpoints.clear_partial()
            yield

    def check_there(self) -> None:
        """Raise `WorkError` where the folder is no longer what it was."""
        if not self.path.is_dir():
            raise WorkError(GONE.format(self.path))

    def open(self, decided: Mapping[str, Any]) -> None:
        """Make the folder and write what was decided; or, in a run's folder, check that it was the same.

        Raises:
            RequestError: A run that was decided otherwise cannot be resumed; or the folder cannot be written to.
        """
        if self.config.is_file():
            self._refuse_other(decided)
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with replaced(self.config) as partial:
                partial.write_text(json.dumps(decided, indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise RequestError(
                f"{self.path}: cannot be written to ({error.strerror}), expected a folder for the run; name another"
            ) from error

    def record(self, record: Record) -> None:
        """Append one line to `metrics.jsonl`; what is not a finite number is written as null.

        Raises:
            WorkError: It cannot be written.
        """
        finite = {
            name: None if isinstance(value, float) and not math.isfinite(value) else value
            for name, value in record.items()
        }
        try:
            with self.metrics.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(finite) + "\n")
        except OSError as error:
            self.check_there()
            raise WorkError(
                f"{self.metrics}: cannot be written to ({error.strerror}); the checkpoints are as they were;"
                " free some space and resume"
            ) from error

    def forget_after(self, step: int) -> None:
        """Drop what `metrics.jsonl` says of later steps: they will be run again."""
        if not self.metrics.is_file():
            return
        kept = [record for record in read_records(self.metrics)[0] if record["step"] <= step]
        with replaced(self.metrics) as partial:
            partial.write_text("".join(json.dumps(record) + "\n" for record in kept), encoding="utf-8")

    def _refuse_other(self, decided: Mapping[str, Any]) -> None:
        before = read_decided(self.config, EXPECTED)
        if before["stage"] != decided["stage"]:
            raise RequestError(
                f"{self.path}: holds a {before['stage']} run, not {decided['stage']}; name another folder"
            )
        settings = with_defaults(before["stage"], before["config"])
        for name, value in as_json(decided["config"]).items():
            if name not in UNDECIDED and settings.get(name) != value:
                raise RequestError(_other(self.path, name, settings.get(name), value))
        for name in ("generator", "pairs", "references"):
            earlier, now = _comparable(before, name), _comparable(decided, name)
            if earlier != now:
                raise RequestError(_other(self.path, name, earlier, now))


def _comparable(decided: Mapping[str, Any], name: str) -> Any:
    """What was decided of it, as JSON has it; settings of an adapter that did not exist by then at their defaults."""
    found = as_json(decided.get(name))
    if name == "generator" and found is not None:
        found["adapter"] = {**AdapterConfig().model_dump(mode="json"), **found["adapter"]}
    return found


def first_difference(name: str, earlier: Any, now: Any) -> tuple[str, Any, Any]:
    """Of two decisions that differ, the first entry that does: its dotted name and both values."""
    while isinstance(earlier, dict) and isinstance(now, dict):
        key = next(key for key in {**earlier, **now} if earlier.get(key) != now.get(key))
        name, earlier, now = f"{name}.{key}" if name else key, earlier.get(key), now.get(key)
    return name, earlier, now


def _other(path: Path, name: str, earlier: Any, now: Any) -> str:
    name, earlier, now = first_difference(name, earlier, now)
    files = name.startswith(("pairs", "references"))
    mend = "put the pictures back as they were" if files else "repeat the first command"
    return (
        f"{path}: was started with {cut(name)}={cut(earlier)}, cannot be resumed with {cut(now)}; {mend}, or name"
        " another folder"
    )
