import math

import pytest
import torch
from torch import nn

from bridgetune.errors import RequestError
from bridgetune_msfin.interaction import BranchAttention, Interaction
from bridgetune_msfin.layers import BasicBlock, resized
from bridgetune_msfin.merging import CoordinateAttention, Merge
from bridgetune_msfin.network import MSFIN, MSFINDiscriminator

QUICK = (4, 6, 8, 12)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def parts(network: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, kind)]


def images(height: int, width: int, channels: int = 6) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(2, channels, height, width)


def zeroed(module: nn.Module) -> nn.Module:
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


def test_generator_has_the_original_networks_parameters_and_batch_norms():
    generator = MSFIN()
    assert parameters(generator) == 4_588_921  # BridgeTune paper, Table 6: 4.59 M
    assert len(parts(generator, nn.BatchNorm2d)) == 41
    assert generator(images(16, 24))[0].shape == (2, 1, 16, 24)


def test_discriminator_is_the_generator_less_one_image_and_the_coarse_heads():
    stem, heads = 3 * 32 * 9, 64 * 9 + 128 * 9 + 256 * 9 + 3
    assert parameters(MSFINDiscriminator()) == 4_588_921 - stem - heads


@pytest.mark.parametrize(
    ("size", "half", "quarter", "eighth"),
    [
        ((64, 48), (32, 24), (16, 12), (8, 6)),
        ((37, 53), (19, 27), (10, 14), (5, 7)),
        ((9, 9), (5, 5), (3, 3), (2, 2)),
    ],
)
def test_any_size_gives_four_maps_each_half_the_one_before(size, half, quarter, eighth):
    maps = MSFIN(QUICK)(images(*size))
    assert [tuple(m.shape) for m in maps] == [(2, 1, *sides) for sides in (size, half, quarter, eighth)]
    assert MSFINDiscriminator(QUICK)(images(*size, channels=3)).shape == (2, 1, *size)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (8, 17)])
def test_trained_network_takes_images_too_small_to_train_on(size):
    with torch.no_grad():
        assert MSFIN(QUICK).eval()(images(*size))[0].isfinite().all()
        assert MSFINDiscriminator(QUICK).eval()(images(*size, channels=3)).isfinite().all()


def test_outputs_are_logits_not_probabilities():
    network = MSFIN(QUICK)
    for head in network.heads:
        nn.init.constant_(zeroed(head).bias, 3.0)
    for logits in network(images(16, 16)):
        torch.testing.assert_close(logits, torch.full_like(logits, 3.0))


def test_generator_tells_its_images_apart_and_discriminator_responds_to_its_one():
    first, second = images(32, 32).chunk(2, dim=1)
    generator, discriminator = MSFIN(QUICK).eval(), MSFINDiscriminator(QUICK).eval()
    swapped = generator(torch.cat([second, first], dim=1))
    for answer, other in zip(generator(torch.cat([first, second], dim=1)), swapped, strict=True):
        assert (answer - other).abs().max() > 1e-3
    assert (discriminator(first) - discriminator(second)).abs().max() > 1e-3


def test_gradient_reaches_every_parameter():
    generator, discriminator = MSFIN(QUICK), MSFINDiscriminator(QUICK)
    sum(logits.square().sum() for logits in generator(images(37, 53))).backward()
    discriminator(images(37, 53, channels=3)).square().sum().backward()
    for network in (generator, discriminator):
        for name, parameter in network.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


def test_finest_map_alone_trains_everything_but_the_coarse_heads():
    generator = MSFIN(QUICK)
    generator(images(16, 16))[0].square().sum().backward()
    untrained = {name for name, parameter in generator.named_parameters() if parameter.grad is None}
    assert untrained == {f"heads.{scale}.{kind}" for scale in (1, 2, 3) for kind in ("weight", "bias")}


def test_body_starts_as_resnet_does_and_heads_as_pytorch_does():
    torch.manual_seed(0)
    network = MSFIN((8, 16, 32, 64)).requires_grad_(False)
    convolution = network.body.encoder[3][0].layers[0]
    assert convolution.weight.std() == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.05)  # 3x3, 32 in, 64 out
    for attention in parts(network, CoordinateAttention):
        assert attention.rows.bias.abs().max() == 0
    head = network.heads[3]
    assert head.weight.abs().max() <= 1 / math.sqrt(9 * 64)  # uniform within 1 / sqrt(fan in)


@pytest.mark.parametrize("widths", [(4, 6, 8), (4, 6, 8, 12, 16), (4, 6, 8, 0), (4, 6, 8, 1.5), "4688", 32])
@pytest.mark.parametrize("network", [MSFIN, MSFINDiscriminator])
def test_widths_other_than_four_positive_whole_numbers_are_refused_by_name(network, widths):
    with pytest.raises(RequestError, match=r"^widths: got .*, expected four positive whole numbers.*\)$") as refusal:
        network(widths)
    assert repr(widths) in str(refusal.value)


def test_widths_may_come_as_a_list_as_from_a_configuration_file():
    assert parameters(MSFIN(list(QUICK))) == parameters(MSFIN(QUICK))


def test_basic_block_without_an_opinion_hands_its_input_on():
    x = images(8, 8, channels=4).relu()
    torch.testing.assert_close(zeroed(BasicBlock(4, 4))(x), x)


@pytest.mark.parametrize("stride", [1, 2])
def test_basic_blocks_shortcut_takes_the_pixels_that_the_stride_leaves(stride):
    block, x = BasicBlock(4, 6, stride), images(7, 5, channels=4)
    zeroed(block.layers)
    torch.testing.assert_close(block(x), block.shortcut(x[:, :, ::stride, ::stride]).relu())


