import math

import pytest
import torch
from torch import nn

from bridgetune.errors import RequestError
from bridgetune_drpl.network import DRPL, DRPLDiscriminator

QUICK = {"width": 8, "blocks": 2}


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def parts(network: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, kind)]


def images(height: int, width: int, channels: int = 6) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.rand(2, channels, height, width)


def averaging(network: nn.Module) -> nn.Module:
    """The network with every convolution a plain average, so that no path through it is closed or cancelled."""
    for convolution in parts(network, nn.Conv2d):
        nn.init.constant_(convolution.weight, 1 / convolution.weight[0].numel())
    return network.eval().double()


def test_generator_has_the_original_networks_parameters_and_layers():
    generator = DRPL()
    assert parameters(generator) == 1_070_018  # BridgeTune paper, Table 6: 1.07 M
    assert len(parts(generator, nn.Conv2d)) == 30
    assert len(parts(generator, nn.BatchNorm2d)) == 29
    assert generator(images(8, 12)).shape == (2, 2, 8, 12)


def test_discriminator_is_the_generator_less_one_image_and_one_output():
    stem, head = 3 * 64 * 81, 64 * 9 + 1
    assert parameters(DRPLDiscriminator()) == 1_070_018 - stem - head


def test_nothing_is_sampled_down_and_every_convolution_has_a_bias():
    for convolution in parts(DRPL(**QUICK), nn.Conv2d):
        assert convolution.stride == (1, 1)
        assert convolution.bias is not None


@pytest.mark.parametrize("size", [(32, 48), (37, 53), (3, 2)])
def test_maps_have_the_size_of_the_images(size):
    assert DRPL(**QUICK)(images(*size)).shape == (2, 2, *size)
    assert DRPLDiscriminator(**QUICK)(images(*size, channels=3)).shape == (2, 1, *size)


def test_trained_network_takes_a_single_pixel():
    with torch.no_grad():
        assert DRPL(**QUICK).eval()(images(1, 1)).isfinite().all()
        assert DRPLDiscriminator(**QUICK).eval()(images(1, 1, channels=3)).isfinite().all()


def test_generator_answers_with_probabilities_and_discriminator_with_logits():
    generator, discriminator = DRPL(**QUICK), DRPLDiscriminator(**QUICK)
    for network, bias in ((generator, [3.0, -3.0]), (discriminator, [3.0])):
        nn.init.zeros_(network.body.head.weight)
        network.body.head.bias.data = torch.tensor(bias)
    first, second = generator(images(8, 8)).unbind(dim=1)
    torch.testing.assert_close(first, torch.full_like(first, 1 / (1 + math.exp(-3))))
    torch.testing.assert_close(second, 1 - first)
    logits = discriminator(images(8, 8, channels=3))
    torch.testing.assert_close(logits, torch.full_like(logits, 3.0))


@pytest.mark.parametrize(("blocks", "field"), [(12, 67), (2, 27)])  # Li et al.: 67x67; each block has two 3x3
def test_each_pixel_sees_so_many_pixels_of_the_images_and_no_more(blocks, field):
    side, middle = 75, 37
    for network, channels in ((DRPL(2, blocks), 6), (DRPLDiscriminator(2, blocks), 3)):
        x = torch.full((1, channels, side, side), 1e-3, dtype=torch.float64, requires_grad=True)
        averaging(network)(x)[0, 0, middle, middle].backward()
        rows, columns = x.grad[0].abs().sum(0).nonzero().unbind(dim=1)
        margin = (side - field) // 2
        assert (rows.min(), rows.max()) == (margin, side - 1 - margin)
        assert (columns.min(), columns.max()) == (margin, side - 1 - margin)


def test_generator_tells_its_images_apart_and_discriminator_responds_to_its_one():
    first, second = images(32, 32).chunk(2, dim=1)
    generator, discriminator = DRPL(**QUICK).eval(), DRPLDiscriminator(**QUICK).eval()
    swapped = generator(torch.cat([second, first], dim=1))
    assert (generator(torch.cat([first, second], dim=1)) - swapped).abs().max() > 1e-4
    assert (discriminator(first) - discriminator(second)).abs().max() > 1e-4


def test_gradient_reaches_every_parameter():
    generator, discriminator = DRPL(**QUICK), DRPLDiscriminator(**QUICK)
    for network, channels in ((generator, 6), (discriminator, 3)):
        network.eval()  # in training, batch norm takes out whatever the bias before it adds
        network(images(24, 24, channels)).square().sum().backward()
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


def test_layers_outside_the_blocks_end_in_relu_and_then_swish():
    body = DRPL(**QUICK).body
    x = torch.zeros(2, 8, 4, 4)
    for layer in (body.stem[1], body.stem[2], body.tail[0], body.tail[1]):
        nn.init.constant_(layer[1].bias, 2.0)
        torch.testing.assert_close(layer(x), torch.full_like(x, 2 / (1 + math.exp(-2))))
        nn.init.constant_(layer[1].bias, -1.0)  # swish alone would answer -0.27
        torch.testing.assert_close(layer(x), torch.zeros_like(x))


def test_block_without_an_opinion_hands_on_what_is_positive():
    block = DRPL(**QUICK).body.blocks[0]
    nn.init.zeros_(block.layers[-1].weight)
    x = images(8, 8, channels=8) - 0.5
    torch.testing.assert_close(block(x), x.clamp(min=0))


def test_convolutions_start_xavier_normal_with_biases_at_0():
    torch.manual_seed(0)
    body = DRPL(width=32, blocks=1).requires_grad_(False).body
    first, inner = body.stem[0][0], body.blocks[0].layers[0]
    assert first.weight.std() == pytest.approx(math.sqrt(2 / (81 * (6 + 32))), rel=0.05)  # fan in plus fan out
    assert inner.weight.std() == pytest.approx(math.sqrt(2 / (9 * (32 + 32))), rel=0.05)
    assert max(convolution.bias.abs().max() for convolution in parts(body, nn.Conv2d)) == 0


@pytest.mark.parametrize("options", [{"width": 0}, {"width": 1.5}, {"blocks": -1}, {"blocks": "many"}])
@pytest.mark.parametrize("network", [DRPL, DRPLDiscriminator])
def test_options_other_than_positive_whole_numbers_are_refused_by_name(network, options):
    ((name, value),) = options.items()
    with pytest.raises(RequestError, match=f"^{name}: got {value!r}, expected a positive whole number$"):
        network(**options)
