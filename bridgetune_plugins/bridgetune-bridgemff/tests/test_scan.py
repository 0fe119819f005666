"""Every backend scans as the definition does: values, gradients, shapes, precision."""

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import silu, softplus

from bridgetune.errors import RequestError
from bridgetune_bridgemff.scan import BACKENDS, selective_scan
from bridgetune_bridgemff.scan.arguments import Arguments
from bridgetune_bridgemff.scan.operator import scan

CPU = torch.device("cpu")
FAST = ("native", "torch")


@pytest.fixture(params=FAST)
def backend(request) -> str:
    problem = BACKENDS[request.param].problem(CPU, torch.float32)
    if problem:
        pytest.skip(f"{request.param}: {problem}")
    return request.param


def drawn(batch: int, length: int, channels: int, states: int, *, dtype=torch.float64) -> Arguments:
    """Arguments as a network has them: raw steps with a bias, and a gate."""
    generator = torch.Generator().manual_seed(1000 * batch + length)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)

    sequence, state = (batch, length, channels), (batch, length, states)
    return Arguments(
        normal(*sequence),
        normal(*sequence),
        -normal(channels, states).exp(),
        normal(*state),
        normal(*state),
        normal(channels),
        normal(*sequence),
        normal(channels),
    )


def scanned(arguments: Arguments, backend: str) -> list[Tensor]:
    """y, then the gradient of each argument for a seeded gradient of y."""
    leaves = arguments.map(lambda x: x.detach().clone().requires_grad_())
    y = selective_scan(*leaves, backend=backend)
    grad_y = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(y.dtype)
    return [y.detach(), *torch.autograd.grad(y, [leaf for leaf in leaves if leaf is not None], grad_y)]


@functools.cache
def defined(batch: int, length: int, channels: int, states: int) -> list[Tensor]:
    return scanned(drawn(batch, length, channels, states), "reference")


def largest_error(found: list[Tensor], exact: list[Tensor]) -> tuple[float, float]:
    """Of y, and of the gradients, relative to the largest value of each."""
    errors = [
        float((one.double() - other).abs().max() / other.abs().max().clamp_min(1e-30))
        for one, other in zip(found, exact, strict=True)
    ]
    return errors[0], max(errors[1:])


def test_reference_is_the_textbook_recurrence():
    u, dt, A, B, C, D, z, dt_bias = drawn(2, 7, 3, 4)
    h, outputs = torch.zeros(2, 3, 4, dtype=u.dtype), []
    for t in range(7):
        step = softplus(dt[:, t] + dt_bias)
        h = torch.exp(step[..., None] * A) * h + torch.einsum("bc,bn->bcn", step * u[:, t], B[:, t])
        outputs.append((torch.einsum("bcn,bn->bc", h, C[:, t]) + D * u[:, t]) * silu(z[:, t]))
    expected = torch.stack(outputs, dim=1)
    torch.testing.assert_close(selective_scan(u, dt, A, B, C, D, z, dt_bias, backend="reference"), expected)


@pytest.mark.parametrize("name", ["reference", "torch"])
@pytest.mark.parametrize("length", [1, 2, 17])
def test_adjoint_passes_gradcheck(name, length):
    leaves = tuple(drawn(2, length, 2, 3).map(lambda x: x.requires_grad_()))
    assert torch.autograd.gradcheck(lambda *given: selective_scan(*given, backend=name), leaves)


@pytest.mark.parametrize("length", [1, 2, 31, 32, 33, 257, 1025, 4225])
@pytest.mark.parametrize("batch", [1, 4, 64])
def test_values_and_gradients_are_the_definitions_in_float32(batch, length, backend):
    channels = 9 if batch * length < 20_000 else 1
    found = scanned(drawn(batch, length, channels, 16, dtype=torch.float32), backend)
    of_y, of_gradients = largest_error(found, defined(batch, length, channels, 16))
    assert of_y < 1e-6
    assert of_gradients < 1e-5


@given(
    batch=st.integers(1, 3),
    length=st.integers(1, 70),
    channels=st.integers(1, 20),
    states=st.integers(1, 20),
    gated=st.booleans(),
    biased=st.booleans(),
)
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("name", FAST)
def test_any_shape_with_and_without_gate_and_bias(name, batch, length, channels, states, gated, biased):
    dtype = torch.float32 if name == "native" else torch.float64
    if BACKENDS[name].problem(CPU, dtype):
        pytest.skip(f"{name}: {BACKENDS[name].problem(CPU, dtype)}")
    arguments = drawn(batch, length, channels, states)
    if not gated:
        arguments = arguments._replace(z=None)
    if not biased:
        arguments = arguments._replace(dt=softplus(arguments.dt), dt_bias=None)
    exact = scanned(arguments, "reference")
    found = scanned(arguments.map(lambda x: x.to(dtype)), name)
    for one, other in zip(found, exact, strict=True):
        off = (one.double() - other).abs().max() / other.abs().max().clamp_min(1)
        assert off < (3e-6 if name == "native" else 1e-12)


