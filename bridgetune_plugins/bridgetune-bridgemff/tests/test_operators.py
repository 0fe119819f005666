"""Operators cost what they do, not what torch's compiler takes to be imported."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor
from torch.autograd import forward_ad
from torch.profiler import profile
from torch.utils._python_dispatch import TorchDispatchMode

from bridgetune_bridgemff.operators import differentiated, operator, shapes

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


ways: list[str] = []
"""How the kernels below came to be called."""


def note_the_way() -> None:
    dispatched = any(frame.filename.endswith("_ops.py") for frame in inspect.stack())
    ways.append("dispatched" if dispatched else "called")


@operator("cubed", "(Tensor x, Tensor[] others) -> Tensor")
def cubed(x: Tensor, others: list[Tensor]) -> Tensor:
    note_the_way()
    return x**3


@operator("squared", "(Tensor x, int times) -> (Tensor, Tensor)", differentiable=True)
def squared(x: Tensor, times: int) -> tuple[Tensor, Tensor]:
    note_the_way()
    return times * x.detach() ** 2, x.new_ones(1)


@shapes("cubed")
def _(x: Tensor, others: list[Tensor]) -> Tensor:
    return torch.empty_like(x)


@shapes("squared")
def _(x: Tensor, times: int) -> tuple[Tensor, Tensor]:
    return torch.empty_like(x), x.new_empty(1)


def remember(ctx, inputs, output):
    x, ctx.times = inputs
    ctx.save_for_backward(x)
    ctx.mark_non_differentiable(output[1])


def differentiate(ctx, grad_y, _):
    (x,) = ctx.saved_tensors
    return 2 * ctx.times * x * grad_y, None


differentiated(squared, differentiate, remember)


class Heard(TorchDispatchMode):
    """The names of what is called."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.name())
        return function(*args, **(kwargs or {}))


class Marked(Tensor):
    """A kind of tensor of somebody else's."""


def way(x: Tensor, others: tuple[Tensor, ...] = ()) -> str:
    ways.clear()
    cubed(x, list(others))
    return ways[0]


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_where_nothing_listens_a_kernel_is_called_and_else_the_operator():
    x = torch.ones(3)
    assert way(x) == way(torch.nn.Parameter(x, requires_grad=False)) == way(x, (x, x)) == "called"
    with torch.inference_mode():
        assert way(x) == "called"
    listeners: list[Callable[[], object]] = [Heard, profile, forward_ad.dual_level, lambda: torch.device("cpu")]
    for listener in [nullcontext, *listeners]:
        with listener():
            assert way(x) == ("called" if listener is nullcontext else "dispatched")
    ways.clear()
    torch.vmap(lambda each: squared(each, 2))(x)
    assert set(ways) == {"dispatched"}
    for mine in (way(x.as_subclass(Marked)), way(x, (x, x.as_subclass(Marked)))):
        assert mine == "dispatched"


def test_a_mode_and_a_profile_see_operators_by_their_names():
    with Heard() as heard:
        cubed(torch.ones(3), [])
    with profile() as seen:
        squared(torch.ones(3, requires_grad=True), 2)[0].sum().backward()
    assert "bridgetune::cubed" in heard.names
    assert "bridgetune::squared" in [event.key for event in seen.key_averages()]


def test_a_gradient_is_the_operators_however_it_is_called():
    found = []
    for listener in (nullcontext, Heard):
        x = torch.tensor([1.0, -2.0], requires_grad=True)
        with listener():
            y, kept = squared(x, 3)
            y.sum().backward()
        assert (y.requires_grad, kept.requires_grad) == (True, False)
        found.append((y.detach(), x.grad))
    (y, grad), (as_operator, its_grad) = found
    assert torch.equal(y, as_operator)
    assert torch.equal(grad, its_grad)
    assert torch.equal(grad, torch.tensor([6.0, -12.0]))


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace")
def test_a_trace_records_the_operator():
    traced = torch.jit.trace(lambda x: squared(x, 2)[0], torch.ones(3))
    assert "bridgetune::squared" in str(traced.graph)
