"""What stands for the selective scan in an exported program, held to the definition."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bridgetune_bridgemff.scan import exporting, selective_scan
from bridgetune_bridgemff.scan.arguments import Arguments


def arguments(batch: int, length: int, gated: bool) -> Arguments:
    random_numbers = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=random_numbers)

    u, dt, z = (drawn(batch, length, 6) for _ in range(3))
    B, C = (drawn(batch, length, 16) for _ in range(2))
    ends = (z, drawn(6)) if gated else (None, None)
    return Arguments(u, dt if gated else dt.abs(), -drawn(6, 16).exp(), B, C, drawn(6), *ends)


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 257, 1000, 1025])
@pytest.mark.parametrize("part", [7, exporting.PART])
def test_it_answers_as_the_definition_at_once_and_in_parts(
    part: int, length: int, gated: bool, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(exporting, "PART", part)
    given = arguments(2, length, gated)
    y, nothing = exporting.scan(*given, "auto", False)
    assert nothing.numel() == 0
    torch.testing.assert_close(y, selective_scan(*given, backend="reference"), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("length", [1, 15, 16, 17, 257])
def test_it_answers_as_the_definition_where_the_length_is_open(length: int):
    given = arguments(2, length, gated=False)
    read = exporting._of_open_length(given.dt, given.dt * given.u, given.B, given.C, given.A)[:, :length]
    expected = selective_scan(*given._replace(D=torch.zeros(6)), backend="reference")
    torch.testing.assert_close(read, expected, rtol=1e-5, atol=1e-5)


def test_a_trace_of_an_open_length_holds_for_all_of_them():
    class Scan(torch.nn.Module):
        def forward(self, *given: Tensor) -> Tensor:
            return exporting.scan(*given, "auto", False)[0]

    given = arguments(2, 70, gated=True)
    batch, length = torch.export.Dim.DYNAMIC, torch.export.Dim.DYNAMIC
    sequence, fixed = {0: batch, 1: length}, {}
    shapes = (sequence, sequence, fixed, sequence, sequence, fixed, sequence, fixed)
    with torch.no_grad():
        program = torch.export.export(Scan(), tuple(given), dynamic_shapes=(shapes,), strict=False)
    assert len(list(program.graph.nodes)) < 150, "loops stay loops"
    for batch_size, tokens in ((1, 2), (2, 16), (3, 17), (2, 1500)):
        other = arguments(batch_size, tokens, gated=True)
        y = program.module()(*other)
        torch.testing.assert_close(y, selective_scan(*other, backend="reference"), rtol=1e-5, atol=1e-5)


def test_long_sequences_are_not_unrolled():
    class Scan(torch.nn.Module):
        def forward(self, *given: Tensor) -> Tensor:
            return exporting.scan(*given, "auto", False)[0]

    with torch.no_grad():
        program = torch.export.export(Scan(), tuple(arguments(1, 65_536, gated=True)), strict=False)
    assert len(list(program.graph.nodes)) < 150
