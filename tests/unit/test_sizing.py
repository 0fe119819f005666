"""Networks larger than any are refused before memory is taken for them."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
from typing import Any

import pytest
import torch
from torch import nn

from bridgetune import sizing
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


def test_options_that_are_too_much_together_are_refused_before_all_of_it_is_made():
    made = []

    def counted(width: int, blocks: int) -> nn.Module:
        return nn.Sequential(*(made.append(block) or nn.Conv2d(width, width, 3) for block in range(blocks)))

    with pytest.raises(RequestError, match=r"width=4096, blocks=4096 it has more than 1e\+09 parameters; expected"):
        refuse_huge("a net", counted, {"width": 4096, "blocks": 4096})
    assert len(made) == MOST_PARAMETERS // (4096**2 * 9) + 1


def test_so_are_more_tensors_than_any_has(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sizing, "MOST_TENSORS", 40)
    refuse_huge("a net", network, {"width": 1, "blocks": 20})
    with pytest.raises(RequestError, match=r"width=1, blocks=21 it has more than 40 tensors of them; expected"):
        refuse_huge("a net", network, {"width": 1, "blocks": 21})


def test_a_parameter_that_many_have_counts_once():
    shared = nn.Parameter(torch.empty(4096, 4096, device="meta"))
    assert 100 * shared.numel() > MOST_PARAMETERS

    def tied(width: int) -> nn.Module:
        layers = nn.ModuleList(nn.Identity() for _ in range(100))
        for layer in layers:
            layer.weight = shared
        return layers

    refuse_huge("a net", tied, {"width": 4096})


def test_what_another_thread_makes_meanwhile_is_not_the_networks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sizing, "MOST_TENSORS", 2)
    there: list[nn.Module] = []

    def beside(width: int) -> nn.Module:
        other = threading.Thread(target=lambda: there.append(network(blocks=4)))
        other.start()
        other.join()
        return network(width)

    refuse_huge("a net", beside, {"width": 32})
    assert len(there[0]) == 4


def test_no_compiler_is_imported_for_shapes():
    asked = """
import sys
from torch import nn
from bridgetune.sizing import refuse_huge

def network(width):
    layers = nn.ModuleDict({"a": nn.Linear(width, 8), "b": nn.Conv2d(8, width, 3), "c": nn.Embedding(width, 8)})
    for fill in (nn.init.normal_, nn.init.kaiming_normal_, nn.init.xavier_uniform_, nn.init.trunc_normal_):
        fill(layers["a"].weight)
    return layers

refuse_huge("a net", network, {"width": 64})
print("torch._dynamo" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout == "False\n"


def test_random_numbers_are_as_they_would_have_been():
    torch.manual_seed(0)
    refuse_huge("a net", network, {"width": 8})
    drawn = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(drawn, torch.rand(3))


def test_what_does_not_fit_the_network_is_left_to_the_network():
    refuse_huge("a net", network, {"width": "wide"})
    refuse_huge("a net", network, {"depth": 3})
