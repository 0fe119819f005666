"""A Ray cluster of two nodes on this machine, and a method on it that tells how often it fused which picture."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from bridgetune.pictures import write_image

COUNTING = '''
"""Fuses by the mean, and writes down each picture's first level; a picture may be deadly, once, or slow."""

import os
import signal
import time
from pathlib import Path

from bridgetune.protocol import Evaluator

HERE = Path(__file__).parent


def made():
    return Evaluator("counting", fused)


def fused(first, second):
    level = round(float(first[0, 0, 0, 0]) * 255)
    deadly = HERE / f"deadly-{level}"
    if deadly.exists():
        deadly.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    if (HERE / "slow").exists():
        time.sleep(0.5)
    with (HERE / "told").open("a") as told:
        told.write(f"{level}\\n")
    return (first + second) / 2
'''
"""A module; its factory is `counting:made`."""

COUNT = 6
"""Of pairs."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """HOST:PORT of a Ray head; two nodes have a core each, in processes that are gone afterwards."""
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # the names of its sockets have to be short
    own = {
        "RAY_TMPDIR": folder,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_raylet_start_wait_time_s": "120",
        "RAY_worker_niceness": "0",  # other tests run beside these
    }
    with pytest.MonkeyPatch.context() as environment:
        for name, value in own.items():
            environment.setenv(name, value)
        from ray.cluster_utils import Cluster  # which reads them

        node = {"num_cpus": 1, "object_store_memory": 100 << 20}
        cluster = Cluster(True, head_node_args={**node, "include_dashboard": False})
        try:
            cluster.add_node(**node)
            yield cluster.address
        finally:
            cluster.shutdown()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that one is in, with `counting.py`, pairs/A and pairs/B; the first level is 10 times the number."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counting.py").write_text(COUNTING)
    for number in range(COUNT):
        write_pair(tmp_path / "pairs", number)
    return tmp_path


def write_pair(folder: Path, number: int) -> None:
    for place, side in enumerate("AB"):
        noise = np.random.default_rng(2 * number + place).integers(0, 256, (24, 32, 3), np.uint8)
        noise[0, 0] = 10 * number
        write_image(folder / side / f"{number}.png", noise)


def write_frame(folder: Path, number: int) -> None:
    """A frame of noise that is sharp in a third of its own, and blurred elsewhere."""
    noise = np.random.default_rng(0).integers(0, 256, (48, 96, 3), np.uint8)
    frame, third = ndimage.gaussian_filter(noise, (3, 3, 0)), slice(32 * number, 32 * number + 32)
    frame[:, third] = noise[:, third]
    write_image(folder / f"{number}.png", frame)


def told(folder: Path) -> list[int]:
    """The numbers of the pairs that were fused, in order, once for each time."""
    lines = (folder / "told").read_text().split() if (folder / "told").exists() else []
    return [int(line) // 10 for line in lines]
