"""A sweep's file read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from bridgetune.documents import first_fault, read_toml
from bridgetune.errors import RequestError
from bridgetune.paths import is_folder, resolved, shown
from bridgetune.sweeps.settings import KEYS, Sweep


def read_sweep(path: Path) -> Sweep:
    """Read a sweep; its paths, which are relative to its own folder, are made absolute.

    Raises:
        RequestError: No such file, not TOML, or not a sweep; the line names the first thing that is wrong.
    """
    content = read_toml(path, "a sweep, a TOML file")
    try:
        return _located(Sweep.model_validate(content), resolved(path.parent))
    except ValidationError as error:
        raise RequestError(f"{shown(path)}: {first_fault(error, KEYS)}") from None


def _located(sweep: Sweep, folder: Path) -> Sweep:
    """The sweep with its paths beside the file that names them; a generator that is no such folder is a name."""

    def moved(entry: BaseModel) -> dict[str, Any]:
        return {
            name: folder / value
            for name, value in entry
            if isinstance(value, Path) and not (name == "weights" and value == Path("shipped"))
        }

    backbones = []
    for backbone in sweep.backbones:
        saved = folder / backbone.generator
        update = {**moved(backbone), **({"generator": str(saved)} if is_folder(saved) else {})}
        backbones.append(backbone.model_copy(update=update))
    return sweep.model_copy(
        update={
            "backbones": backbones,
            "data": sweep.data.model_copy(update=moved(sweep.data)),
            "datasets": [dataset.model_copy(update=moved(dataset)) for dataset in sweep.datasets],
        }
    )
