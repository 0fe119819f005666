"""Networks larger than any are refused before memory is taken for them."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from bridgetune.errors import RequestError
from bridgetune.sizing import MOST_PARAMETERS, refuse_huge


def network(width: int = 2, blocks: int = 1, widths: Any = ()) -> nn.Module:
    return nn.Sequential(*(nn.Conv2d(width, width, 3) for _ in range(blocks)))


@pytest.mark.parametrize(
    "options",
    [{"width": 10**9}, {"width": math.nan}, {"width": -(10**30)}, {"widths": [8, 1e300]}, {"widths": [1] * 10**6}],
)
def test_an_option_that_no_network_has_is_named(options: dict[str, Any]):
    with pytest.raises(RequestError, match=f"^a net: option {next(iter(options))}: got ") as refusal:
        refuse_huge("a net", network, options)
    assert len(str(refusal.value)) < 200


def test_options_that_are_too_much_together_are_refused_by_the_number_of_parameters():
    options = {"width": 4096, "blocks": 64}
    assert MOST_PARAMETERS < 64 * 4096**2 * 9
    with pytest.raises(RequestError, match=r"width=4096, blocks=64 it has 9\.7e\+09 parameters"):
        refuse_huge("a net", network, options)


def test_random_numbers_are_as_they_would_have_been():
    torch.manual_seed(0)
    refuse_huge("a net", network, {"width": 8})
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(3))


def test_what_does_not_fit_the_network_is_left_to_the_network():
    refuse_huge("a net", network, {"width": "wide"})
    refuse_huge("a net", network, {"depth": 3})
