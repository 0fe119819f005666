import math

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from bridgetune.errors import RequestError
from bridgetune_bridgemff.bridge import AttentionBridge
from bridgetune_bridgemff.mamba import STEP_RANGE, MambaBlock, ParallelVisionMamba
from bridgetune_bridgemff.network import BridgeMFF, BridgeMFFDiscriminator


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def mamba_blocks(network: nn.Module) -> list[MambaBlock]:
    return [module for module in network.modules() if isinstance(module, MambaBlock)]


def pair(height: int, width: int, batch: int = 1) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(2, batch, 3, height, width) * 2 - 1


def test_generator_and_discriminator_have_the_published_parameter_counts():
    assert parameters(BridgeMFF()) == 49_673  # Table 6: 0.05 M; counted from the released weights
    assert parameters(BridgeMFFDiscriminator()) == 49_457


@pytest.mark.parametrize("size", [(64, 96), (32, 32), (96, 160)])
def test_map_has_the_size_of_the_images(size):
    first, second = pair(*size, batch=2)
    assert BridgeMFF()(first, second).shape == (2, 1, *size)
    assert BridgeMFFDiscriminator()(first).shape == (2, 1, *size)


def test_outputs_are_logits_not_probabilities():
    network = BridgeMFF()
    nn.init.zeros_(network.body.head.layer.weight)
    nn.init.constant_(network.body.head.layer.bias, 3.0)
    torch.testing.assert_close(network(*pair(32, 32)), torch.full((1, 1, 32, 32), 3.0))


@pytest.mark.parametrize("size", [(64, 80), (33, 64)])
def test_sides_that_are_not_multiples_of_32_are_refused_by_name(size):
    with pytest.raises(RequestError, match=f"{size[0]}x{size[1]}.*multiples of 32"):
        BridgeMFF()(*pair(*size))


def test_generator_tells_its_images_apart_and_discriminator_responds_to_its_one():
    first, second = pair(64, 64)
    generator, discriminator = BridgeMFF(), BridgeMFFDiscriminator()
    assert (generator(first, second) - generator(second, first)).abs().max() > 1e-4
    assert (discriminator(first) - discriminator(second)).abs().max() > 1e-4


@pytest.mark.parametrize("initialisation", ["paper", "mamba"])
def test_gradient_reaches_every_parameter(initialisation):
    first, second = pair(64, 64)  # four tokens at the bottom: a scan of one token has nothing to decay
    generator = BridgeMFF(initialisation)
    discriminator = BridgeMFFDiscriminator(initialisation)
    generator(first, second).square().sum().backward()
    discriminator(first).square().sum().backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


def test_training_step_under_bfloat16_autocast_stays_near_float32():
    torch.manual_seed(0)
    network, images = BridgeMFF(), pair(64, 64)
    expected = network(*images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(*images)
    logits.float().square().sum().backward()
    assert (logits - expected).abs().max() < 0.1 * expected.abs().max()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_paper_start_makes_every_step_about_0_69():
    for block in mamba_blocks(BridgeMFF("paper")):
        assert softplus(block.dt_proj.bias).tolist() == pytest.approx([math.log(2)] * len(block.dt_proj.bias))
        assert block.dt_proj.weight.abs().max() < 0.1  # truncated normal of std 0.02


def test_mamba_start_makes_every_step_small():
    for block in mamba_blocks(BridgeMFF("mamba")):
        steps = softplus(block.dt_proj.bias)
        assert STEP_RANGE[0] * 0.999 < steps.min() < steps.max() < STEP_RANGE[1] * 1.001
        assert block.in_proj.weight.abs().max() > 0.1


def test_mamba_start_hits_the_steps_it_draws(monkeypatch):
    monkeypatch.setattr("bridgetune_bridgemff.mamba.STEP_RANGE", (2.0, 2.0))
    assert softplus(MambaBlock(4).dt_proj.bias).tolist() == pytest.approx([2.0] * 8)


@pytest.mark.parametrize("initialisation", ["paper", "mamba"])
def test_decay_rates_start_at_1_to_16_and_skips_at_1(initialisation):
    for block in mamba_blocks(BridgeMFF(initialisation)):
        assert (block.A_log.exp() - torch.arange(1, 17)).abs().max() < 1e-4
        assert (block.D == 1).all()


@pytest.mark.parametrize("initialisation", ["paper", "mamba"])
def test_layers_outside_the_mamba_blocks_start_as_the_papers_do(initialisation):
    torch.manual_seed(0)
    body = BridgeMFF(initialisation).requires_grad_(False).body
    assert body.bottom.layer.projection.weight.std() == pytest.approx(0.02, rel=0.1)
    assert body.bottom.layer.projection.bias.abs().max() == 0
    convolution = body.encoder[2].layer  # 3x3, 24 out: sqrt(2 / (9 * 24)) = 0.0962
    assert convolution.weight.std() == pytest.approx(0.0962, rel=0.1)
    assert convolution.bias.abs().max() == 0


def test_unknown_start_is_refused_by_name():
    with pytest.raises(RequestError, match=r"initialisation.*'xavier'.*'paper' or 'mamba'"):
        BridgeMFF("xavier")


def test_mamba_block_looks_back_and_never_ahead():
    torch.manual_seed(0)
    tokens = torch.randn(1, 20, 8, requires_grad=True)
    MambaBlock(8)(tokens)[:, 9].sum().backward()
    assert tokens.grad[:, :10].abs().amax(-1).min() > 0
    assert tokens.grad[:, 10:].abs().max() == 0


def test_parallel_chunks_share_one_mamba_block():
    torch.manual_seed(0)
    layer = ParallelVisionMamba(16, 16)
    layer.projection.weight.data = torch.eye(16)
    layer.projection.bias.data.zero_()
    x = torch.randn(1, 16, 3, 5)
    shifted = x.roll(4, dims=1)  # each chunk of four channels takes its neighbour's place
    torch.testing.assert_close(layer(shifted), layer(x).roll(4, dims=1))


def test_bridge_without_an_opinion_weighs_every_map_alike():
    bridge = AttentionBridge((4, 8))
    for parameter in bridge.parameters():
        nn.init.zeros_(parameter)
    maps = [torch.randn(2, 4, 8, 8), torch.randn(2, 8, 4, 4)]
    for bridged, t in zip(bridge(maps), maps, strict=True):
        torch.testing.assert_close(bridged, 1.25 * t)  # s = a = 1/2: (t/2 + t)/2 + t/2


def test_bridge_attends_to_the_mean_and_the_maximum_of_the_channels():
    bridge = AttentionBridge((4,))
    for parameter in bridge.parameters():
        nn.init.zeros_(parameter)
    bridge.spatial.weight.data[0, :, 3, 3] = torch.tensor([2.0, 3.0])
    t = torch.randn(2, 4, 8, 8)
    s = torch.sigmoid(2 * t.mean(1, keepdim=True) + 3 * t.amax(1, keepdim=True))
    (bridged,) = bridge([t])
    torch.testing.assert_close(bridged, (t * s + t) / 2 + t * s)


def test_deepest_layer_takes_the_map_that_has_not_crossed_the_bridge():
    network, images, outputs = BridgeMFF(), pair(64, 64), []
    network.body.bottom.register_forward_hook(lambda module, args, output: outputs.append(output))
    logits = network(*images)
    for parameter in network.body.bridge.parameters():
        nn.init.ones_(parameter)
    assert not torch.equal(network(*images), logits)
    assert torch.equal(*outputs)
