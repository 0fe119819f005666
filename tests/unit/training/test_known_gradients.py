"""A value hands on the gradients that it was given, as if they had been computed from it."""

from __future__ import annotations

import torch

from bridgetune.training.known_gradients import with_gradients


def test_the_value_is_as_given_and_so_are_its_gradients():
    one, other = (torch.ones(3, requires_grad=True) for _ in range(2))
    value = with_gradients(torch.tensor(7.0), [one, other], [torch.tensor([1.0, 2.0, 3.0]), torch.full((3,), 5.0)])
    assert value.item() == 7
    value.backward()
    assert one.grad is not None
    assert other.grad is not None
    assert (one.grad.tolist(), other.grad.tolist()) == ([1, 2, 3], [5, 5, 5])


def test_they_run_on_through_what_they_are_taken_at_and_are_scaled_by_what_follows():
    weight = torch.tensor(2.0, requires_grad=True)
    map_ = weight * torch.tensor([1.0, 10.0])
    (3 * with_gradients(torch.tensor(0.0), [map_], [torch.tensor([1.0, 1.0])])).backward()
    assert weight.grad is not None
    assert weight.grad.item() == 33, "3 · (1·1 + 1·10)"
