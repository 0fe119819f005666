"""How a pair is handed over."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bridgetune import AdapterConfig, RequestError
from bridgetune.documents import checked
from bridgetune.wrapping.inputs import alone, arguments

A, B = torch.rand(2, 3, 4, 5), torch.rand(2, 3, 4, 5)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor):
        return isinstance(other, Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return type(one) is type(other) and all(map(same, one, other)) and len(one) == len(other)
    return one == other


@pytest.mark.parametrize(
    ("config", "by_position"),
    [
        ({}, (A, B)),
        ({"call": "concat"}, (torch.cat([A, B], 1),)),
        ({"call": "list"}, ([A, B],)),
        ({"call": "tuple"}, ((A, B),)),
        ({"call": "stack"}, (torch.stack([A, B], 1),)),
        ({"call": "stacked channels"}, (torch.stack([A, B], 2),)),
        ({"call": "batch"}, (torch.cat([A, B]),)),
        ({"call": "dict", "keywords": ("x", "y")}, ({"x": A, "y": B},)),
        ({"prefix": ("fuse",)}, ("fuse", A, B)),
        ({"extra": ("none", "zeros", "black")}, (A, B, None, torch.zeros(2, 1, 4, 5), torch.zeros(2, 3, 4, 5))),
        ({"prefix": (1,), "extra": ("test", True, 0.5)}, (1, A, B, "test", True, 0.5)),
        ({"call": "concat", "layout": "channels last"}, (torch.cat([A, B], 1).permute(0, 2, 3, 1),)),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_pair_is_handed_over_as_the_config_says(config: dict[str, Any], by_position: tuple[Any, ...]):
    assert same(arguments((A, B), AdapterConfig(**config)), (by_position, {}))


def test_images_are_passed_by_name():
    assert same(arguments((A, B), AdapterConfig(keywords=("far", "near"))), ((), {"far": A, "near": B}))
    config = AdapterConfig(call="concat", keywords=("both",))
    assert same(arguments((A, B), config), ((), {"both": torch.cat([A, B], 1)}))


def test_any_number_of_images_is_handed_over_likewise():
    assert same(arguments((A, B, A), AdapterConfig(call="list")), (([A, B, A],), {}))
    assert same(arguments((A, B, A), AdapterConfig(call="stack")), ((torch.stack([A, B, A], 1),), {}))
    assert same(arguments((A, B, A), AdapterConfig()), ((A, B, A), {}))


def test_one_image_is_handed_over_by_itself():
    assert same(alone(A, AdapterConfig(call="each")), ((A,), {}))
    assert same(alone(A, AdapterConfig(call="each", keywords=("x",), prefix=("p",))), (("p",), {"x": A}))
    last = AdapterConfig(call="each", layout="channels last", extra=("none",))
    assert same(alone(A, last), ((A.permute(0, 2, 3, 1), None), {}))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"call": "dict"}, "keywords: got (), expected two for call='dict'"),
        ({"call": "list", "keywords": ("a", "b")}, "expected one for call='list'"),
        ({"item": (0, 1)}, "output: got 'logits' for two items, expected 'complementary' or 'softmax'"),
        ({"output": "fused", "call": "each"}, "expected a call that has both images"),
        ({"frames": "any"}, "frames: got 'any', expected output='softmax', 'complementary' or 'fused', and channel=0"),
        ({"fit": "patches"}, "side: got none, expected the side of a patch"),
        ({"side": 64, "item": 0, "auxiliary": (1,)}, "auxiliary: expected none for a network that takes one side only"),
    ],
)
def test_a_config_that_does_not_go_together_is_refused(config: dict[str, Any], said: str):
    with pytest.raises(RequestError) as refused:
        checked(AdapterConfig, **config)
    assert said in str(refused.value)
