"""Work on a Ray cluster of two nodes: what comes of it is what the command line makes by itself, whatever dies."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

from tests.support.clusters import COUNT, address, counted, told, write_pair
from tests.support.commands import BRIDGETUNE, refused, run, succeeds

__all__ = ["address", "counted"]

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
    process = subprocess.Popen([*BRIDGETUNE, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    out = counted / "fused"
    while not (out.exists() and len(list(out.glob("*.png"))) >= 2):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
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
    process = subprocess.Popen([*BRIDGETUNE, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not told(counted):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert said == "bridgetune: stopped\n"
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


def test_what_cannot_be_handed_out_is_one_line(counted: Path, address: str):
    given = ["fuse", "--pairs", "pairs", "-o", "fused", *COUNTING]
    assert "no machine has 64 cores" in refused(*given, "--ray", address, "--ray-cpus", 64)
    assert "no Ray head there" in refused(*given, "--ray", "127.0.0.1:9")
    assert "expected HOST:PORT" in refused(*given, "--ray", "somewhere")
    assert "add --ray" in refused(*given, "--ray-workers", 2)
    assert "expected --pairs" in refused("fuse", "pairs/A/0.png", "pairs/B/0.png", "-o", "new.png", "--ray", address)
    assert not (counted / "fused").exists()
