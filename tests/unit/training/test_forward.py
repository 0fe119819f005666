"""What a step works on: every pair once, unlabelled ones in both orders, and syntheses that belong to their pairs."""

from __future__ import annotations

import pytest
import torch

from bridgetune.synthesis import synthesize
from bridgetune.training.forward import ForwardPass, TuningPass
from bridgetune.training.roles import Answering
from tests.support.steps import batch, forward_pass, networks


def test_unlabelled_pairs_are_asked_in_both_orders():
    made, given = networks(), batch(unlabelled=3)
    labelled, unlabelled, swapped = forward_pass(made, given).parts()
    new = given["unlabelled_first"], given["unlabelled_second"]
    torch.testing.assert_close(labelled, made["generator"](given["first"], given["second"]))
    torch.testing.assert_close(unlabelled, made["generator"](*new))
    torch.testing.assert_close(swapped, made["generator"](*reversed(new)))


def test_parts_of_a_batch_of_one_kind_are_empty():
    made, given = networks(), batch(unlabelled=2)
    assert [len(part) for part in forward_pass(made).parts()] == [2, 0, 0]
    alone = {name: value for name, value in given.items() if name not in ("first", "second", "mask")}
    alone |= {name: alone[name][:2] for name in ("clear", "blurred")}
    assert [len(part) for part in forward_pass(made, alone).parts()] == [0, 2, 2]


def test_the_syntheses_are_of_every_pair_in_its_own_order():
    made, given = networks(), batch(unlabelled=3)
    forward = forward_pass(made, given)
    first, second = (torch.cat([given[name], given[f"unlabelled_{name}"]]) for name in ("first", "second"))
    expected = synthesize(first, second, made["generator"](first, second), given["clear"], given["blurred"])
    torch.testing.assert_close(forward.synthesised["clear"], (expected.clear_first, expected.clear_second))
    torch.testing.assert_close(forward.synthesised["blurred"], (expected.blurred_first, expected.blurred_second))


def test_gradients_of_the_syntheses_end_at_the_map():
    made = networks()
    forward = forward_pass(made)
    forward.synthesised["clear"][0].sum().backward()
    assert forward.map.grad is not None
    assert all(parameter.grad is None for parameter in made["generator"].parameters())


@pytest.mark.parametrize("kind", [ForwardPass, TuningPass])
def test_the_map_that_counts_keeps_the_generators_graph(kind: type[ForwardPass]):
    made = networks()
    kind.of(Answering(made["generator"], auxiliary=False), batch()).logits.sum().backward()
    assert all(parameter.grad is not None for parameter in made["generator"].parameters())
