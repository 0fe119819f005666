"""The shared scripts, each run as it stands: what bridgetune once did wrong in them it does no more."""

from __future__ import annotations

import json
import os
import re
import runpy
import shutil
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridgetune.runs import checkpoints
from tests.fuzz.example import EARLIER
from tests.support.commands import run_in, succeeds
from tests.support.evaluations import evaluation

Shared = Callable[[str], Path]

SCRIPTS = {
    "fifo_hang.sh",
    "latex_injection.py",
    "map_wrong_after_fused_written.sh",
    "pip_suggestion_from_config.sh",
    "special_file_replaced.sh",
    "two_processes.sh",
    "user_backup_in_checkpoints_deleted.py",
}
"""Those that are run here; the one text beside them is of test_shared_cases.py."""

ASKING = """\
#!{python} -SE
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({address!r})
    asked.sendall(json.dumps([os.getcwd(), dict(os.environ), sys.argv[1:]]).encode() + b"\\n")
    code, said, told = json.loads(asked.makefile().readline())
sys.stdout.write(said)
sys.stderr.write(told)
sys.exit(code)
"""
"""A program `bridgetune` that has the tests' own processes do it, which need not import torch first."""


class _Answering(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        folder, environment, arguments = json.loads(self.rfile.readline())
        finished = run_in(Path(folder), environment, arguments)
        answer = finished.returncode, finished.stdout, finished.stderr
        self.wfile.write(json.dumps(answer).encode() + b"\n")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """What the scripts call $F: `base` has a run, pairs, photographs and masks, and `.venv/bin/bridgetune`."""
    base = tmp_path / "base"
    shutil.copytree(EARLIER / "generator", base / "run" / "generator")
    for name, source in (("photos", "images"), ("masks", "masks")):
        shutil.copytree(EARLIER / "pictures" / source, base / name)
    for place, source in (("src/A", "images"), ("src/B", "blurred"), ("fused", "clear")):
        (base / place).mkdir(parents=True)
        shutil.copy2(EARLIER / "pictures" / source / "0.png", base / place / "01.png")
    (tmp_path / "made").mkdir()
    address = os.path.relpath(tmp_path / "asked", base)
    program = base / ".venv" / "bin" / "bridgetune"
    program.parent.mkdir(parents=True)
    program.write_text(ASKING.format(python=sys.executable, address=address))
    program.chmod(0o755)
    here = Path.cwd()
    os.chdir(base)  # the address of a socket has 100 characters at most
    try:
        server = socketserver.ThreadingUnixStreamServer(address, _Answering)
    finally:
        os.chdir(here)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield tmp_path
    server.shutdown()
    server.server_close()


def carried_out(script: Path, scratch: Path) -> subprocess.CompletedProcess[str]:
    """A script that was run, where its temporary folders are in `made`."""
    environment = {**os.environ, "F": str(scratch), "TMPDIR": str(scratch / "made")}
    return subprocess.run(
        ["bash", script], cwd=scratch / "base", env=environment, capture_output=True, text=True, timeout=120
    )


def told(finished: subprocess.CompletedProcess[str]) -> str:
    """The line that bridgetune said."""
    (line,) = [line for line in finished.stderr.splitlines() if line.startswith("bridgetune: ")]
    return line


def test_every_script_is_run_here(shared: Shared):
    assert {path.name for path in shared("cases/commands").iterdir() if path.suffix != ".txt"} == SCRIPTS


def test_a_pipe_is_no_picture(shared: Shared, scratch: Path):
    finished = carried_out(shared("cases/commands/fifo_hang.sh"), scratch)
    assert finished.stdout.split() == ["rc", "2"]
    assert "fp.png" in told(finished)
    assert "pipe" in told(finished)
    assert not (scratch / "x.png").exists()


def test_nothing_is_written_where_the_map_cannot_be(shared: Shared, scratch: Path):
    finished = carried_out(shared("cases/commands/map_wrong_after_fused_written.sh"), scratch)
    assert finished.stdout.split() == ["rc", "2"]  # and `ls` has nothing to say
    assert "m.xyz" in told(finished)


def test_a_name_out_of_a_file_is_not_to_be_installed(shared: Shared, scratch: Path):
    finished = carried_out(shared("cases/commands/pip_suggestion_from_config.sh"), scratch)
    assert finished.stdout.split() == ["rc", "2"]
    assert "evil-package" in told(finished)
    assert "pip" not in told(finished)


def test_a_pipe_is_not_replaced(shared: Shared, scratch: Path):
    finished = carried_out(shared("cases/commands/special_file_replaced.sh"), scratch)
    assert re.search(r"^p.* p\.json$", finished.stdout, re.M), finished.stdout
    assert "p.json" in told(finished)


@pytest.mark.slow
def test_of_two_processes_one_has_the_run(shared: Shared, scratch: Path):
    finished = carried_out(shared("cases/commands/two_processes.sh"), scratch)
    count, path = finished.stdout.splitlines()[-1].split()
    assert count == "15"
    steps = [json.loads(line) for line in Path(path).read_text().splitlines()]
    assert [record["step"] for record in steps if "map_mean" in record] == list(range(1, 13))
    assert re.search(r"in use by process \d+ on", told(finished))


def test_what_a_user_keeps_beside_checkpoints_stays(
    shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "bridgetune.training.checkpoints", checkpoints)  # where the script looks for it
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    runpy.run_path(str(shared("cases/commands/user_backup_in_checkpoints_deleted.py")))
    kept = ["step-00000100 backup", "step-00000300", "step-00000400", "step-00000500", "step-best-so-far"]
    assert capsys.readouterr().out == f"{[*kept, 'step-notes.txt']}\n"
    assert [path.read_text() for path in tmp_path.glob("*/checkpoints/*/model.safetensors")] == ["precious"]


def test_tex_and_html_of_an_evaluation_are_text(shared: Shared, tmp_path: Path):
    script = shared("cases/commands/latex_injection.py").read_text(encoding="utf-8")
    (tmp_path / "fails").mkdir()
    for number, name in enumerate(("One", "Two"), 1):
        evaluation(name, 0.01 * number).write(tmp_path / "p2ev" / f"{number}.json")
    exec(script.replace("$F", str(tmp_path)).replace("$T", str(tmp_path)), {})
    succeeds("compare", *sorted((tmp_path / "fails").iterdir()), "--out", tmp_path / "out")
    tables = [path.read_text(encoding="utf-8") for path in tmp_path.glob("out/tables/*.tex")]
    report = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert sum("$Q_{MI}$" in text for text in tables) == 2
    for text in (*tables, report):
        assert not re.search(r"passwd|write18|(?<!\\)<img", text)
    assert r"- `q_mi`: x \<img" in report
