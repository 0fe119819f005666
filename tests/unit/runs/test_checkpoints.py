"""Which folders are checkpoints, and what becomes of those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgetune import WorkError
from bridgetune.runs.checkpoints import Checkpoints


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
