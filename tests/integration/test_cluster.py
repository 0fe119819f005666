"""Work on a Ray cluster of two nodes: what comes of it is what the command line makes by itself, whatever dies."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from bridgetune.locking import OWNER
from tests.integration.test_sweep import smaller, written
from tests.support.clusters import COUNT, address, counted, told, write_frame, write_pair
from tests.support.commands import refused, run, started, succeeds
from tests.support.runs import losses
from tests.support.small import Folders
from tests.support.stores import bucket

__all__ = ["address", "bucket", "counted"]

COUNTING = ("--generator", "counting:made")


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_process_dies_and_a_picture_is_damaged_and_the_rest_goes_on(counted: Path, address: str):
    succeeds("fuse", "--pairs", "pairs", "-o", "local", *COUNTING)
    (counted / "told").unlink()
    (counted / "deadly-20").touch()
    (counted / "pairs" / "A" / "3.png").write_bytes(b"no picture")
    command = ["fuse", "--pairs", "pairs", "-o", "fused", *COUNTING, "--ray", address]
    failed = run(*command)
    assert failed.returncode == 1, failed.stderr
    assert not (counted / "deadly-20").exists()
    assert "3: pairs/A/3.png: " in failed.stderr
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("bridgetune: 1 of 6 pairs could not be fused: 3;"), failed.stderr
    assert sorted(told(counted)) == [0, 1, 2, 4, 5]

    line = refused(*command, "--blend", "none")
    assert "begun with blend=feather, now asked for none" in line
    write_pair(counted / "pairs", 3)
    assert "6 fused images in fused" in succeeds(*command)
    assert sorted(told(counted)) == [0, 1, 2, 3, 4, 5]
    assert files_in(counted / "fused") == files_in(counted / "local")
    assert "exists already" in refused(*command)


def test_a_command_that_is_killed_goes_on_where_it_was(counted: Path, address: str):
    (counted / "slow").touch()
    command = ["fuse", "--pairs", "pairs", "-o", "fused", *COUNTING, "--ray", address]
    process = started(*command)
    out = counted / "fused"
    while not (out.exists() and len(list(out.glob("*.png"))) >= 2):
        assert process.goes_on()
        time.sleep(0.05)
    process.killed()
    finished = {int(path.stem) for path in out.glob("*.png")}
    assert len(finished) < COUNT
    (counted / "slow").unlink()
    succeeds(*command)
    assert sorted(path.name for path in out.iterdir()) == [f"{number}.png" for number in range(COUNT)]
    counts = told(counted)
    assert {number: counts.count(number) for number in finished} == dict.fromkeys(finished, 1)
    assert set(counts) == set(range(COUNT))


def test_ctrl_c_leaves_no_half_written_file(counted: Path, address: str):
    (counted / "slow").touch()
    command = ["fuse", "--pairs", "pairs", "-o", "fused", *COUNTING, "--ray", address]
    process = started(*command)
    while not told(counted):
        assert process.goes_on()
        time.sleep(0.05)
    process.send(signal.SIGINT)
    ended = process.ended()
    assert ended.returncode == 130, ended.stderr
    assert ended.stderr.splitlines()[-1] == "bridgetune: stopped"  # behind what there was to say of pictures of noise
    assert "Traceback" not in ended.stderr
    left = {path.name for path in (counted / "fused").iterdir()}
    assert left == {".bridgetune.unfinished.json", *(f"{number}.png" for number in told(counted))}


def test_images_are_measured_as_here_and_what_is_known_is_not_measured_again(counted: Path, address: str):
    local = json.loads(succeeds("evaluate", "--sources", "pairs", *COUNTING, "--workers", 1, "--json"))
    (counted / "told").unlink()
    damaged = counted / "pairs" / "B" / "1.png"
    whole = damaged.read_bytes()
    damaged.write_bytes(b"no picture")
    command = ["evaluate", "--sources", "pairs", *COUNTING, "--out", "scores.json", "--ray", address]
    failed = run(*command)
    assert failed.returncode == 1
    assert "1 of 6 images could not be measured: 1;" in failed.stderr
    assert not (counted / "scores.json").exists()
    damaged.write_bytes(whole)
    succeeds(*command)
    assert sorted(told(counted)) == [0, 1, 2, 3, 4, 5]
    handed = json.loads((counted / "scores.json").read_text())
    for evaluation in (local, handed):
        del evaluation["settings"]["seconds"]
    del local["settings"]["workers"]
    assert handed == local
    assert [path.name for path in counted.glob(".scores*")] == []


def test_pictures_come_from_an_object_store_and_go_there_by_a_ray_of_the_commands_own(
    counted: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
):
    from pyarrow import fs

    monkeypatch.setenv("RAY_worker_niceness", "0")
    succeeds("fuse", "--pairs", "pairs", "-o", "local", *COUNTING)
    (counted / "told").unlink()
    store, _ = fs.FileSystem.from_uri(f"s3://{bucket}")
    fs.copy_files(str(counted / "pairs"), f"{bucket}/pairs", destination_filesystem=store)
    where = ["--pairs", f"s3://{bucket}/pairs", "--out", f"s3://{bucket}/fused"]
    assert "6 fused images" in succeeds("fuse", *where, *COUNTING, "--ray-workers", 1, "--ray")
    assert sorted(told(counted)) == [0, 1, 2, 3, 4, 5]
    (counted / "fetched").mkdir()
    fs.copy_files(f"{bucket}/fused", str(counted / "fetched"), source_filesystem=store)
    assert files_in(counted / "fetched") == files_in(counted / "local")


def test_what_cannot_be_handed_out_is_one_line(counted: Path, address: str):
    given = ["fuse", "--pairs", "pairs", "-o", "fused", *COUNTING]
    assert "no machine has 64 cores" in refused(*given, "--ray", address, "--ray-cpus", 64)
    assert "no Ray head there" in refused(*given, "--ray", "127.0.0.1:9")
    assert "expected HOST:PORT" in refused(*given, "--ray", "somewhere")
    assert "add --ray" in refused(*given, "--ray-workers", 2)
    assert "expected --pairs" in refused("fuse", "pairs/A/0.png", "pairs/B/0.png", "-o", "new.png", "--ray", address)
    assert not (counted / "fused").exists()


def test_stacks_are_fused_as_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str):
    monkeypatch.chdir(tmp_path)
    for name in ("ant", "bee", "cat"):
        for number in range(3):
            write_frame(tmp_path / "shoot" / name, number)
    (tmp_path / "shoot" / "empty").mkdir()
    (tmp_path / "shoot" / "cat" / "1.png").unlink()
    (tmp_path / "shoot" / "cat" / "2.png").unlink()
    command = ["stack", "--each", "shoot", "--align", "none", "--json"]
    local = run(*command, "-o", "local", "--depth", "local-depth")
    handed = run(*command, "-o", "out", "--depth", "depth", "--ray", address)
    assert handed.returncode == local.returncode == 1, handed.stderr
    for one, other in (("out", "local"), ("depth", "local-depth")):
        files = files_in(tmp_path / one)
        files.pop(".bridgetune.unfinished.json", None)
        assert files == files_in(tmp_path / other)
    here, there = json.loads(local.stdout), json.loads(handed.stdout)
    assert there["failed"] == here["failed"]
    for stack, other in zip(there["stacks"], here["stacks"], strict=True):
        assert stack["used"] == other["used"]
        assert stack["out"] == other["out"].replace("local", "out")
    write_frame(tmp_path / "shoot" / "cat", 1)
    again = json.loads(succeeds(*command, "-o", "out", "--depth", "depth", "--ray", address))
    assert [stack["out"] for stack in again["stacks"]] == ["out/cat.tif"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["ant.tif", "bee.tif", "cat.tif"]


def test_training_pairs_are_made_as_here(folders: Folders, tmp_path: Path, address: str):
    images = tmp_path / "images"
    shutil.copytree(folders.images, images)
    (images / "3.png").write_bytes(b"no picture")
    (images / "more.png").write_bytes(b"no mask")
    command = ["data", "make", "--images", images, "--masks", folders.masks, "--size", 32, "--seed", 7]
    succeeds(*command, "--out", tmp_path / "local")
    handed = run(*command, "--out", tmp_path / "handed", "--ray", address)
    assert handed.returncode == 1, handed.stderr
    assert "images/3.png: " in handed.stderr
    assert files_in(tmp_path / "handed") == files_in(tmp_path / "local")


@pytest.mark.slow
def test_a_sweep_whose_run_dies_ends_with_the_report_of_here(folders: Folders, tmp_path: Path, address: str):
    text = "bridgetune = [false]\n" + smaller().replace("finetune = {", "pretrain = {")  # one run is enough to die
    asked, handed, local = written(folders, tmp_path / "sweep.toml", text), tmp_path / "handed", tmp_path / "local"
    command = ["compare", "--sweep", str(asked), "--metric", "q_mi", "--out"]
    stage = handed / "runs" / "drpl" / "seed-0" / "supervised" / "training"
    process = started(*command, handed, "--ray", address)
    while len(losses(stage)) < 3:
        assert process.goes_on(), "the sweep ended before a run could be killed"
        time.sleep(0.005)
    os.kill(json.loads((stage / OWNER).read_text())["pid"], signal.SIGKILL)
    begun = losses(stage)
    assert len(begun) < 20, "the run was over"
    ended = process.ended()
    assert ended.returncode == 0, ended.stderr
    records = losses(stage)
    assert records[:2] == begun[:2], "what is before its checkpoint was run again, or lost"
    assert [record["step"] for record in records] == list(range(1, 21))

    succeeds(*command, local)
    tables = [path for path in (local / "tables").glob("*.csv") if path.name != "cost.csv"]
    assert tables
    for table in tables:
        assert (handed / "tables" / table.name).read_bytes() == table.read_bytes()
    reports = [(out / "report.md").read_text().partition("## Cost")[0] for out in (handed, local)]
    assert reports[0] == reports[1]
