"""Which folders are checkpoints, and what becomes of those that are none or are damaged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from bridgetune import RequestError, WorkError
from bridgetune.runs.checkpoints import MANIFEST, Checkpoints


def write(folder: Path) -> None:
    (folder / "state").write_text("it")


def save(checkpoints: Checkpoints, *steps: int, keep: int = 2) -> None:
    for step in steps:
        checkpoints.save(step, write, keep, is_main=True, wait=lambda: None)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_not_called_step_and_eight_digits_is_no_checkpoint_and_stays(tmp_path: Path):
    folder = tmp_path / "checkpoints"
    users = [
        "step-00000100 backup",
        "step-0000001",
        "step-best",
        "step-00000100.tar",
        "step-000000100",
        "step-٠٠٠٠٠١٠٠",
    ]
    for name in users:
        (folder / name).mkdir(parents=True)
        (folder / name / "model.safetensors").write_text("precious")
    (folder / "step-00000050").write_text("a file")
    save(Checkpoints(folder), 200, 300, 400, 500)
    assert names(folder) == sorted([*users, "step-00000050", "step-00000400", "step-00000500"])
    assert [path.name for path in Checkpoints(folder).steps()] == ["step-00000400", "step-00000500"]


def test_a_file_that_somebody_put_into_a_checkpoint_stays(tmp_path: Path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    save(checkpoints, 1)
    (checkpoints.folder / "step-00000001" / "notes.txt").write_text("mine")
    save(checkpoints, 2, 3, 4)
    assert names(checkpoints.folder / "step-00000001") == ["notes.txt"]
    assert names(checkpoints.folder) == ["step-00000001", "step-00000003", "step-00000004"]


def test_a_manifest_names_files_of_its_own_folder_alone(tmp_path: Path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    (tmp_path / "precious").touch()
    save(checkpoints, 1)
    manifest = checkpoints.folder / "step-00000001" / "checkpoint.json"
    manifest.write_text(manifest.read_text().replace('"state"', '"../../precious"'))
    save(checkpoints, 2, 3)
    assert (tmp_path / "precious").exists()


def test_somebody_elses_folder_in_a_checkpoints_place_is_renamed(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for name in ("step-00000003", "step-00000003-other-1"):
        (checkpoints.folder / name).mkdir(parents=True)
    (checkpoints.folder / "step-00000003" / "model.safetensors").write_text("precious")
    save(checkpoints, 3)
    assert (checkpoints.folder / "step-00000003-other-2" / "model.safetensors").read_text() == "precious"
    assert checkpoints.load(lambda folder: None) == 3
    assert "step-00000003: is no checkpoint of bridgetune's, and in the place of one; it is now step-" in caplog.text


def test_what_was_half_written_goes_and_what_looks_like_it_stays(tmp_path: Path):
    checkpoints = Checkpoints(tmp_path / "checkpoints")
    for name in (".step-00000003.partial", ".step-3.partial", "step-00000003.partial"):
        (checkpoints.folder / name).mkdir(parents=True)
    checkpoints.clear_partial()
    assert names(checkpoints.folder) == [".step-3.partial", "step-00000003.partial"]


def test_a_runs_folder_that_is_gone_is_named_and_not_made_again(tmp_path: Path):
    with pytest.raises(WorkError, match=r"run: the run's folder is gone, deleted or moved while the run went on"):
        save(Checkpoints(tmp_path / "run" / "checkpoints"), 1)
    assert list(tmp_path.iterdir()) == []


CONTENT = b"weights"
FACTS = {"bytes": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}


def checkpoint(folder: Path, at: int, **changes: Any) -> Path:
    path = folder / f"step-{at:08d}"
    path.mkdir(parents=True)
    (path / "model.bin").write_bytes(CONTENT)
    (path / MANIFEST).write_text(json.dumps({"format": 1, "step": at, "files": {"model.bin": FACTS}, **changes}))
    return path


def test_the_newest_is_loaded(tmp_path: Path):
    for step in (2, 4):
        checkpoint(tmp_path, step)
    loaded: list[Path] = []
    assert Checkpoints(tmp_path).load(loaded.append) == 4
    assert loaded == [tmp_path / "step-00000004"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "written in format 2"),
        ({"format": "1"}, "format: got '1'"),
        ({"format": None}, "format: got None"),
        ({"step": -1}, "step: got -1"),
        ({"step": "4"}, "step: got '4'"),
        ({"step": 10**9}, "step: got 1000000000"),
        ({"files": []}, "files: got []"),
        ({"files": {}}, "files: got {}"),
        ({"files": {"../../x": FACTS}}, "files.../../x"),
        ({"files": {"/etc/passwd": FACTS}}, "files./etc/passwd"),
        ({"files": {"..": FACTS}}, "files..."),
        ({"files": {"a\\b": FACTS}}, "files.a\\b"),
        ({"files": {"model.bin": None}}, "files.model.bin: got None"),
        ({"files": {"model.bin": {"bytes": 7}}}, "files.model.bin.sha256 is missing"),
        ({"files": {"model.bin": {**FACTS, "bytes": -1}}}, "files.model.bin.bytes: got -1"),
        ({"files": {"model.bin": {**FACTS, "sha256": " " * 64}}}, "files.model.bin.sha256: got"),
        ({"files": {"model.bin": {**FACTS, "bytes": 8}}}, "model.bin has 7 of 8 bytes"),
        ({"files": {"other.bin": FACTS}}, "other.bin is missing"),
        ({"path": "x"}, "path: no such key"),
    ],
)
def test_damage_is_named_and_an_earlier_one_is_taken(
    changes: dict[str, Any], said: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    spoilt = checkpoint(tmp_path, 4, **changes)
    with pytest.raises(RequestError) as refused:
        Checkpoints(tmp_path).load(lambda folder: None)
    assert str(refused.value).startswith(f"{spoilt}: not readable (")
    assert said in str(refused.value)
    assert not caplog.records, "one line says it all"
    checkpoint(tmp_path, 2)
    assert Checkpoints(tmp_path).load(lambda folder: None) == 2
    assert [said in record.getMessage() for record in caplog.records] == [True]
