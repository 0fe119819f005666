"""Two processes on CPUs (gloo) do together what one does alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import bridgetune
from tests.support.commands import Started
from tests.support.small import Folders

pytestmark = pytest.mark.usefixtures("undrawn")

NETWORKS: dict[str, dict[str, Any]] = {"bridgemff": {}, "msfin": {"widths": (4, 4, 4, 4)}}

TOLERANCE = 1e-5
"""Relative to the size of a loss: sums are taken in another order."""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fresh generator of each network."""
    root = tmp_path_factory.mktemp("generators")
    for name, options in NETWORKS.items():
        torch.manual_seed(0)
        bridgetune.create(name, weights=None, **options).save_pretrained(root / name)
    return root


def train(verb: str, generator: Path, folders: Folders, out: Path, processes: int, *more: str) -> list[dict[str, Any]]:
    """Run the command; its records."""
    arguments = [
        *(verb, "--generator", generator, "--images", folders.images, "--masks", folders.masks, "--out", out),
        *("--size", 32, "--fit", "crop", "--batch", 4, "--steps", 4, "--validate-every", 2, "--checkpoint-every", 2),
        *("--device", "cpu", *more),
    ]
    if verb == "finetune":
        arguments += ["--clear", folders.clear, "--blurred", folders.blurred]
    given = [str(argument) for argument in arguments]
    said = launched(given) if verb == "pretrain" and processes > 1 else "".join(together(given, processes))
    assert said.count("the generator is in") == 1, "one process speaks for all"
    assert json.loads((out / "config.json").read_text())["processes"] == processes
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def launched(given: list[str]) -> str:
    """What two processes of torchrun say."""
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m"]
    finished = subprocess.run(
        [sys.executable, "-m", *launcher, "bridgetune", *given],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def together(given: list[str], processes: int) -> Iterator[str]:
    """What each of them says, started as torchrun starts them, and faster."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    where = {"WORLD_SIZE": processes, "LOCAL_WORLD_SIZE": processes, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    started = []
    for rank in range(processes):
        told = {**where, "RANK": rank, "LOCAL_RANK": rank} if processes > 1 else {}
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **{name: str(value) for name, value in told.items()}}
        started.append(Started(Path.cwd(), environment, given))
    for process in started:
        finished = process.ended()
        assert finished.returncode == 0, finished.stderr
        yield finished.stdout


@pytest.mark.slow
@pytest.mark.parametrize("more", [("pretrain",), ("finetune", "--alpha", "auto")], ids=" ".join)
def test_two_processes_have_the_losses_of_one_with_twice_the_batch(
    folders: Folders, saved: Path, tmp_path: Path, more: tuple[str, ...]
):
    verb, *options = more
    alone, together = (
        train(verb, saved / "bridgemff", folders, tmp_path / str(processes), processes, *options)
        for processes in (1, 2)
    )
    assert [record.keys() for record in alone] == [record.keys() for record in together]
    for one, other in zip(alone, together, strict=True):
        for name in one.keys() - {"seconds", "homogeneous_error"}:
            if one[name] is None:  # a share of no pixels
                assert other[name] is None, (name, one["step"])
                continue
            assert other[name] == pytest.approx(one[name], rel=TOLERANCE, abs=TOLERANCE), (name, one["step"])


@pytest.mark.slow
def test_discriminators_that_learn_from_the_generators_pass_exchange_their_gradients(
    folders: Folders, saved: Path, tmp_path: Path
):
    one, other = (
        train("finetune", saved / "bridgemff", folders, tmp_path / str(processes), processes, "--recipe", "released")[1]
        for processes in (1, 2)
    )
    assert one["step"] == other["step"] == 1, "this recipe's Dice loss is of each process's batch, and later steps part"
    for domain in ("clear", "blurred"):
        for name in (f"discriminator_{domain}", f"gradient_discriminator_{domain}"):
            assert other[name] == pytest.approx(one[name], rel=TOLERANCE)


@pytest.mark.slow
def test_a_network_with_coarser_maps_is_tuned_by_two_processes_and_goes_on_where_it_was(
    folders: Folders, saved: Path, tmp_path: Path
):
    straight = train("finetune", saved / "msfin", folders, tmp_path / "straight", 2)
    again = tmp_path / "straight" / "checkpoints"
    for checkpoint in sorted(again.iterdir())[1:]:
        checkpoint.rename(tmp_path / checkpoint.name)
    resumed = train("finetune", saved / "msfin", folders, tmp_path / "straight", 2, "--resume")
    for one, other in zip(straight, resumed, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
