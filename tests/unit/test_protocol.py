"""The protocol at which core and networks meet."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bridgetune import Evaluator, Generator, RequestError
from bridgetune.protocol import check_pair


class Brighter(Generator):
    """The first image is in focus where it is brighter, or as bright."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return (first - second).mean(1, keepdim=True)


def test_a_generator_that_only_answers_fuses_by_its_answer():
    first, second = torch.rand(2, 2, 3, 5, 7)
    brighter = (first.mean(1) >= second.mean(1)).unsqueeze(1)
    assert torch.equal(Brighter().fuse(first, second), torch.where(brighter, first, second))


def test_undecided_pixels_come_from_the_first_image():
    """Eq. 17: the map is 1 from logit 0 on."""
    first, second = torch.zeros(1, 3, 2, 2), torch.zeros(1, 3, 2, 2)
    second[:, 0], second[:, 1] = 1, -1
    assert torch.equal(Brighter().fuse(first, second), first)


IMAGE = torch.rand(1, 3, 4, 4)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (IMAGE[0], IMAGE, r"^first image: got float32 \(3, 4, 4\)"),
        (IMAGE, IMAGE[:, :1], r"^second image: got float32 \(1, 1, 4, 4\)"),
        (IMAGE, (IMAGE * 255).byte(), r"^second image: got uint8 \(1, 3, 4, 4\)"),
        (IMAGE, IMAGE[..., :3], r"one size: got float32 \(1, 3, 4, 4\) and float32 \(1, 3, 4, 3\)"),
        (IMAGE, IMAGE.expand(2, 3, 4, 4), "one size"),
    ],
    ids=["no batch", "gray", "bytes", "narrower", "more"],
)
def test_what_is_no_pair_is_refused_by_what_it_is(first: Tensor, second: Tensor, said: str):
    with pytest.raises(RequestError, match=said):
        check_pair(first, second)


def test_a_pair_of_any_floating_point_type_and_size_is_one():
    for image in (IMAGE, IMAGE.double(), IMAGE.bfloat16(), torch.rand(3, 3, 1, 9)):
        check_pair(image, image)


def test_an_evaluator_fuses_pairs_and_single_images_and_stays_in_range():
    sum_of_both = Evaluator("sum", lambda first, second: first + second)
    first, second = torch.rand(2, 2, 3, 5, 7)
    fused = sum_of_both(first, second)
    assert torch.equal(fused, (first + second).clamp(max=1))
    assert torch.equal(sum_of_both(first[0], second[0]), fused[0])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            lambda first, second: first[:, :1],
            r"^evaluator 'odd': answers float32 \(1, 1, 4, 4\), expected \(1, 3, 4, 4\)",
        ),
        (lambda first, second: None, "^evaluator 'odd': answers a NoneType, expected"),
    ],
    ids=["a map", "nothing"],
)
def test_what_an_evaluator_answers_is_a_picture_of_its_sources_size(answer, said: str):
    with pytest.raises(RequestError, match=said):
        Evaluator("odd", answer)(IMAGE, IMAGE)


def test_an_evaluators_images_are_a_pair():
    with pytest.raises(RequestError, match="one size"):
        Evaluator("first", lambda first, second: first)(IMAGE, IMAGE[..., :3])
