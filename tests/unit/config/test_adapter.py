"""How one network is called and read."""

from __future__ import annotations

import itertools

import pytest

from bridgetune import AdapterConfig, RequestError
from bridgetune.documents import checked


@pytest.mark.parametrize(("symmetric", "mirrored"), list(itertools.product((None, False, True), repeat=2)))
def test_how_often_a_network_is_asked_can_be_said_anew_and_nothing_else_changes(
    symmetric: bool | None, mirrored: bool | None
):
    config = AdapterConfig(call="concat", item=0, symmetric=True, mirrored=False)
    asked = config.asked(symmetric, mirrored)
    assert asked.symmetric == (True if symmetric is None else symmetric)
    assert asked.mirrored == (False if mirrored is None else mirrored)
    assert asked.model_copy(update={"symmetric": True, "mirrored": False}) == config


def test_the_sizes_a_network_is_shown_can_be_said_anew():
    config = AdapterConfig(symmetric=True)
    assert config.scales == (1,)
    assert config.asked(None, None, [1, 0.5]) == AdapterConfig(symmetric=True, scales=(1, 0.5))
    assert AdapterConfig(scales=(1, 1 / 2)).asked(None, True).scales == (1, 0.5)
    with pytest.raises(RequestError, match=r"scales: got 1, 0\.4; expected 1, then whole fractions"):
        config.asked(None, None, (1, 0.4))


def test_scales_are_whole_reductions():
    assert AdapterConfig(scales=(1, 1 / 2, 1 / 3, 0.25)).reductions == (1, 2, 3, 4)
    assert not AdapterConfig(scales=(1, 1 / 2)).enlarged


@pytest.mark.parametrize("scales", [(2, 1), (2, 1, 1 / 2, 1 / 4)])
def test_a_two_in_front_of_the_scales_enlarges_and_reduces_nothing(scales: tuple[float, ...]):
    config = AdapterConfig(scales=scales)
    assert config.enlarged
    assert config.reductions == AdapterConfig(scales=scales[1:]).reductions
    assert AdapterConfig.model_validate_json(config.model_dump_json()) == config


def test_a_gray_network_sees_one_channel_an_image():
    assert (AdapterConfig().channels, AdapterConfig(color="gray").channels) == (3, 1)


def test_a_config_survives_json_as_a_saved_generator_keeps_it():
    config = AdapterConfig(
        prefix=("fuse",), keywords=("a", "b"), item="map", auxiliary=("half", 3), mean=(1, 2, 3), std=(4, 5, 6)
    )
    assert AdapterConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"keywords": ("a",)}, "keywords: got ('a',), expected two for call='pair'"),
        ({"keywords": ("a", "b"), "call": "concat"}, "keywords: got ('a', 'b'), expected one for call='concat'"),
        ({"auxiliary": (1,)}, "auxiliary: got (1,) without item"),
        ({"std": (1.0, 0.0, 1.0)}, "std.1: got 0.0; input should be greater than or equal to 0.000000001"),
        ({"multiple": 0}, "multiple: got 0; "),
        ({"value_range": (0, float("inf"))}, "value_range.1: got inf; "),
        ({"scales": ()}, "scales: got none; expected 1, then"),
        ({"scales": (0.5,)}, "scales: got 0.5; expected 1, then"),
        ({"scales": (1, 0.5, 0.5)}, "scales: got 1, 0.5, 0.5; expected 1, then"),
        (
            {"scales": (1, 2)},
            "scales: got 1, 2; expected 1, then whole fractions of it, each once, and at most a 2 in ",
        ),
        ({"scales": (2,)}, "scales: got 2; expected 1, then"),
        ({"scales": (2, 0.5)}, "scales: got 2, 0.5; expected 1, then"),
        ({"scales": (2, 2, 1)}, "scales: got 2, 2, 1; expected 1, then"),
        ({"scales": (4, 2, 1)}, "scales: got 4, 2, 1; expected 1, then"),
        ({"scales": (2, *(1 / by for by in range(1, 9)))}, "expected at most 8, none below 1/64"),
        ({"scales": (1, -0.5)}, "scales: got 1, -0.5; expected 1, then"),
        ({"scales": (1, 0)}, "scales: got 1, 0; expected 1, then"),
        ({"output": "complementary", "channel": 2}, "channel: got 2, expected 0 or 1 for output='complementary'"),
    ],
)
def test_what_cannot_be_meant_together_is_refused(values: dict[str, object], said: str):
    with pytest.raises(RequestError) as refused:
        checked(AdapterConfig, **values)
    assert said in str(refused.value)
