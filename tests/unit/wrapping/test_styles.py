"""Which ways of being called the signature of `forward` allows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bridgetune.wrapping.styles import argument_names, of_one_argument, of_one_image, of_two_images, with_extras
from tests.zoo import networks as zoo
from tests.zoo import unusual


class Three(nn.Module):
    def forward(self, first: Tensor, second: Tensor, guide: Tensor) -> Tensor:
        return first


class Words(nn.Module):
    def forward(self, phase: str, first: Tensor, second: Tensor) -> Tensor:
        return first if phase == "fuse" else second


class Two(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (Two(), [{"call": "pair"}]),
        (zoo.MSFINLike(), [{"call": "concat"}]),
        (zoo.TwoWaysLike(), [{"call": "pair"}, {"call": "concat"}]),
        (zoo.KeywordLike(), [{"call": "pair", "keywords": ("near", "far")}]),
        (Words(), [{"call": "pair", "prefix": ("fuse",)}]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_two_images_go_where_there_is_room_for_them(network: nn.Module, expected: list[dict[str, Any]]):
    assert list(of_two_images(network)) == expected


def test_what_takes_one_argument_may_take_both_images_in_it():
    calls = [style["call"] for style in of_one_argument(unusual.ListLike())]
    assert calls == ["list", "tuple", "stack", "stacked channels", "batch"]
    assert list(of_one_argument(unusual.DictionaryOfImagesLike()))[-1] == {"call": "dict", "keywords": ("near", "far")}
    assert list(of_one_argument(Two())) == []
    assert list(of_one_image(unusual.ListLike())) == [{"call": "each"}]
    assert list(of_one_image(Two())) == []


def test_what_insists_on_more_is_given_what_it_can_do_without():
    found = [style for style in with_extras(Three()) if style["call"] == "pair"]
    assert found == [{"call": "pair", "extra": (extra,)} for extra in ("none", "zeros", "black", 1)]
    assert list(with_extras(zoo.MSFINLike())) == []
    assert argument_names(Three()) == ["first", "second", "guide"]


def test_what_cannot_be_seen_of_a_forward_may_be_anything():
    network = Two()
    network.forward = torch.sub  # of C, without a signature, as those of traced networks are
    assert [style["call"] for style in of_two_images(network)] == ["pair", "concat"]
    assert argument_names(network) == ["images"]


class Annotated(nn.Module):
    def forward(self, first: Tensor, second: Tensor, way: bool) -> Tensor:
        return first if way else second


def test_a_last_argument_is_told_what_its_annotation_or_the_code_says():
    kinds: dict[type, list[Any]] = {bool: [False, True], int: [0, 1], float: [1.0]}
    network = Annotated()
    for kind, told in kinds.items():
        Annotated.forward.__annotations__["way"] = kind
        extras = [style["extra"] for style in with_extras(network) if style["call"] == "pair"]
        assert extras[: len(told)] == [(one,) for one in told]


class Phase(nn.Module):
    def forward(self, first: Tensor, second: Tensor, stage: str) -> Tensor:
        if stage == "train":
            return first
        return second if stage in ("other", "val") else first


def test_of_phases_the_one_of_use_is_tried_first_and_that_of_training_last():
    extras = [style["extra"] for style in with_extras(Phase()) if style["call"] == "pair"]
    assert extras[:4] == [("test",), ("val",), ("other",), ("train",)]
