"""The zoo: each network is wrapped right without a word, or answered with its choices, or refused with the reason."""

from __future__ import annotations

import copy
import random
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bridgetune import AdapterConfig, RequestError, wrap
from bridgetune.wrapping import probe
from bridgetune.wrapping.known_pair import half_and_half, sides_of
from tests.zoo import contained, together, unusual
from tests.zoo import networks as zoo
from tests.zoo.grammar import ANSWERS, CALLS, ODDITIES, PLACES, Phrase, Spoken

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
    (zoo.IFCNNLike, {"output": "fused"}),
    (zoo.GrayFusionLike, {"color": "gray", "output": "fused"}),
    (zoo.FixedSizeLike, {"output": "probability", "side": 256}),
    (zoo.GACNLike, {"color": "gray", "item": 1, "output": "probability"}),
    (zoo.TwoWaysLike, {"output": "probability"}),
    (unusual.ListLike, {"call": "list", "output": "probability"}),
    (unusual.DictionaryOfImagesLike, {"call": "dict", "keywords": ("near", "far"), "output": "logits"}),
    (unusual.StackLike, {"call": "stack", "output": "logits"}),
    (unusual.StackedChannelsLike, {"call": "stacked channels", "output": "logits"}),
    (unusual.BatchLike, {"call": "batch", "color": "gray", "output": "softmax"}),
    (unusual.EachLike, {"call": "each", "output": "logits"}),
    (unusual.GuidedLike, {"extra": ("none",), "output": "logits"}),
    (unusual.PriorLike, {"call": "concat", "extra": ("zeros",), "output": "probability"}),
    (unusual.MapOfEachLike, {"item": (0, 1), "output": "complementary"}),
    (unusual.ManyLike, {"color": "gray", "item": 0, "output": "probability"}),
    (unusual.FaintPictureLike, {"output": "probability"}),
    (unusual.ThreeAlikeLike, {"output": "probability"}),
    (unusual.CoarseLike, {"output": "probability", "stride": 4, "multiple": 4, "minimum": 4}),
    (unusual.PatchLike, {"color": "gray", "output": "softmax", "side": 16, "fit": "patches"}),
    (unusual.LazyLike, {"call": "concat", "output": "logits"}),
    (unusual.BuildingLike, {"output": "logits"}),
    (unusual.KeepingLike, {"output": "probability"}),
    (contained.DataclassLike, {"item": "map", "output": "probability"}),
    (contained.NestedLike, {"item": "1.0", "output": "probability"}),
    (contained.DeepLike, {"item": "outputs.map", "output": "logits"}),
    (contained.GettingLike, {"call": "dict", "keywords": ("near", "far"), "output": "logits"}),
    (contained.WeighedLike, {"extra": (1,), "output": "logits"}),
    (together.ListOfAnyLike, {"call": "list", "frames": "any", "output": "softmax"}),
    (together.MapsOfAnyLike, {"call": "list", "frames": "any", "item": (0, 1), "output": "complementary"}),
    (together.StackOfAnyLike, {"call": "stack", "frames": "any", "output": "complementary"}),
    (together.FusesAnyLike, {"frames": "any", "output": "fused"}),
    (together.FirstTwoLike, {"call": "list", "output": "softmax"}),
    (together.LastIsAGuideLike, {"call": "list", "output": "softmax"}),
    (together.StagedLike, {"extra": ("test",), "output": "probability"}),
    (together.FlaggedLike, {"call": "concat", "extra": (True,), "output": "logits"}),
    (together.NumberedLike, {"extra": (1,), "output": "logits"}),
]

REFUSED: list[tuple[type[nn.Module], str]] = [
    (zoo.SESFLike, "it goes through numpy"),
    (zoo.BlindLike, r"computes under torch\.no_grad"),
    (zoo.ECNNLike, "returns no decision map: got \\(1, 4\\)"),
    (zoo.ArgmaxLike, r"decides hard \(argmax\)"),
    (zoo.ThresholdLike, r"decides hard \(gt\)"),
    (
        zoo.ZMFFLike,
        r"optimises for each image.*Evaluator\('ZMFFLike', network, optimises=True\), .*_register_evalu",
    ),
    (contained.IndexLike, r"answers with whole numbers, which image, not how much.*decides hard \(argmax\)"),
    (unusual.OddChannel, "is an end-to-end network: it returns a fused image and no decision map"),
    (unusual.AutoEncoder, "takes one image at a time; the fusion happens outside it"),
    (unusual.PhaseWordHard, "goes through numpy"),
    (unusual.TimeLike, "'t' looks like a diffusion model's time step"),
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


def test_what_can_be_read_in_several_ways_is_answered_with_them_a_line_each_ready_to_paste():
    torch.manual_seed(0)
    with pytest.raises(RequestError, match=r"can be read in 4 ways, and nothing shows which is meant") as several:
        wrap(unusual.UntrainedMapAndImage())
    _, *lines = str(several.value).splitlines()
    choices = [line.split("  # ")[0].strip() for line in lines]
    assert choices == [
        "AdapterConfig(call='concat', output='probability')",
        "AdapterConfig(call='concat')",
        "AdapterConfig(call='concat', output='probability', channel=3)",
        "AdapterConfig(call='concat', channel=3)",
    ]
    for reading in probe(unusual.UntrainedMapAndImage()).readings:
        assert wrap(unusual.UntrainedMapAndImage(), reading.config)(*half_and_half(64)).shape == (1, 1, 64, 64)


PHRASES = [
    phrase
    for phrase in (Phrase(*words) for words in product(CALLS, ANSWERS, PLACES, ODDITIES, (False, True), (False, True)))
    if phrase.makes_sense
]


@settings(max_examples=25)
@given(phrase=st.sampled_from(PHRASES))
def test_what_the_grammar_says_is_found(phrase: Phrase):
    assert wrap(Spoken(phrase)).config == AdapterConfig(**phrase.expected)


class Constant(zoo.Animal):
    """A map that is the same everywhere, as before its first step where the last layer begins as zero."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.score(a, b) * 0)


def test_a_map_that_says_nothing_tells_sharp_from_blurred_in_half():
    (reading,) = probe(Constant()).readings
    assert (reading.agreement, reading.oriented, reading.config.orientation) == (0.5, False, "first")


def test_probing_keeps_nothing_in_the_network():
    network = unusual.KeepingLike()
    wrap(network)
    assert not hasattr(network, "attention")
    assert (network.shapes, network.seen) == ([], {})
    copy.deepcopy(network)


def test_what_is_built_at_the_first_call_is_built_by_the_probe():
    network = unusual.LazyLike()
    wrap(network)
    assert network.mix.weight.shape == (1, 2, 1, 1)
    built = unusual.BuildingLike()
    wrap(built)
    assert sum(parameter.numel() for parameter in built.last.parameters()) == 2


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
