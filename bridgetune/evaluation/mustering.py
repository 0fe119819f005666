"""A roster's methods evaluated, each once, and those that are not there left out by name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridgetune._version import __version__
from bridgetune.destinations import check_folder
from bridgetune.errors import RequestError
from bridgetune.evaluation.dataset import find_dataset
from bridgetune.evaluation.evaluating import evaluate
from bridgetune.evaluation.findings import file_names
from bridgetune.evaluation.places import REPORT, check_place
from bridgetune.evaluation.results import Evaluation
from bridgetune.evaluation.roster import Roster, RosterDataset, RosterMethod
from bridgetune.locking import held
from bridgetune.paths import as_text, entries, is_file, is_folder, is_there, shown

EVALUATIONS = "evaluations"
"""Where the folder of a comparison keeps what was measured: evaluations/DATASET/METHOD.json."""

ASKED = "asked"
"""In `Evaluation.settings` of such a file: what it was made of."""

Told = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class Mustered:
    """What came of a roster.

    Attributes:
        evaluations: By their files, dataset by dataset, methods in the roster's order.
        left_out: Why methods and datasets are missing, a line each.
    """

    evaluations: dict[Path, Evaluation]
    left_out: list[str]


def muster(roster: Roster, out: Path, told: Told = lambda *_: None, *, trust: bool = False) -> Mustered:
    """Evaluate every method on every dataset, unless that was done as it would be now.

    Args:
        roster: See `read_roster`.
        out: The comparison's folder; evaluations are kept there as soon as they are made.
        told: Called with what is evaluated, how many of its images are done, how many there are, and the stem.
        trust: See `bridgetune.load`.

    Raises:
        RequestError: The folder is something else's, or no method could be evaluated; the line says why of the first.
        WorkError: A process died.
    """
    check_folder(out / EVALUATIONS, "evaluations")
    check_place(out, force=True)
    if is_there(out / REPORT) and not is_folder(out / EVALUATIONS):
        raise RequestError(f"{shown(out / REPORT)}: is of something else; name another folder")
    datasets = file_names([dataset.name for dataset in roster.datasets])
    methods = file_names([method.name for method in roster.methods])
    found: dict[Path, Evaluation] = {}
    left_out: list[str] = []
    with held(out):
        for dataset, folder in zip(roster.datasets, datasets, strict=True):
            try:
                find_dataset(dataset.sources)
            except RequestError as error:
                left_out.append(f"{dataset.name} is left out: {error}")
                continue
            for method, name in zip(roster.methods, methods, strict=True):
                path = out / EVALUATIONS / folder / f"{name}.json"
                try:
                    found[path] = _evaluated(roster, method, dataset, path, told, trust)
                except RequestError as error:
                    left_out.append(f"{method.name} is left out on {dataset.name}: {error}")
    if not found:
        raise RequestError(f"no method could be evaluated; {left_out[0]}")
    return Mustered(found, left_out)


def _evaluated(
    roster: Roster, method: RosterMethod, dataset: RosterDataset, path: Path, told: Told, trust: bool
) -> Evaluation:
    asked = _asked(roster, method, dataset)
    with contextlib.suppress(RequestError):
        kept = Evaluation.read(path)
        if kept.bridgetune == __version__ and kept.settings.get(ASKED) == asked:
            return kept

    def tell(done: int, total: int, stem: str) -> None:
        told(f"{method.name} on {dataset.name}", done, total, stem)

    made = evaluate(
        dataset.sources,
        fused=method.saved_results(dataset.name),
        generator=method.generator,
        weights=method.weights,
        symmetric=method.symmetric,
        mirrored=method.mirrored,
        scales=method.scales,
        recipe=method.recipe,
        undecided=method.undecided,
        convention=roster.convention,
        method=method.name,
        dataset=dataset.name,
        workers=roster.workers,
        weights_key=method.weights_key,
        trust=trust,
        progress=tell,
        smooth=method.smooth,
        options=method.options or None,
    )
    made = made.model_copy(update={"settings": {**made.settings, ASKED: asked}})
    made.write(path)
    return made


def _asked(roster: Roster, method: RosterMethod, dataset: RosterDataset) -> dict[str, Any]:
    """What decides the scores, as JSON has it, with the time at which its files were last changed."""
    files = [method.weights] if method.weights is not None else []
    if (saved := method.saved_results(dataset.name)) is not None and is_folder(saved):
        files += list(entries(saved))
    stamps = [file.stat().st_mtime for file in files if is_file(file)]
    return {
        **method.model_dump(mode="json", exclude={"told"}),
        "sources": as_text(dataset.sources),
        "convention": roster.convention,
        "changed": max(stamps, default=0.0),
        "files": len(stamps),
    }
