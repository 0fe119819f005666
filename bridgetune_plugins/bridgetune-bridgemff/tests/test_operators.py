"""Operators cost what they do, not what torch's compiler takes to be imported."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from bridgetune_bridgemff.operators import operator, shapes

FUSED = """
import sys, torch, bridgetune
from bridgetune.inference import fuse_files
network = bridgetune.create("bridgemff")
fuse_files(network, *sys.argv[1:])
assert "torch._inductor" not in sys.modules
assert "torch._dynamo" not in sys.modules
"""


def test_a_pair_is_fused_without_importing_torchs_compiler(tmp_path):
    from bridgetune.pictures import write_image

    for name in ("A.png", "B.png"):
        noise = torch.randint(0, 256, (32, 40, 3), generator=torch.Generator().manual_seed(len(name)))
        write_image(tmp_path / name, noise.to(torch.uint8).numpy())
    finished = subprocess.run(
        [sys.executable, "-c", FUSED, tmp_path / "A.png", tmp_path / "B.png"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr


@operator("seen", "(Tensor x) -> Tensor")
def seen(x: torch.Tensor) -> torch.Tensor:
    return x + torch.tensor(float(torch._dynamo.is_compiling()))


@shapes("seen")
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


def test_a_compiler_that_is_there_does_not_look_into_a_kernel():
    graphs = []

    def remember(graph: torch.fx.GraphModule, _: object) -> torch.fx.GraphModule:
        graphs.append(graph)
        return graph

    def between(x: torch.Tensor) -> torch.Tensor:
        torch._dynamo.graph_break()
        return seen(x) * 2

    assert torch.equal(torch.compile(between, backend=remember)(torch.ones(3)), torch.full((3,), 2.0))
    called = [str(node.target) for graph in graphs for node in graph.graph.nodes if node.op == "call_function"]
    assert called == ["bridgetune.seen.default", "<built-in function mul>"]


def test_what_has_no_gradient_says_so_instead_of_giving_none():
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="bridgetune::seen: has no autograd formula"):
        seen(x).sum().backward()