def test_no_convolution_of_single_pixels_has_a_stride():
    convolutions = parts(MSFIN(QUICK), nn.Conv2d)
    assert {layer.stride for layer in convolutions if layer.kernel_size == (1, 1)} == {(1, 1)}


def test_maps_have_their_channels_last_on_cpus_and_parameters_as_ever():
    network, seen = MSFIN(QUICK), []
    for block in parts(network, BasicBlock) + parts(network, Merge) + parts(network, Interaction):
        block.register_forward_hook(lambda module, args, output: seen.append(output))
    network(images(37, 53))
    assert len(seen) == 7 + 3 + 4
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in seen)
    assert all(parameter.is_contiguous() for parameter in network.parameters())


def test_basic_block_halves_a_map_also_where_the_width_stays():
    assert BasicBlock(4, 4, stride=2)(images(7, 5, channels=4)).shape == (2, 4, 4, 3)


def test_each_scale_listens_to_itself_and_its_neighbours_alone():
    sides = (16, 8, 4, 2)
    for scale, heard in enumerate([{0, 1}, {0, 1, 2}, {1, 2, 3}, {2, 3}]):
        torch.manual_seed(0)
        maps = [torch.randn(2, width, n, n, requires_grad=True) for width, n in zip(QUICK, sides, strict=True)]
        answer = Interaction(QUICK, scale)(maps)
        answer.square().sum().backward()
        assert answer.shape == maps[scale].shape
        assert {i for i, m in enumerate(maps) if m.grad is not None and m.grad.abs().max() > 0} == heard


def test_coarser_map_is_brought_to_its_width_before_it_is_enlarged():
    network, seen = MSFIN(QUICK), []
    for brought in (network.body.interactions[0].branches[1], network.body.merges[0].narrow):
        brought.register_forward_hook(lambda module, args, output: seen.append(output.shape))
    network(images(32, 32))
    assert seen == [(2, QUICK[0], 16, 16)] * 2


def test_only_the_finest_interaction_has_a_learnt_activation():
    interactions = MSFIN(QUICK).body.interactions
    assert [len(parts(interaction, nn.PReLU)) for interaction in interactions] == [1, 0, 0, 0]


def test_attention_without_an_opinion_averages_the_branches():
    branches = list(images(5, 7, channels=4).repeat(3, 1, 1, 1, 1) * torch.tensor([1.0, 2.0, 6.0]).view(3, 1, 1, 1, 1))
    attention = zeroed(BranchAttention(4, 3, nn.ReLU()))
    torch.testing.assert_close(attention(branches), 3 * branches[0])


def test_attention_prefers_a_branch_by_its_score():
    first, second = torch.tensor([[[[0.0, 2.0], [1.0, 1.0]]], [[[3.0, 3.0], [2.0, 4.0]]]]).split(1)
    attention = zeroed(BranchAttention(1, 2, nn.ReLU()))
    nn.init.constant_(attention.squeeze[0].weight, 1 / 4)  # 4, the average of the sum, becomes four ones
    nn.init.constant_(attention.scores[1].weight, math.log(3) / 4)
    torch.testing.assert_close(attention([first, second]), first / 4 + second * 3 / 4)


def test_merge_without_an_opinion_quarters_the_fine_map_and_adds_the_coarse_one():
    torch.manual_seed(0)
    merge = Merge(4, 6)
    zeroed(merge.attention)  # sigmoid(0) for the row and for the column
    fine, coarse = images(9, 7, channels=4), images(5, 4, channels=6)
    torch.testing.assert_close(merge(fine, coarse), fine / 4 + resized(merge.narrow(coarse), like=fine))


def test_merge_attends_to_the_fine_and_to_the_coarse_map():
    torch.manual_seed(0)
    merge = Merge(4, 6).eval()
    fine, coarse = images(9, 7, channels=4), images(5, 4, channels=6)
    enlarged = resized(merge.narrow(coarse), like=fine)
    expected = fine * merge.attention(torch.cat([fine, enlarged], dim=1)) + enlarged
    torch.testing.assert_close(merge(fine, coarse), expected)


def test_coordinate_attention_is_a_weight_for_the_row_times_one_for_the_column():
    torch.manual_seed(0)
    weights = CoordinateAttention(6, 4)(images(9, 7, channels=6))
    assert weights.shape == (2, 4, 9, 7)
    assert 0 < weights.min() < weights.max() < 1
    torch.testing.assert_close(weights * weights[:, :, :1, :1], weights[:, :, :1] * weights[..., :1])


def test_coordinate_attention_heeds_the_averages_of_rows_and_columns_alone():
    torch.manual_seed(0)
    attention, x = CoordinateAttention(6, 4).eval(), images(9, 7, channels=6)
    same_averages, other_averages = x.clone(), x.clone()
    same_averages[:, :, [1, 1, 4, 4], [2, 5, 2, 5]] += torch.tensor([3.0, -3.0, -3.0, 3.0])
    other_averages[:, :, 2] += 1
    torch.testing.assert_close(attention(same_averages), attention(x))
    assert (attention(other_averages) - attention(x)).abs().max() > 1e-3


def test_enlarging_is_linear_from_corner_to_corner():
    ramp = torch.linspace(0, 4, 5).expand(2, 4, 3, 5)
    enlarged = resized(ramp, like=torch.empty(1, 1, 6, 11))
    torch.testing.assert_close(enlarged, torch.linspace(0, 4, 11).expand(2, 4, 6, 11))
