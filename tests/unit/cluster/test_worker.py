"""A process answers for each item, whatever becomes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
import torch

from bridgetune._version import __version__
from bridgetune.cluster.worker import Worker
from bridgetune.errors import RequestError

logger = logging.getLogger("bridgetune")


@dataclass(frozen=True)
class Halving:
    """`Work` on whole numbers."""

    opens: bool = True

    def opened(self) -> Callable[[int], int]:
        if not self.opens:
            raise RequestError("gen: no such folder")

        def halve(number: int) -> int:
            if number % 2:
                raise RequestError(f"/tmp/bridgetune-near-x1/s3/bucket/{number}.png: odd")
            if number > 10:
                raise ValueError("too\nmuch")
            logger.warning("%d is even", number)
            return number // 2

        return halve


@pytest.fixture(autouse=True)
def threads_as_they_were(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    before = torch.get_num_threads(), cv2.getNumThreads()
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


def test_an_item_is_done_or_has_failed_in_a_line(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    worker = Worker(Halving(), 1, __version__, str(tmp_path), 1.0)
    done = worker.carry_out(4)
    assert (done.state, done.result, done.remarks) == ("done", 2, ("4 is even",))
    assert caplog.text == ""
    assert worker.carry_out(3)[:3] == ("failed", None, "s3://bucket/3.png: odd")
    assert worker.carry_out(12)[:3] == ("failed", None, "ValueError: too much")


def test_a_work_that_does_not_open_is_no_fault_of_the_item(tmp_path: Path):
    answer = Worker(Halving(opens=False), 1, __version__, str(tmp_path), 1.0).carry_out(4)
    assert answer.state == "unusable"
    assert answer.said.endswith(": gen: no such folder")
    other = Worker(Halving(), 1, "0.0", str(tmp_path), 1.0).carry_out(4)
    assert other.state == "unusable"
    assert "the command 0.0" in other.said


def test_threads_are_limited_and_the_folder_is_the_callers(tmp_path: Path):
    prepared: list[str] = []
    Worker(Halving(), 2, __version__, str(tmp_path), 1.0, [lambda: prepared.append(str(Path.cwd()))])
    assert prepared == [str(tmp_path)]
    assert torch.get_num_threads() == 2
    Worker(Halving(), 1, __version__, str(tmp_path / "missing"), 0.0)
    assert torch.get_num_threads() == 1
