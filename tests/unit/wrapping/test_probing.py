"""The zoo: each network is wrapped right without a word, or answered with its choices, or refused with the reason."""

from __future__ import annotations

import copy
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bridgetune import AdapterConfig, RequestError, wrap
from bridgetune.wrapping import probe
from bridgetune.wrapping.known_pair import half_and_half, sides_of
from tests.zoo import networks as zoo

WRAPPED: list[tuple[type[nn.Module], dict[str, Any]]] = [
    (zoo.BridgeMFFLike, {"output": "probability", "multiple": 32, "minimum": 32}),
    (zoo.MSFINLike, {"call": "concat", "item": 0, "auxiliary": (1, 2, 3), "output": "probability"}),
    (zoo.DRPLLike, {"call": "concat", "output": "complementary"}),
    (zoo.MFIFGANLike, {"output": "probability", "multiple": 4, "minimum": 4}),
    (zoo.MFFTLike, {"item": 1, "output": "probability"}),
    (zoo.MMFNetLike, {"call": "concat", "channel": 0, "output": "probability"}),
    (zoo.LiuCNNLike, {"color": "gray", "output": "softmax", "channel": 1}),
    (zoo.SMFuseLike, {"output": "probability", "orientation": "second"}),
    (zoo.FRPLike, {"color": "gray", "item": 0, "output": "probability"}),
    (zoo.DictionaryLike, {"item": "mask", "output": "logits"}),
    (zoo.SwappedLike, {"output": "logits", "orientation": "second"}),
    (zoo.TanhLike, {"output": "tanh"}),
    (zoo.SoftmaxLike, {"call": "concat", "output": "complementary"}),
    (zoo.LogSoftmaxLike, {"call": "concat", "output": "softmax"}),
    (zoo.PhaseLike, {"prefix": ("fuse",), "output": "logits"}),
    (zoo.KeywordLike, {"keywords": ("near", "far"), "output": "logits"}),
    (zoo.ChannelsLastLike, {"layout": "channels last", "output": "probability"}),
    (zoo.NoChannelAxisLike, {"output": "probability"}),
    (zoo.LinearProbabilityLike, {"call": "concat", "output": "probability"}),
]

REFUSED: list[tuple[type[nn.Module], str]] = [
    (zoo.SESFLike, "it goes through numpy"),
    (zoo.BlindLike, r"computes under torch\.no_grad"),
    (zoo.ECNNLike, "judge patches"),
    (zoo.ArgmaxLike, r"decides hard \(argmax\)"),
    (zoo.ThresholdLike, r"decides hard \(gt\)"),
    (zoo.ZMFFLike, "optimises for each image"),
    (zoo.IFCNNLike, "end-to-end"),
    (zoo.GrayFusionLike, "end-to-end"),
    (zoo.FixedSizeLike, "256×256 and of no other size"),
    (nn.Identity, "could not be called|no decision map|no trainable|cannot be tuned"),
]


def name_of(value: Any) -> str:
    return getattr(value, "__name__", "")


@pytest.mark.parametrize(("animal", "expected"), WRAPPED, ids=name_of)
def test_a_network_is_wrapped_right_without_a_word(animal: type[nn.Module], expected: dict[str, Any]):
    generator = wrap(animal())
    assert generator.config == AdapterConfig(**expected)

    first, second = (image[..., :61, :] for image in half_and_half(96))  # an odd height
    for pair, sign in (((first, second), 1), ((second, first), -1)):
        logits = generator(*pair)
        assert logits.shape == (1, 1, 61, 96)
        left, right = sides_of(logits * sign)
        assert (left > 0).float().mean() > 0.9
        assert (right < 0).float().mean() > 0.9


@pytest.mark.parametrize(("animal", "reason"), REFUSED, ids=name_of)
def test_a_network_that_cannot_be_tuned_is_refused_with_the_reason(animal: type[nn.Module], reason: str):
    with pytest.raises(RequestError, match=reason) as refused:
        wrap(animal())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("animal", "choices"),
    [
        (zoo.GACNLike, ["color='gray', item=0, output='probability'", "color='gray', item=1, output='probability'"]),
        (
            zoo.TwoWaysLike,
            ["AdapterConfig(output='probability')", "AdapterConfig(call='concat', output='probability')"],
        ),
    ],
    ids=name_of,
)
def test_a_network_that_can_be_read_in_several_ways_is_answered_with_them_ready_to_paste(
    animal: type[nn.Module], choices: list[str]
):
    with pytest.raises(RequestError, match=r"can be read in 2 ways") as several:
        wrap(animal())
    for choice in choices:
        assert choice in str(several.value)
    for reading in probe(animal()).readings:
        assert wrap(animal(), reading.config)(*half_and_half(64)).shape == (1, 1, 64, 64)


def test_probing_leaves_network_and_random_states_bit_identical():
    torch.manual_seed(0)
    network = zoo.UntrainedUNet()
    network.train()
    network.layers[3].eval()
    state = copy.deepcopy(network.state_dict())
    modes = [module.training for module in network.modules()]
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002

    wrap(network)

    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())
    assert [module.training for module in network.modules()] == modes
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert np.array_equal(np.random.get_state()[1], before[2])  # noqa: NPY002


@pytest.mark.parametrize("name", ["bridgemff", "msfin", "drpl"])
def test_the_plugins_networks_are_found_to_be_what_their_plugins_say(name: str):
    from bridgetune import create

    options = {"msfin": {"widths": (8, 16, 32, 64)}, "drpl": {"width": 8, "blocks": 1}}.get(name, {})
    generator = create(name, weights=None, **options)
    (reading,) = probe(generator.unwrap(), AdapterConfig(value_range=generator.config.value_range)).readings
    told, found = generator.config, reading.config
    for field in ("call", "color", "item", "auxiliary", "output", "multiple"):
        assert getattr(found, field) == getattr(told, field), field