@pytest.mark.parametrize(
    ("steps", "rates"),
    [
        ((1e-3, 1e-1), (1.0, 16.0)),  # Mamba's own start: states fade over tens to thousands of tokens
        ((1e-2, 5.0), (1e2, 1e5)),  # forgotten at once
        ((1e-6, 1e-3), (1e-6, 1e-3)),  # never forgotten
    ],
    ids=["Mamba's start", "strong decay", "no decay"],
)
def test_float32_is_exact_in_every_regime_of_decay(steps, rates, backend):
    def log_uniform(low: float, high: float, *shape: int) -> Tensor:
        return low * (high / low) ** torch.rand(shape, generator=generator, dtype=torch.float64)

    generator = torch.Generator().manual_seed(0)
    given = drawn(2, 1024, 4, 16)
    exact = given._replace(dt=log_uniform(*steps, 2, 1024, 4), A=-log_uniform(*rates, 4, 16), dt_bias=None)
    single = exact.map(Tensor.float)
    of_y, of_gradients = largest_error(scanned(single, backend), scanned(single.map(Tensor.double), "reference"))
    assert of_y < 1e-6
    assert of_gradients < 1e-5


def test_bits_do_not_depend_on_the_number_of_threads(backend):
    arguments = drawn(5, 300, 20, 16, dtype=torch.float32)
    threads = torch.get_num_threads()
    try:
        answers = []
        for count in (1, 2):
            torch.set_num_threads(count)
            answers.append(scanned(arguments, backend))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, other) for one, other in zip(*answers, strict=True))


def test_output_does_not_depend_on_later_tokens(backend):
    leaves = drawn(1, 70, 2, 3, dtype=torch.float32).map(lambda x: x.requires_grad_())
    (grad_u,) = torch.autograd.grad(selective_scan(*leaves, backend=backend)[:, 42].sum(), [leaves.u])
    assert grad_u[:, :43].abs().amax(-1).min() > 0
    assert grad_u[:, 43:].abs().max() == 0


def test_tokens_that_are_parts_of_longer_rows_are_read_where_they_lie(backend):
    arguments = drawn(3, 40, 8, 16, dtype=torch.float32)

    def within_longer_rows(x: Tensor) -> Tensor:
        return torch.cat([torch.ones_like(x), x, torch.ones_like(x)], dim=-1)[..., x.shape[-1] : 2 * x.shape[-1]]

    turned = arguments._replace(u=arguments.u.transpose(1, 2).contiguous().transpose(1, 2))
    for laid_out in (arguments.map(within_longer_rows), turned):
        found, expected = (selective_scan(*x, backend=backend) for x in (laid_out, arguments))
        torch.testing.assert_close(found, expected)


def test_bfloat16_inputs_are_scanned_in_float32(backend):
    arguments = drawn(2, 400, 3, 16).map(Tensor.bfloat16)
    found = scanned(arguments, backend)
    expected = scanned(arguments.map(Tensor.float), backend)
    assert all(x.dtype == torch.bfloat16 for x in found)
    assert torch.equal(found[0], expected[0].bfloat16())


def test_autocast_leaves_float32_inputs_alone(backend):
    arguments = drawn(2, 50, 3, 16, dtype=torch.float32)
    expected = scanned(arguments, backend)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = scanned(arguments, backend)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))


def test_without_a_gradient_nothing_is_kept(backend):
    arguments = drawn(1, 100, 8, 16, dtype=torch.float32)
    assert scan(*arguments, backend, False)[1].numel() == 0
    kept = scan(*arguments, backend, True)[1]
    assert 0 < kept.numel() < arguments.A.numel() * 100 / 4  # a state for each block, not for each token


def test_torch_finds_the_operator_sound(backend):
    arguments = drawn(2, 40, 3, 16, dtype=torch.float32).map(lambda x: x.requires_grad_())
    torch.library.opcheck(scan.overload, (*arguments, backend, True))
    torch.library.opcheck(scan.overload, (*arguments._replace(z=None, dt_bias=None), backend, True))


def test_compile_goes_through_it_in_one_graph(backend):
    arguments = drawn(2, 40, 3, 16, dtype=torch.float32)
    compiled = torch.compile(functools.partial(selective_scan, backend=backend), fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(*arguments), selective_scan(*arguments, backend=backend))


def test_flop_counters_count_it():
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counted:
        selective_scan(*drawn(2, 40, 3, 16, dtype=torch.float32))
    assert counted.get_total_flops() == 7 * 2 * 40 * 3 * 16


@pytest.mark.parametrize(
    ("name", "shape"),
    [("dt", (2, 9, 4)), ("A", (4, 4)), ("B", (2, 8, 4)), ("C", (2, 9, 5)), ("D", (4,)), ("z", (9, 3))],
)
def test_shapes_that_do_not_belong_together_are_named(name, shape):
    arguments = drawn(2, 9, 3, 4)._replace(**{name: torch.zeros(shape)})
    with pytest.raises(RequestError, match=rf"selective_scan: {name} is .*expected"):
        selective_scan(*arguments)
