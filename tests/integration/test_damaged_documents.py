"""Every document with damage in its structure: it is read, or refused in one line, and nothing else happens."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bridgetune
from bridgetune import RequestError
from bridgetune.evaluation.aligning import align, read_evaluations
from bridgetune.runs.checkpoints import MANIFEST, Checkpoints
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.history import History
from bridgetune.runs.report import described, report
from bridgetune.sweeps import read_sweep
from tests.support.evaluations import evaluation

EARLIER = Path(__file__).parents[1] / "golden" / "earlier"

VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1,
    0.5,
    -0.0,
    1e-320,
    1e308,
    2**63 - 1,
    -(2**63) + 1,
    "",
    "1",
    "first",
    "../../x",
    "/etc/passwd",
    "\x1b[31m",
    "\x00",
    "a\nb",
    "x" * 5000,
    [],
    [[]],
    {},
    {"": {}},
    {"__class__": 1},
]


def places(document: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every entry."""
    entries = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in entries:
        yield (*way, key)
        yield from places(value, (*way, key))


@st.composite
def damaged(draw: st.DrawFn, document: Any) -> Any:
    """A document in which one to three entries are gone, others, doubled or called otherwise."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        if not (ways := list(places(document))):
            break
        *above, key = draw(st.sampled_from(ways))
        holder = document
        for step in above:
            holder = holder[step]
        match draw(st.sampled_from(["other", "other", "gone", "added", "renamed"])):
            case "other":
                holder[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
            case "gone":
                del holder[key]
            case "added":
                more = copy.deepcopy(draw(st.sampled_from(VALUES)))
                holder.append(more) if isinstance(holder, list) else holder.update({"path": more})
            case "renamed" if isinstance(holder, dict):
                holder[draw(st.sampled_from(["__class__", "Format", "a b", "\x1b", "x" * 300, ""]))] = holder.pop(key)
    return document


def read_or_refused(read: Callable[[], object]) -> None:
    said = "read"
    try:
        read()
    except RequestError as error:
        said = str(error)
    assert 0 < len(said) < 1500


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("damaged")
    for name in ("generator", "pretrain", "finetune"):
        shutil.copytree(EARLIER / name, place / name)
    return place


def of(name: str) -> Any:
    return json.loads((EARLIER / name).read_text(encoding="utf-8"))


@settings(max_examples=60)
@given(damaged(of("generator/config.json")))
def test_a_saved_generator(folder: Path, document: Any):
    (folder / "generator" / "config.json").write_text(json.dumps(document))
    read_or_refused(lambda: bridgetune.load(folder / "generator"))


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
@settings(max_examples=60)
@given(data=st.data())
def test_a_run(folder: Path, stage: str, data: st.DataObject):
    decided = of(f"{stage}/config.json")
    lines = (EARLIER / stage / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    where = data.draw(st.sampled_from(["config", "records", "both"]))
    decided = decided if where == "records" else data.draw(damaged(decided))
    records = records if where == "config" else data.draw(damaged(records))
    run = RunDirectory(folder / stage)
    run.config.write_text(json.dumps(decided))
    run.metrics.write_text("".join(json.dumps(record) + "\n" for record in records))
    read_or_refused(lambda: (report(History(run), None), described(run)))
    read_or_refused(lambda: run.check(resume=True))
    read_or_refused(lambda: run.open(of(f"{stage}/config.json")))


@settings(max_examples=60)
@given(damaged(of(f"pretrain/checkpoints/step-00000002/{MANIFEST}")))
def test_a_checkpoint(folder: Path, document: Any):
    checkpoints = folder / "pretrain" / "checkpoints"
    (checkpoints / "step-00000002" / MANIFEST).write_text(json.dumps(document))
    read_or_refused(lambda: Checkpoints(checkpoints).load(lambda folder: None))


@settings(max_examples=60)
@given(damaged(evaluation("a", images=3).model_dump(mode="json")))
def test_an_evaluation(folder: Path, document: Any):
    (folder / "evaluation.json").write_text(json.dumps(document))
    read_or_refused(lambda: align(read_evaluations([folder / "evaluation.json"])))


SWEEP = {
    "backbones": [{"generator": "drpl", "name": "DRPL", "options": {"width": 2}, "scales": [1, 0.5]}],
    "data": {"pairs": "pairs", "clear": "clear", "blurred": "blurred"},
    "datasets": [{"sources": "held-out", "name": "Held out"}],
    "bridgetune": [False, True],
    "alphas": [1e-4, "auto"],
    "seeds": [0, 1],
    "pretrain": {"steps": 4, "batch": 2, "kernel_sizes": [3, 21]},
    "finetune": {"epochs": 1, "term_weights": {}},
    "evaluation": {"recipe": "paper"},
    "cost": {"size": [64, 64], "repeats": 1},
}


@settings(max_examples=60)
@given(damaged(SWEEP))
def test_a_sweep(folder: Path, document: Any):
    (folder / "sweep.toml").write_text("".join(f"{json.dumps(key)} = {toml(document[key])}\n" for key in document))
    read_or_refused(lambda: read_sweep(folder / "sweep.toml"))


def toml(value: Any) -> str:
    """As TOML has it; it has no null."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)} = {toml(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return '"null"' if value is None else json.dumps(value)
