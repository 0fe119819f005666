"""The gradients of what layers answer natively are those of their torch operations."""

import copy
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bridgetune_bridgemff import fused, native
from bridgetune_bridgemff.bridge import AttentionBridge
from bridgetune_bridgemff.fused import convolve, mamba
from bridgetune_bridgemff.layers import Convolution, Doubling, Down, Summary, Up, natively
from bridgetune_bridgemff.mamba import MambaBlock, ParallelVisionMamba
from bridgetune_bridgemff.network import BridgeMFF, BridgeMFFDiscriminator
from bridgetune_bridgemff.scan import VARIABLE

pytestmark = pytest.mark.skipif(bool(native.problem()), reason=native.problem())

CLOSE = 1e-5
"""Relative to the largest value of each gradient."""

side = st.integers(2, 40)
batches = st.sampled_from([1, 3])
widths = st.sampled_from([4, 8, 16, 24])


def randomised(layer: nn.Module) -> nn.Module:
    """Norms with factors of either sign: a fresh layer's are all 1."""
    for norm in layer.modules():
        if isinstance(norm, nn.GroupNorm | nn.LayerNorm):
            nn.init.normal_(norm.weight)
            nn.init.normal_(norm.bias)
    return layer


def gradients(layer: nn.Module, images: Sequence[Tensor], dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Of the images and the parameters, for a seeded gradient of the answer."""
    layer = copy.deepcopy(layer).to(dtype)
    images = tuple(image.detach().to(dtype).requires_grad_() for image in images)
    assert natively(images[0]) == (dtype == torch.float32)
    y = layer(*images)
    y.backward(torch.randn(y.shape, generator=torch.Generator().manual_seed(0)).to(dtype))
    leaves = {f"image {i}": image for i, image in enumerate(images)} | dict(layer.named_parameters())
    return {name: leaf.grad for name, leaf in leaves.items() if leaf.grad is not None}


def assert_exact(layer: nn.Module, *images: Tensor, close: float = CLOSE) -> None:
    """To float64's, which torch operations compute."""
    found, exact = gradients(layer, images), gradients(layer, images, torch.float64)
    assert found.keys() == exact.keys()
    for name, gradient in exact.items():
        assert found[name].shape == gradient.shape
        # In one number as many terms as an image has cancel, and their rounding does not.
        size = images[0].numel() ** 0.5 if gradient.numel() == 1 else 1e-3
        assert (found[name] - gradient).abs().max() <= close * gradient.abs().max().clamp_min(size), name


@given(
    batch=batches,
    channels=st.integers(1, 24),
    outputs=st.integers(1, 24),
    height=side,
    width=side,
    kernel=st.sampled_from([(1, 1), (3, 1), (7, 3)]),
)
@settings(max_examples=40, deadline=None)
def test_convolution_of_any_shape(batch, channels, outputs, height, width, kernel):
    torch.manual_seed(height * 100 + width)
    assert_exact(Convolution(channels, outputs, *kernel), torch.randn(batch, channels, height, width))


@given(batch=batches, channels=widths, height=side, width=side, offset=st.sampled_from([0.0, 3.0]))
@settings(max_examples=40, deadline=None)
def test_halving_of_any_shape(batch, channels, height, width, offset):
    torch.manual_seed(height * 100 + width)
    layer = randomised(Down(nn.Identity(), channels))
    assert_exact(layer, torch.randn(batch, channels, height, width) + offset)


@given(batch=batches, channels=widths, height=side, width=side)
@settings(max_examples=40, deadline=None)
def test_doubling_of_any_shape(batch, channels, height, width):
    torch.manual_seed(height * 100 + width)
    x, skip = torch.randn(batch, channels, height, width), torch.randn(batch, channels, 2 * height, 2 * width)
    assert_exact(randomised(Up(nn.Identity(), channels)), x, skip)
    assert_exact(Doubling(), x)


@pytest.mark.parametrize("factor", [1.0, -1.0, 0.0])
def test_first_of_equal_maxima_receives_the_gradient(factor):
    torch.manual_seed(0)
    x = torch.randn(2, 8, 17, 38).mul(2).round()  # flat areas, as in images
    x[:, :, :8, :8] = x.mean()
    layer = Down(nn.Identity(), 8)
    nn.init.constant_(layer.norm.weight, factor)
    assert_exact(layer, x)


@given(batch=batches, channels=st.integers(1, 24), height=side, width=side)
@settings(max_examples=20, deadline=None)
def test_summary_of_any_shape_and_of_equal_channels(batch, channels, height, width):
    torch.manual_seed(height * 100 + width)
    assert_exact(Summary(), torch.randn(batch, channels, height, width))
    assert_exact(Summary(), torch.randn(batch, channels, height, width).round())


class Bridging(nn.Module):
    """Two maps through an attention bridge, (B, C, H, W) and (B, C, h, w) -> (B, C·(H·W + h·w))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bridge = AttentionBridge((channels, channels))

    def forward(self, *maps: Tensor) -> Tensor:
        return torch.cat([bridged.flatten(1) for bridged in self.bridge(maps)], dim=1)


@given(batch=batches, channels=st.integers(1, 24), height=side, width=side)
@settings(max_examples=30, deadline=None)
def test_bridge_of_any_shape(batch, channels, height, width):
    torch.manual_seed(height * 100 + width)
    maps = torch.randn(batch, channels, height, width), torch.randn(batch, channels, width, 33)
    assert_exact(Bridging(channels), *maps)


@pytest.mark.parametrize("frozen", ["image", "parameters"])
def test_only_what_is_asked_for_has_a_gradient(frozen):
    torch.manual_seed(0)
    layer, x = Convolution(3, 8, 3), torch.randn(2, 3, 12, 20)
    complete = gradients(layer, (x,))
    if frozen == "parameters":
        layer.requires_grad_(False)
    x.requires_grad_(frozen != "image")
    layer(x).backward(torch.randn(2, 8, 12, 20, generator=torch.Generator().manual_seed(0)))
    leaves = {"image 0": x} | dict(layer.named_parameters())
    for name, leaf in leaves.items():
        if leaf.requires_grad:
            assert torch.equal(leaf.grad, complete[name])
        else:
            assert leaf.grad is None


def test_pictures_and_gradients_that_are_not_contiguous_are_read_right():
    torch.manual_seed(0)
    x, skip = torch.randn(2, 24, 40, 8).permute(0, 3, 1, 2), torch.randn(2, 48, 80, 8).permute(0, 3, 1, 2)
    for layer, images in (
        (Convolution(8, 8, 3), (x,)),
        (Down(nn.Identity(), 8), (x,)),
        (Up(nn.Identity(), 8), (x, skip)),
        (ParallelVisionMamba(8, 8), (x,)),
    ):
        assert_exact(Transposed(layer), *images)


class Transposed(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *images: Tensor) -> Tensor:
        answer: Tensor = self.layer(*images)
        return answer.transpose(2, 3)


@pytest.mark.parametrize(("network", "images"), [(BridgeMFF, 2), (BridgeMFFDiscriminator, 1)])
def test_network_has_the_gradients_of_its_torch_operations(network, images):
    torch.manual_seed(0)
    layer, pair = randomised(network("mamba")), list(torch.rand(images, 2, 3, 64, 96) * 2 - 1)
    found, exact = gradients(layer, pair), gradients(layer, pair, torch.float64)
    assert found.keys() == exact.keys()
    whole, wrong = (
        torch.cat([gradient.flatten() for gradient in parts])
        for parts in (exact.values(), [found[name] - exact[name] for name in exact])
    )
    assert wrong.norm() <= CLOSE * whole.norm()
    for name, gradient in exact.items():
        if gradient.numel() > 1:  # in a theta, one number, thousands of terms cancel, and their rounding does not
            assert (found[name] - gradient).abs().max() <= CLOSE * gradient.abs().max(), name


def test_bits_do_not_depend_on_the_number_of_threads():
    torch.manual_seed(0)
    x, skip = torch.randn(3, 24, 30, 50), torch.randn(3, 24, 60, 100)
    bridging = Bridging(24)
    bridging.bridge.mixing.requires_grad_(False)  # torch's own, whose gradient depends on it
    calls = (
        (Convolution(24, 15, 3), (x,)),
        (Down(nn.Identity(), 24), (x,)),
        (Up(nn.Identity(), 24), (x, skip)),
        (Doubling(), (x,)),
        (Summary(), (x,)),
        (bridging, (x, x[:, :, ::2])),
        (ParallelVisionMamba(24, 20), (x,)),
    )
    threads = torch.get_num_threads()
    try:
        found = []
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append([gradients(layer, images) for layer, images in calls])
    finally:
        torch.set_num_threads(threads)
    for one, other in zip(*found, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_gradient_of_a_gradient_is_refused_and_never_wrong():
    x = torch.randn(1, 8, 8, 8, requires_grad=True)
    (gradient,) = torch.autograd.grad(Down(nn.Identity(), 8)(x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"down_backward: has no autograd formula"):
        gradient.sum().backward()


@given(batch=batches, length=st.integers(1, 140), width=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_mamba_block_of_any_length(batch, length, width):
    torch.manual_seed(length * 10 + width)
    assert_exact(MambaBlock(width), torch.randn(batch, length, width))


@given(batch=batches, channels=st.sampled_from([4, 20, 24]), outputs=st.integers(1, 9), height=side, width=side)
@settings(max_examples=30, deadline=None)
def test_vision_mamba_of_any_shape(batch, channels, outputs, height, width):
    torch.manual_seed(height * 100 + width)
    layer = randomised(ParallelVisionMamba(channels, outputs))
    nn.init.normal_(layer.theta)
    # Where four channels are nearly alike, normalising them makes their rounding large, in torch as well.
    assert_exact(layer, torch.randn(batch, channels, height, width), close=1e-4)


def test_blocks_of_tokens_are_as_long_as_the_library_has_them():
    assert native.library().bridgetune_block() == mamba.BLOCK


def test_vision_mamba_of_more_tokens_than_are_summed_in_float():
    torch.manual_seed(0)
    assert_exact(randomised(ParallelVisionMamba(8, 8)), torch.randn(2, 8, 50, 45))


def test_a_pass_towards_images_computes_no_gradient_of_weights_and_the_other_way_round(monkeypatch):
    torch.manual_seed(0)
    layer, image = Convolution(3, 4, 3), torch.randn(2, 3, 8, 8, requires_grad=True)
    computed = []
    for name in ("convolution", "weights_backward"):
        whole = getattr(convolve, name)
        monkeypatch.setattr(convolve, name, lambda *given, n=name, w=whole: (computed.append(n), w(*given))[1])
    answer = layer(image).sum()
    (towards,) = torch.autograd.grad(answer, [image], retain_graph=True)
    assert computed == ["convolution"]
    gradients = torch.autograd.grad(answer, list(layer.parameters()), retain_graph=True)
    assert computed == ["convolution", "weights_backward"]
    answer.backward()
    assert computed == ["convolution", "weights_backward"] * 2
    assert torch.equal(image.grad, towards)
    assert all(torch.equal(p.grad, g) for p, g in zip(layer.parameters(), gradients, strict=True))


def test_vision_mamba_computes_gradients_of_weights_where_they_are_wanted(monkeypatch):
    torch.manual_seed(0)
    layer, image = ParallelVisionMamba(8, 4), torch.randn(2, 8, 5, 9, requires_grad=True)
    backward, wanted = mamba.vision_mamba_backward, []
    monkeypatch.setattr(mamba, "vision_mamba_backward", lambda *given: (wanted.append(given[-1]), backward(*given))[1])
    answer = layer(image).sum()
    (towards,) = torch.autograd.grad(answer, [image], retain_graph=True)
    assert wanted == [False]
    gradients = torch.autograd.grad(answer, list(layer.parameters()), retain_graph=True)
    answer.backward()
    assert wanted == [False, True, True]
    assert torch.equal(image.grad, towards)
    assert all(torch.equal(p.grad, g) for p, g in zip(layer.parameters(), gradients, strict=True))


def test_torch_finds_the_operators_sound():
    torch.manual_seed(0)

    def leaf(*shape: int) -> Tensor:
        return torch.randn(shape, requires_grad=True)

    x, skip = leaf(2, 8, 6, 10), leaf(2, 8, 12, 20)
    torch.library.opcheck(fused.convolution.overload, (x, leaf(4, 8, 3, 3), leaf(4), 1))
    torch.library.opcheck(fused.convolution.overload, (x, leaf(4, 8, 3, 3), None, 1))
    weights = ParallelVisionMamba(8, 12)._weights()
    torch.library.opcheck(fused.vision_mamba_kept.overload, (x, weights, 4, 1e-5))
    torch.library.opcheck(fused.summary.overload, (x,))
    torch.library.opcheck(fused.averages.overload, (x, leaf(2, 1, 6, 10)))
    torch.library.opcheck(fused.bridged.overload, (x, leaf(2, 1, 6, 10), leaf(2, 8)))
    torch.library.opcheck(fused.doubled.overload, (x,))
    torch.library.opcheck(fused.down.overload, (x, leaf(8), leaf(8), 4, 1e-5))
    torch.library.opcheck(fused.up.overload, (x, leaf(8), leaf(8), skip, 4, 1e-5))


def flops_of_a_step(network: nn.Module, images: Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        network(images).sum().backward()
    count: int = counter.get_total_flops()
    return count


def test_flop_counters_count_as_much_natively_as_in_torch_operations(monkeypatch):
    network, images = nn.Sequential(Convolution(6, 8, 3), Convolution(8, 1, 7, 3)), torch.rand(2, 6, 32, 48)
    natively_counted = flops_of_a_step(network, images)
    monkeypatch.setenv(VARIABLE, "torch")
    assert natively_counted == flops_of_a_step(network, images)


def test_flop_counters_count_the_products_of_vision_mamba(monkeypatch):
    layer, images = ParallelVisionMamba(8, 8), torch.rand(2, 8, 32, 48, requires_grad=True)
    whole = flops_of_a_step(layer, images)
    towards_images = flops_of_a_step(layer.requires_grad_(False), images)
    with torch.no_grad(), FlopCounterMode(display=False) as forward:
        layer(images)
    monkeypatch.setenv(VARIABLE, "torch")
    # torch's causal convolution computes three tokens more, which are cut off
    assert towards_images == pytest.approx(flops_of_a_step(layer, images), rel=1e-3)
    assert whole - towards_images == towards_images - forward.get_total_flops()
