"""What layers answer natively is what their torch operations answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bridgetune_bridgemff import fused, native
from bridgetune_bridgemff.bridge import AttentionBridge
from bridgetune_bridgemff.layers import Convolution, Down, Up, natively
from bridgetune_bridgemff.mamba import ParallelVisionMamba
from bridgetune_bridgemff.network import BridgeMFF, BridgeMFFDiscriminator
from bridgetune_bridgemff.scan import VARIABLE

pytestmark = pytest.mark.skipif(bool(native.problem()), reason=native.problem())

CLOSE = 1e-5
"""Relative to the largest value."""

side = st.integers(1, 40)


@contextmanager
def torch_operations() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, "torch")
        yield


def both(layer: Callable[..., Tensor], *images: Tensor) -> tuple[Tensor, Tensor]:
    """A layer's answer natively and in torch operations."""
    with torch.no_grad():
        assert natively(images[0])
        answer = layer(*images)
        with torch_operations():
            assert not natively(images[0])
            return answer, layer(*images)


def assert_close(answer: Tensor, expected: Tensor) -> None:
    assert answer.shape == expected.shape
    assert (answer - expected).abs().max() <= CLOSE * expected.abs().max().clamp_min(1)


def randomised(layer: nn.Module) -> nn.Module:
    """Norms with factors of either sign: a fresh layer's are all 1."""
    for norm in layer.modules():
        if isinstance(norm, nn.GroupNorm | nn.LayerNorm):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    return layer


@pytest.mark.parametrize("size", [(1, 32, 32), (3, 64, 96), (1, 160, 416), (1, 256, 256)])
def test_network_answers_as_its_torch_operations_do(size):
    torch.manual_seed(0)
    batch, height, width = size
    generator, discriminator = randomised(BridgeMFF("mamba")), randomised(BridgeMFFDiscriminator())
    first, second = torch.rand(2, batch, 3, height, width) * 2 - 1
    assert_close(*both(generator, first, second))
    assert_close(*both(discriminator, first))


@given(
    batch=st.integers(1, 2),
    channels=st.integers(1, 9),
    outputs=st.integers(1, 9),
    height=side,
    width=side,
    kernel=st.sampled_from([1, 3, 7]),
    dilation=st.sampled_from([1, 3]),
)
@settings(max_examples=60, deadline=None)
def test_convolution_of_any_shape(batch, channels, outputs, height, width, kernel, dilation):
    torch.manual_seed(height * 100 + width)
    layer = Convolution(channels, outputs, kernel, dilation)
    assert_close(*both(layer, torch.randn(batch, channels, height, width)))


@given(
    batch=st.integers(1, 2),
    height=st.integers(2, 40),
    width=st.integers(2, 40),
    offset=st.sampled_from([0.0, 30.0]),
)
@settings(max_examples=30, deadline=None)
def test_halving_of_any_shape(batch, height, width, offset):
    torch.manual_seed(height * 100 + width)
    assert_close(*both(randomised(Down(nn.Identity(), 8)), torch.randn(batch, 8, height, width) + offset))


@given(batch=st.integers(1, 2), height=side, width=side)
@settings(max_examples=30, deadline=None)
def test_doubling_of_any_shape(batch, height, width):
    torch.manual_seed(height * 100 + width)
    x, skip = torch.randn(batch, 8, height, width), torch.randn(batch, 8, 2 * height, 2 * width)
    layer = randomised(Up(nn.Identity(), 8))
    answer, expected = both(layer, x, skip)
    if height * width > 1:  # a group of two equal values has no spread, and 1 / sqrt(eps) magnifies rounding
        assert_close(answer, expected)


