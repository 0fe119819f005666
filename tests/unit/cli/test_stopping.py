"""A verb that is stopped: one line, exit code 130, whatever it was doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridgetune.cli import app, main
from bridgetune.cli.stopping import stops

SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"]


@pytest.mark.parametrize("name", SIGNALS)
@pytest.mark.parametrize("turned", [None, RuntimeError, OSError])
def test_a_verb_that_is_stopped_says_so_in_a_line(
    name: str, turned, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], logging_as_it_was
):
    def working(*_, **__):
        try:
            os.kill(os.getpid(), getattr(signal, name))
        except KeyboardInterrupt:
            if turned is None:
                raise
            raise turned("as a library has it") from None

    monkeypatch.setattr(app, "app", working)
    before = [signal.getsignal(getattr(signal, each)) for each in SIGNALS]
    with pytest.raises(SystemExit) as left:
        main(["fuse"])
    assert left.value.code == 130
    assert capfd.readouterr().err == "bridgetune: stopped\n"
    assert [signal.getsignal(getattr(signal, each)) for each in SIGNALS] == before


def test_what_is_ignored_goes_on_to_be():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stops() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.asked
    finally:
        signal.signal(signal.SIGHUP, before)


def test_it_is_stopped_while_it_imports(tmp_path: Path):
    (tmp_path / "typer.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)\n")
    program = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from bridgetune.cli import main; main(['doctor'])"
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (130, "", "bridgetune: stopped\n")


def test_a_second_signal_stops_at_once():
    program = """
import os, signal
from bridgetune.cli.stopping import stops
with stops():
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except KeyboardInterrupt:
        os.kill(os.getpid(), signal.SIGTERM)
        print("goes on")
"""
    finished = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (130, "", "")
