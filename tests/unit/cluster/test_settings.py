"""What would keep a cluster from working is said at once."""

from __future__ import annotations

import importlib.util
import socket
import subprocess
import sys

import pytest

from bridgetune.cluster import Cluster
from bridgetune.errors import RequestError


def test_without_ray_a_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else found(name))
    with pytest.raises(RequestError, match=r"pip install 'bridgetune\[cluster\]'"):
        Cluster().check()


def test_the_command_line_says_so_before_torch_is_waited_for():
    code = """
import sys

sys.modules |= {"ray": None, "torch": None}
from bridgetune.cli import main

main(["fuse", "--pairs", "pairs", "-o", "fused", "--ray"])
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert told.returncode == 2
    assert told.stderr == "bridgetune: --ray: Ray is not installed; pip install 'bridgetune[cluster]'\n"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("somewhere", "expected HOST:PORT"),
        ("host:0", "expected HOST:PORT"),
        (":6379", "expected HOST:PORT"),
        ("ray://host:10001", "expected HOST:PORT"),
        ("nowhere.invalid:6379", "no Ray head there"),
    ],
)
def test_an_address_is_host_and_port_of_who_answers(address: str, said: str):
    with pytest.raises(RequestError, match=said):
        Cluster(address).check()


def test_who_answers_is_taken_and_who_does_not_is_named():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        Cluster(f"127.0.0.1:{port}").check()
    with pytest.raises(RequestError, match=rf"127\.0\.0\.1:{port}: no Ray head there \(Connection refused\)"):
        Cluster(f"127.0.0.1:{port}").check()


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"cpus": 0}, {"gpus": -1.0}])
def test_numbers_are_in_range(wrong: dict[str, int]):
    with pytest.raises(RequestError, match=next(iter(wrong))):
        Cluster(**wrong).check()


def test_a_gpu_is_used_where_one_is_asked_for():
    assert Cluster(gpus=0.5).device == "cuda"
    assert Cluster().device == ""


def test_the_command_line_imports_nothing_of_ray():
    code = (
        "import sys, bridgetune.cli.app; print(*(name for name in ('ray', 'pyarrow', 'torch') if name in sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "\n"