@given(batch=st.integers(1, 2), channels=st.integers(1, 9), height=side, width=side)
@settings(max_examples=30, deadline=None)
def test_bridge_of_any_shape(batch, channels, height, width):
    torch.manual_seed(height * 100 + width)
    bridge = AttentionBridge((channels, channels))

    def bridged(*maps: Tensor) -> Tensor:
        return torch.cat([answer.flatten(1) for answer in bridge(maps)], dim=1)

    assert_close(*both(bridged, torch.randn(batch, channels, height, width), torch.randn(batch, channels, width, 33)))


@given(batch=st.integers(1, 3), height=st.integers(1, 12), width=st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_vision_mamba_of_any_shape(batch, height, width):
    torch.manual_seed(height * 100 + width)
    layer = randomised(ParallelVisionMamba(24, 20))
    assert_close(*both(layer, torch.randn(batch, 24, height, width)))


def test_pictures_that_are_not_contiguous_are_read_right():
    torch.manual_seed(0)
    x = torch.randn(1, 8, 24, 40).transpose(2, 3)
    assert_close(*both(Convolution(8, 8, 3), x))
    assert_close(*both(Down(nn.Identity(), 8), x))
    assert_close(*both(ParallelVisionMamba(8, 8), x))


def test_bits_do_not_depend_on_the_number_of_threads():
    torch.manual_seed(0)
    x, skip = torch.randn(3, 24, 30, 50), torch.randn(3, 24, 60, 100)
    calls = (
        (Convolution(24, 16, 3), x),
        (Down(nn.Identity(), 24), x),
        (Up(nn.Identity(), 24), x, skip),
        (ParallelVisionMamba(24, 32), x),
    )
    threads = torch.get_num_threads()
    try:
        answers = []
        for count in (1, 2):
            torch.set_num_threads(count)
            with torch.no_grad():
                answers.append([layer(*images) for layer, *images in calls])
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(one, other) for one, other in zip(*answers, strict=True))


def test_autocast_other_dtypes_and_another_scan_keep_to_torch_operations():
    x = torch.rand(1, 3, 32, 32)
    assert natively(x)
    assert not natively(x.double())
    assert not natively(x.to("meta"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not natively(x)
    with torch_operations():
        assert not natively(x)


def test_weights_of_another_type_are_refused_and_never_misread():
    layer = Convolution(3, 4, 3).double()
    with torch.no_grad(), pytest.raises(TypeError, match=r"float64.*expected float32"):
        layer(torch.rand(1, 3, 8, 8))


def test_compiled_network_holds_no_fused_layer():
    network, images = BridgeMFF().eval(), torch.rand(2, 1, 3, 32, 32)
    with torch.no_grad():
        program = torch.export.export(network, tuple(images))
    called = {str(node.target) for node in program.graph.nodes if "bridgetune" in str(node.target)}
    assert called == {"bridgetune.selective_scan.default"}


def test_torch_finds_the_operators_sound():
    torch.manual_seed(0)
    x, skip = torch.randn(2, 8, 6, 10), torch.randn(2, 8, 12, 20)
    layer = ParallelVisionMamba(8, 12).requires_grad_(False)
    torch.library.opcheck(fused.convolution.overload, (x, torch.randn(4, 8, 3, 3), torch.randn(4), 1))
    torch.library.opcheck(fused.down.overload, (x, torch.randn(8), torch.randn(8), 4, 1e-5))
    torch.library.opcheck(fused.up.overload, (x, torch.randn(8), torch.randn(8), skip, 4, 1e-5))
    torch.library.opcheck(fused.vision_mamba.overload, (x, layer._weights(), 4, 1e-5))


def test_flop_counters_count_as_much_natively_as_in_torch_operations():
    network, images = BridgeMFF(), torch.rand(2, 1, 3, 64, 96)
    with torch.no_grad(), torch_operations(), FlopCounterMode(display=False) as in_torch:
        network(*images)
    with torch.no_grad(), FlopCounterMode(display=False) as natively_counted:
        network(*images)
    # torch's causal convolution computes three tokens more, which are cut off
    assert natively_counted.get_total_flops() == pytest.approx(in_torch.get_total_flops(), rel=1e-3)
