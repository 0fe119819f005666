import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import silu, softplus

from bridgetune_bridgemff.scan import linear_scan_, selective_scan

small = st.integers(1, 3)


def token_loop(u, dt, A, B, C, D, z):
    """The definition, one token after another."""
    h = torch.zeros(u.shape[0], *A.shape, dtype=u.dtype)
    outputs = []
    for t in range(u.shape[1]):
        drive = (dt[:, t] * u[:, t]).unsqueeze(-1) * B[:, t].unsqueeze(-2)
        h = torch.exp(dt[:, t].unsqueeze(-1) * A) * h + drive
        outputs.append((h * C[:, t].unsqueeze(-2)).sum(-1) + D * u[:, t])
    return torch.stack(outputs, dim=1) * silu(z)


def scan_inputs(batch: int, length: int, channels: int, states: int, *, dtype=torch.float64) -> list[Tensor]:
    """u, dt, A, B, C, D, z."""
    torch.manual_seed(batch * 1000 + length)
    u, dt, z = torch.randn(3, batch, length, channels, dtype=dtype)
    B, C = torch.randn(2, batch, length, states, dtype=dtype)
    A = -torch.exp(torch.randn(channels, states, dtype=dtype))
    inputs = [u, softplus(dt), A, B, C, torch.randn(channels, dtype=dtype), z]
    return [x.requires_grad_() for x in inputs]


def gradients(scan, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    y = scan(*inputs)
    weights = torch.linspace(-1, 2, y.numel(), dtype=y.dtype).reshape(y.shape)
    return torch.autograd.grad((y * weights).sum(), inputs)


@given(batch=small, length=st.integers(1, 70), channels=small, states=small)
@settings(max_examples=30, deadline=None)
def test_values_and_gradients_are_those_of_the_token_loop_for_any_shape(batch, length, channels, states):
    inputs = scan_inputs(batch, length, channels, states)
    torch.testing.assert_close(selective_scan(*inputs), token_loop(*inputs))
    for ours, expected in zip(gradients(selective_scan, inputs), gradients(token_loop, inputs), strict=True):
        torch.testing.assert_close(ours, expected)


def test_adjoint_passes_gradcheck_where_the_length_does_not_divide_into_blocks():
    inputs = scan_inputs(2, 17, 2, 3)  # 17 tokens make nine blocks of two, the last of them padded
    assert torch.autograd.gradcheck(selective_scan, inputs)


def test_without_a_gate_the_output_is_not_gated():
    *inputs, z = scan_inputs(2, 9, 3, 4)
    torch.testing.assert_close(selective_scan(*inputs) * silu(z), selective_scan(*inputs, z))


def test_output_does_not_depend_on_later_tokens():
    u, *others = scan_inputs(1, 30, 2, 3)
    selective_scan(u, *others)[:, 12].sum().backward()
    assert u.grad is not None
    assert u.grad[:, :13].abs().min() > 0
    assert u.grad[:, 13:].abs().max() == 0


def test_block_size_and_direction_decide_nothing_but_the_order():
    torch.manual_seed(0)
    decay = torch.rand(2, 24, 3, dtype=torch.float64)
    drive = torch.randn(2, 24, 3, dtype=torch.float64)
    h, states = torch.zeros(2, 3, dtype=torch.float64), []
    for t in range(24):
        h = decay[:, t] * h + drive[:, t]
        states.append(h)
    expected = torch.stack(states, dim=1)
    for block in (1, 2, 3, 4, 6, 8, 12, 24):
        torch.testing.assert_close(linear_scan_(decay, drive.clone(), block), expected)
        backwards = linear_scan_(decay.flip(1), drive.flip(1), block, reverse=True)
        torch.testing.assert_close(backwards, expected.flip(1))


def test_scan_overwrites_the_drive_alone():
    decay, drive = torch.full((1, 4, 1), 0.5), torch.ones(1, 4, 1)
    assert linear_scan_(decay, drive, 2) is drive
    assert drive.flatten().tolist() == [1, 1.5, 1.75, 1.875]
    assert decay.flatten().tolist() == [0.5] * 4


def test_float32_stays_exact_where_states_are_forgotten_at_once_or_never():
    u, dt, A, B, C, D, z = scan_inputs(2, 1000, 2, 4)
    A = torch.tensor([[-1e-7, -1e-3, -1e2, -1e5], [-1.0, -1e-5, -1e1, -1e38]], dtype=torch.float64)
    inputs = [x.detach().float().requires_grad_() for x in (u, dt, A, B, C, D, z)]
    exact = [x.detach().double().requires_grad_() for x in inputs]
    torch.testing.assert_close(selective_scan(*inputs).double(), token_loop(*exact), rtol=1e-4, atol=1e-4)
    for ours, expected in zip(gradients(selective_scan, inputs), gradients(token_loop, exact), strict=True):
        scale = expected.abs().max().clamp(min=1)
        torch.testing.assert_close(ours.double() / scale, expected / scale, rtol=1e-4, atol=1e-5)


def test_autocast_does_not_touch_float32_inputs():
    inputs = scan_inputs(2, 50, 3, 4, dtype=torch.float32)
    expected, expected_gradients = selective_scan(*inputs), gradients(selective_scan, inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y, y_gradients = selective_scan(*inputs), gradients(selective_scan, inputs)
    assert y.dtype == torch.float32
    assert torch.equal(y, expected)
    assert all(torch.equal(a, b) for a, b in zip(y_gradients, expected_gradients, strict=True))


def test_bfloat16_inputs_are_scanned_in_float32():
    inputs = [x.detach().bfloat16().requires_grad_() for x in scan_inputs(2, 400, 3, 4)]
    y = selective_scan(*inputs)
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, selective_scan(*[x.float() for x in inputs]).bfloat16())
    assert all(g.dtype == torch.bfloat16 for g in gradients(selective_scan, inputs))
