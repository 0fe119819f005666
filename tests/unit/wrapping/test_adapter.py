"""The adapter: every declarative way in which decision-map networks differ at their boundary."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from bridgetune import AdapterConfig, RequestError, wrap
from bridgetune.wrapping import adapter as adapter_module
from bridgetune.wrapping.adapter import pad_by_reflection, reflected
from bridgetune.wrapping.reading import probability_to_logits
from tests.support.adapted import PairConvolution, Recorder, pair


def red(image: Tensor) -> Tensor:
    return image[:, :1]


def test_a_network_of_two_arguments_sees_the_two_images():
    network, (first, second) = Recorder(red), pair()
    logits = wrap(network, AdapterConfig())(first, second)
    assert torch.equal(network.seen[0], first)
    assert torch.equal(network.seen[1], second)
    assert torch.equal(logits, first[:, :1])


def test_a_network_of_one_argument_sees_the_images_concatenated():
    network, (first, second) = Recorder(red), pair()
    wrap(network, AdapterConfig(call="concat"))(first, second)
    assert torch.equal(network.seen[0], torch.cat([first, second], 1))


def test_the_value_range_and_then_mean_and_std_are_applied():
    network, (first, second) = Recorder(red), pair()
    config = AdapterConfig(value_range=(0, 255), mean=(100, 110, 120), std=(2, 4, 5))
    wrap(network, config)(first, second)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in ((100.0, 110.0, 120.0), (2.0, 4.0, 5.0)))
    torch.testing.assert_close(network.seen[0], (first * 255 - mean) / std)


def test_a_gray_network_sees_luma():
    network, (first, second) = Recorder(red), pair()
    wrap(network, AdapterConfig(color="gray"))(first, second)
    expected = 0.299 * first[:, 0] + 0.587 * first[:, 1] + 0.114 * first[:, 2]
    torch.testing.assert_close(network.seen[0][:, 0], expected)
    assert network.seen[0].shape[1] == 1


@pytest.mark.parametrize(
    ("answer", "item"),
    [
        (lambda x: (x[:, 1:2], red(x)), 1),
        (lambda x: [red(x), x[:, 1:2]], 0),
        (lambda x: {"fused": x, "map": red(x)}, "map"),
    ],
    ids=["tuple", "list", "dictionary"],
)
def test_the_map_is_taken_out_of_several_outputs(answer: Any, item: int | str):
    first, second = pair()
    assert torch.equal(wrap(Recorder(answer), AdapterConfig(item=item))(first, second), red(first))


def test_the_map_is_taken_out_of_several_channels():
    first, second = pair()
    assert torch.equal(wrap(Recorder(lambda x: x), AdapterConfig(channel=2))(first, second), first[:, 2:])


def test_a_map_without_a_channel_axis_is_read():
    first, second = pair()
    assert torch.equal(wrap(Recorder(lambda x: x[:, 0]), AdapterConfig())(first, second), red(first))


def test_a_probability_becomes_its_logit():
    first, second = pair()
    logits = wrap(Recorder(red), AdapterConfig(output="probability"))(first, second)
    torch.testing.assert_close(torch.sigmoid(logits), red(first), atol=2e-6, rtol=0)


@pytest.mark.parametrize("channel", [0, 1])
def test_two_channel_logits_become_the_log_odds_of_the_named_channel(channel: int):
    first, second = pair()
    config = AdapterConfig(output="softmax", channel=channel)
    logits = wrap(Recorder(lambda x: x[:, :2] * 9), config)(first, second)
    expected = torch.softmax(first[:, :2] * 9, dim=1)[:, channel, None]
    torch.testing.assert_close(torch.sigmoid(logits), expected)


def test_complementary_maps_are_read_as_their_mean():
    first, second = pair()
    logits = wrap(Recorder(lambda x: x[:, :2]), AdapterConfig(output="complementary"))(first, second)
    expected = (first[:, :1] + 1 - first[:, 1:2]) / 2
    torch.testing.assert_close(torch.sigmoid(logits), expected, atol=2e-6, rtol=0)


def test_a_map_of_the_second_image_is_turned_round():
    first, second = pair()
    turned = wrap(Recorder(red), AdapterConfig(orientation="second"))(first, second)
    assert torch.equal(turned, -red(first))


@given(height=st.integers(1, 40), width=st.integers(1, 40), multiple=st.integers(1, 33))
def test_any_size_comes_to_the_networks_multiple_and_back(height: int, width: int, multiple: int):
    network, (first, second) = Recorder(red), pair(height, width)
    logits = wrap(network, AdapterConfig(multiple=multiple, minimum=5))(first, second)
    seen = network.seen[0].shape[-2:]
    assert all(side % multiple == 0 and side >= 5 for side in seen)
    assert all(side < max(own, 5) + multiple for side, own in zip(seen, (height, width), strict=True))
    assert torch.equal(logits, red(first))


def test_padding_reflects_without_repeating_the_edge_as_often_as_it_takes():
    row = torch.tensor([1.0, 2.0, 3.0]).view(1, 1, 1, 3)
    assert pad_by_reflection(row, 8)[0, 0, 0].tolist() == [1, 2, 3, 2, 1, 2, 3, 2]


@given(height=st.integers(1, 20), width=st.integers(1, 20), multiple=st.integers(1, 24))
def test_padding_holds_the_pixels_that_their_indices_name(height: int, width: int, multiple: int):
    image = torch.arange(height * width).view(1, 1, height, width)
    padded = pad_by_reflection(image, multiple)
    rows, columns = (reflected(*sides) for sides in zip(image.shape[2:], padded.shape[2:], strict=True))
    assert torch.equal(padded[0, 0], image[0, 0][rows][:, columns])


def test_padding_passes_gradients_to_the_images():
    first, second = pair(5, 7)
    first.requires_grad_()
    wrap(Recorder(lambda x: x.mean((1, 2, 3), keepdim=True).expand(-1, 1, 8, 8)), AdapterConfig(multiple=8))(
        first, second
    ).sum().backward()
    assert (first.grad != 0).all()


def test_wrapping_and_calling_change_neither_the_network_nor_its_answers():
    network = nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Conv2d(4, 1, 1), nn.Sigmoid())
    network.eval()
    stacked = torch.cat(pair(), 1)
    before, parameters, kind = network(stacked), copy.deepcopy(network.state_dict()), type(network)
    attributes = set(vars(network))

    generator = wrap(network, AdapterConfig(call="concat", output="probability", multiple=4))
    generator(*pair()).sum().backward()

    assert generator.unwrap() is network
    assert type(network) is kind
    assert set(vars(network)) == attributes
    assert list(network.state_dict()) == list(parameters)
    assert all(torch.equal(value, parameters[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert torch.equal(network(stacked), before)


def test_gradients_reach_every_parameter_of_the_network():
    network = nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.GELU(), nn.Conv2d(4, 1, 1), nn.Sigmoid())
    wrap(network, AdapterConfig(call="concat", output="probability", multiple=4))(*pair(5, 7)).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in network.parameters())


def test_logits_of_saturated_probabilities_are_finite_with_a_gradient():
    probability = torch.tensor([0.0, 1.0], requires_grad=True)
    logits = probability_to_logits(probability)
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert (probability.grad > 0).all()
    assert torch.isfinite(probability.grad).all()


@pytest.mark.parametrize(
    ("answer", "config", "said"),
    [
        (lambda x: (red(x), x), AdapterConfig(), "set item="),
        (lambda x: (red(x),), AdapterConfig(item=3), "no item 3"),
        (lambda x: {"map": red(x)}, AdapterConfig(item="focus"), "'map'"),
        (lambda x: red(x)[..., ::2], AdapterConfig(), "set multiple="),
        (red, AdapterConfig(channel=1), "C >= 2"),
        (red, AdapterConfig(output="softmax"), "C >= 2"),
        (lambda x: x.detach().numpy(), AdapterConfig(), "expected a tensor"),
    ],
    ids=["tuple", "short tuple", "other key", "half size", "few channels", "one channel", "numpy"],
)
def test_an_answer_that_is_not_as_configured_is_refused_with_the_mend(answer: Any, config: AdapterConfig, said: str):
    with pytest.raises(RequestError, match=said):
        wrap(Recorder(answer), config)(*pair())


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 9), "one size"),
        (torch.rand(3, 8, 8), torch.rand(3, 8, 8), r"\(B, 3, H, W\)"),
        (torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 8), r"\(B, 3, H, W\)"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.zeros(1, 3, 8, 8, dtype=torch.uint8), "float"),
    ],
    ids=["sizes", "no batch", "gray", "uint8"],
)
def test_a_pair_that_is_not_canonical_is_refused(first: Tensor, second: Tensor, said: str):
    with pytest.raises(RequestError, match=said):
        wrap(Recorder(red), AdapterConfig())(first, second)


@pytest.mark.parametrize("call", ["pair", "concat"])
def test_a_symmetric_generator_answers_with_half_the_difference_of_both_orders(call: str):
    network = nn.Conv2d(6, 1, 3, padding=1) if call == "concat" else PairConvolution()
    plain = wrap(network, AdapterConfig(call=call, multiple=4))
    symmetric = plain.reconfigured(plain.config.model_copy(update={"symmetric": True}))
    first, second = pair(7, 9)
    given, exchanged = plain(first, second), plain(second, first)
    torch.testing.assert_close(symmetric(first, second), (given - exchanged) / 2)
    assert torch.equal(symmetric(second, first), -symmetric(first, second))


def test_a_symmetric_generator_has_symmetric_auxiliary_maps():
    network = Recorder(lambda image: (image[:, :1], image[:, 1:2, ::2, ::2]))
    generator = wrap(network, AdapterConfig(item=0, auxiliary=(1,), symmetric=True))
    first, second = pair()
    difference = (first - second) / 2
    maps = generator.maps(first, second)
    torch.testing.assert_close(maps, [difference[:, :1], difference[:, 1:2, ::2, ::2]])


@pytest.mark.parametrize("symmetric", [False, True])
def test_a_mirrored_generator_answers_alike_to_a_pair_and_to_its_mirror_images(symmetric: bool):
    plain = wrap(PairConvolution(), AdapterConfig(multiple=4, symmetric=symmetric)).eval()
    mirrored = plain.reconfigured(plain.config.asked(None, True))
    first, second = pair(7, 9)
    views = [plain(first.flip(axes), second.flip(axes)).flip(axes) for axes in ((), (2,), (3,), (2, 3))]
    torch.testing.assert_close(mirrored(first, second), torch.stack(views).mean(0))
    torch.testing.assert_close(mirrored(first.flip(3), second.flip(3)), mirrored(first, second).flip(3))
    assert not torch.allclose(mirrored(first, second), plain(first, second))


@pytest.mark.parametrize("scales", [(1,), (1, 1 / 2)])
def test_mirror_images_of_small_pictures_are_one_batch_and_of_large_ones_are_not(scales, monkeypatch):
    seen = []

    class Shown(PairConvolution):
        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            seen.append(len(first))
            return super().forward(first, second)

    generator = wrap(Shown(), AdapterConfig(symmetric=True, mirrored=True, scales=scales)).eval()
    images = pair(8, 10)
    monkeypatch.setattr(adapter_module, "TOGETHER", 2 * 80)
    together = generator(*images)
    assert seen == [16] * len(scales)
    seen.clear()
    monkeypatch.setattr(adapter_module, "TOGETHER", 2 * 80 - 1)
    torch.testing.assert_close(generator(*images), together)
    assert seen == [4] * 4 + [16] * (len(scales) - 1)  # reduced, they are small


def test_mirror_images_of_an_enlarged_pair_are_one_batch_if_that_is_small(monkeypatch: pytest.MonkeyPatch):
    seen = []

    class Shown(PairConvolution):
        def forward(self, first: Tensor, second: Tensor) -> Tensor:
            seen.append(tuple(first.shape))
            return super().forward(first, second)

    generator = wrap(Shown(), AdapterConfig(mirrored=True, scales=(2, 1))).eval()
    images = pair(8, 10)
    batch = len(images[0])
    monkeypatch.setattr(adapter_module, "TOGETHER", batch * 4 * 80)
    together = generator(*images)
    assert seen == [(4 * batch, 3, 8, 10), (4 * batch, 3, 16, 20)]
    seen.clear()
    monkeypatch.setattr(adapter_module, "TOGETHER", batch * 4 * 80 - 1)
    torch.testing.assert_close(generator(*images), together)
    assert seen == [(4 * batch, 3, 8, 10), *[(batch, 3, 16, 20)] * 4]


def test_a_mirrored_generator_is_trained_on_what_it_sees_once():
    plain = wrap(PairConvolution(), AdapterConfig())
    mirrored = plain.reconfigured(AdapterConfig(mirrored=True)).train()
    assert torch.equal(mirrored(*pair()), plain(*pair()))


@pytest.mark.parametrize("sides", [(7, 9), (40, 70), (64, 48)])
def test_a_generator_of_several_scales_adds_what_it_says_of_the_reduced_pair(sides: tuple[int, int]):
    plain = wrap(PairConvolution(), AdapterConfig(multiple=4)).eval()
    several = plain.reconfigured(plain.config.asked(None, None, (1, 1 / 2, 1 / 3)))
    first, second = pair(*sides)
    expected = plain(first, second)
    for by in (2, 3):
        said = plain(*(avg_pool2d(image, by, ceil_mode=True, count_include_pad=False) for image in (first, second)))
        expected = expected + 2 * interpolate(said, scale_factor=by, mode="bilinear")[..., : sides[0], : sides[1]]
    torch.testing.assert_close(several(first, second), expected)
    assert not torch.allclose(expected, plain(first, second), atol=0.01)


@pytest.mark.parametrize("training", [False, True])
def test_where_it_is_sure_it_answers_as_at_full_size_alone(training: bool):
    network = Recorder(lambda image: image[:, :1] * 100)
    plain = wrap(network, AdapterConfig()).train(training)
    first, second = (torch.zeros(1, 3, 40, 120) for _ in range(2))
    first[..., :60] = 1
    first[..., 60:] = 0.005
    several = plain.reconfigured(AdapterConfig(scales=(1, 1 / 2)))(first, second)
    alone = plain(first, second)
    assert torch.equal(several[..., :63], alone[..., :63]), "where 14 of 33 columns around are sure"
    assert (several[..., 63:] > 2 * alone[..., 63:]).all()


@pytest.mark.parametrize("sides", [(7, 9), (40, 70)])
@pytest.mark.parametrize("scales", [(1, 1 / 2, 1 / 4), (2, 1), (2, 1, 1 / 2)])
def test_several_scales_leave_symmetry_in_order_and_in_mirror_images(sides: tuple[int, int], scales: tuple[float, ...]):
    config = AdapterConfig(multiple=4, symmetric=True, mirrored=True, scales=scales)
    generator, (first, second) = wrap(PairConvolution(), config).eval(), pair(*sides)
    answer = generator(first, second)
    assert torch.equal(generator(second, first), -answer)
    for axes in ((2,), (3,), (2, 3)):
        torch.testing.assert_close(generator(first.flip(axes), second.flip(axes)), answer.flip(axes))


@pytest.mark.parametrize("scales", [(1, 1 / 2), (2, 1)])
def test_auxiliary_maps_are_those_of_the_full_size(scales: tuple[float, ...]):
    network = Recorder(lambda image: (image[:, :1], image[:, 1:2, ::2, ::2]))
    plain = wrap(network, AdapterConfig(item=0, auxiliary=(1,))).eval()
    several = plain.reconfigured(plain.config.asked(None, None, scales))
    first, second = pair()
    (map_, auxiliary), (_, alone) = several.maps(first, second), plain.maps(first, second)
    assert torch.equal(auxiliary, alone)
    assert torch.equal(map_, several(first, second))


def test_every_scale_is_trained():
    """The gradient of what is said of the reduced pair reaches the network; none goes through the condition."""
    several = wrap(PairConvolution(), AdapterConfig(scales=(1, 1 / 2))).train()
    first, second = pair(8, 8)
    (gradient,) = torch.autograd.grad(several(first, second).sum(), several.unwrap().layer.bias)
    assert gradient.item() == pytest.approx(2 * 64 * (1 + 2)), "a bias is in the one size once and in the other twice"


def test_a_reconfigured_generator_keeps_its_network_and_its_mode():
    generator = wrap(nn.Conv2d(6, 1, 1), AdapterConfig(call="concat")).train()
    other = generator.reconfigured(AdapterConfig(call="concat", symmetric=True))
    assert other.unwrap() is generator.unwrap()
    assert other.training
