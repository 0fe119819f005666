"""What a run is left with when it is killed, when its disk is full, and when its files are spoilt."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import bridgetune
from bridgetune import RequestError, Steps, TuneConfig, WorkError, finetune
from bridgetune.data import PixelCache, References, SyntheticPairs
from bridgetune.runs.checkpoints import MANIFEST
from tests.support.commands import PROCESSES, draw_nothing
from tests.support.small import Folders, sharpness

pytestmark = pytest.mark.usefixtures("undrawn")

STEPS = 8
NETWORKS: dict[str, dict[str, Any]] = {
    "bridgemff": {},
    "msfin": {"widths": (4, 4, 4, 4)},
    "drpl": {"width": 8, "blocks": 2},
}
KILLS = {"bridgemff": 2, "msfin": 2, "drpl": 3}


def tune(name: str, folders: Folders, run: Path, resume: bool = False, pause: float = 0.0) -> None:
    """A run of some steps, every one of which is a checkpoint. `pause`: seconds more that each takes."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = bridgetune.create(name, weights=None, **NETWORKS[name])
    pairs = SyntheticPairs(folders.images, folders.masks, size=32, fit="crop")
    references = References.from_folders(folders.clear, folders.blurred, size=32, fit="crop")
    config = TuneConfig(
        duration=Steps(steps=STEPS),
        batch=2,
        device="cpu",
        alpha="auto",
        average=0.9,
        checkpoint_every=2,
        validate_every=3,
        validation_share=0.2,
    )
    finetune(
        generator,
        pairs,
        references,
        config,
        run_dir=run,
        resume=resume,
        report=lambda record: time.sleep(pause),
    )


def tune_undrawn(*given: Any) -> None:
    draw_nothing()
    tune(*given)


def losses(run: Path) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "seconds"} for line in lines]


def same_generator(one: Path, other: Path) -> bool:
    first, second = (load_file(run / "generator" / "model.safetensors") for run in (one, other))
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_killed_at_random_steps_and_resumed_it_ends_bit_identical(name: str, folders: Folders, tmp_path: Path):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    tune(name, folders, straight)
    rng = random.Random(name)
    kills = 0
    while kills < KILLS[name]:
        process = PROCESSES.Process(target=tune_undrawn, args=(name, folders, killed, True, 0.05))
        process.start()
        at = rng.randrange(1, STEPS)
        began = time.monotonic()
        while process.is_alive() and steps_done(killed) < at and time.monotonic() - began < 120:
            time.sleep(0.002)
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
            kills += 1
        process.join()
        if (killed / "generator").exists():
            shutil.rmtree(killed)  # it was through before it was killed
    tune(name, folders, killed, resume=True)
    assert same_generator(straight, killed)
    assert losses(straight) == losses(killed)


def steps_done(run: Path) -> int:
    try:
        return (run / "metrics.jsonl").read_text().count("learning_rate")
    except FileNotFoundError:
        return 0


@pytest.fixture
def run(folders: Folders, tmp_path: Path) -> Path:
    """A run of a small network, ended, with checkpoints of its steps 4, 6 and 8."""
    go_on(folders, tmp_path / "run")
    return tmp_path / "run"


def go_on(folders: Folders, run: Path, **changes: Any) -> Any:
    pairs = SyntheticPairs(folders.images, folders.masks, size=32, fit="crop", **changes.pop("sources", {}))
    references = References.from_folders(folders.clear, folders.blurred, size=32, fit="crop")
    decided = {"duration": Steps(steps=STEPS), "batch": 2, "device": "cpu", "checkpoint_every": 2, **changes}
    return finetune(sharpness(), pairs, references, TuneConfig(**decided), run_dir=run, resume=True)


def newest(run: Path) -> Path:
    return sorted((run / "checkpoints").iterdir())[-1]


@pytest.mark.parametrize(
    ("file", "spoilt", "said"),
    [
        ("optimizer.bin", lambda data: data[: len(data) // 2], r"optimizer\.bin has \d+ of \d+ bytes"),
        ("model_1.safetensors", lambda data: data[:-8] + bytes(8), r"model_1\.safetensors is not as it was written"),
        (MANIFEST, lambda data: data[: len(data) // 2], r"checkpoint\.json: not a JSON file"),
    ],
)
def test_a_spoilt_checkpoint_is_named_and_the_one_before_it_used(
    run: Path, folders: Folders, caplog: pytest.LogCaptureFixture, file: str, spoilt: Any, said: str
):
    before = losses(run)
    path = newest(run) / file
    path.write_bytes(spoilt(path.read_bytes()))
    go_on(folders, run)
    (warning,) = [record.getMessage() for record in caplog.records if "step-00000008: not readable" in record.message]
    assert re.search(said, warning)
    assert losses(run) == before, "steps 7 and 8 were run again from step 6, and are the same"


def test_a_foreign_checkpoint_is_named_and_passed_over(run: Path, folders: Folders, caplog: pytest.LogCaptureFixture):
    foreign = run / "checkpoints" / "step-00000099"
    foreign.mkdir()
    (foreign / "model.safetensors").write_bytes(b"somebody else's")
    go_on(folders, run)
    assert "step-00000099: not readable (ValueError: no checkpoint.json of bridgetune's in it)" in caplog.text


def test_checkpoints_none_of_which_can_be_read_are_no_reason_to_start_anew(run: Path, folders: Folders):
    for checkpoint in (run / "checkpoints").iterdir():
        (checkpoint / MANIFEST).unlink()
    with pytest.raises(RequestError, match="no checkpoint before it can be read"):
        go_on(folders, run)


def test_a_full_disk_stops_the_run_with_its_last_checkpoint_whole(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from bridgetune.training.engine import Engine

    save, run = Engine.save, tmp_path / "run"

    def filling(engine: Engine, folder: Path) -> None:
        save(engine, folder)
        if "00000006" in folder.name:
            (folder / "optimizer.bin").write_bytes(b"as far as it went")
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(Engine, "save", filling)
    with pytest.raises(WorkError, match=r"step 6 cannot be written \(No space left on device\); the last good one is"):
        go_on(folders, run)
    assert [path.name for path in sorted((run / "checkpoints").iterdir())] == ["step-00000002", "step-00000004"]
    monkeypatch.undo()
    assert go_on(folders, run).steps == STEPS


def test_metrics_that_cannot_be_written_stop_the_run(run: Path, folders: Folders, tmp_path: Path):
    shutil.rmtree(newest(run))
    (run / "metrics.jsonl").unlink()
    (run / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises((WorkError, RequestError), match=r"metrics\.jsonl"):
        go_on(folders, run)


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(folders: Folders):
    with pytest.raises(RequestError, match=r"/proc/run: cannot be written there \(.+\), expected a writable place"):
        go_on(folders, Path("/proc/run"))


def test_references_that_vanish_are_named(folders: Folders, tmp_path: Path):
    clear = tmp_path / "clear"
    shutil.copytree(folders.clear, clear)
    pairs = SyntheticPairs(folders.images, folders.masks, size=32, fit="crop")
    references = References.from_folders(clear, folders.blurred, size=32, fit="crop", cache=PixelCache(0))

    def empty(record: dict[str, Any]) -> None:
        if record["step"] == 2:
            for path in clear.iterdir():
                path.unlink()

    config = TuneConfig(duration=Steps(steps=50), batch=2, device="cpu", validation_share=0)
    with pytest.raises(WorkError, match=r"clear/\d\.png: no such file, expected a PNG, TIFF"):
        finetune(sharpness(), pairs, references, config, run_dir=tmp_path / "run", report=empty)


def test_the_best_generator_is_kept_beside_the_last(run: Path, folders: Folders):
    errors = {line["step"]: line["map_error"] for line in losses(run) if "map_error" in line}
    best = bridgetune.load(run / "best", network=sharpness().unwrap())
    assert f"{min(errors.values()):.2%}" in (run / "best" / "README.md").read_text()
    assert best.origin == bridgetune.load(run, network=sharpness().unwrap()).origin


def test_a_run_ends_early_where_nothing_gets_better_and_gives_the_best(folders: Folders, tmp_path: Path):
    run = tmp_path / "run"
    result = go_on(folders, run, duration=Steps(steps=60), validate_every=2, patience=2, learning_rate=1e-12)
    errors = {line["step"]: line["map_error"] for line in losses(run) if "map_error" in line}
    assert result.steps < 60
    assert result.stopped_early
    assert result.validation.map_error == min(errors.values())
    assert (
        go_on(folders, run, duration=Steps(steps=60), validate_every=2, patience=2, learning_rate=1e-12).steps
        == result.steps
    ), "resuming does not train on"
