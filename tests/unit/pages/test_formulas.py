"""Formulas in HTML."""

from __future__ import annotations

import pytest

from bridgetune.pages import set_formulas


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("$Q^{AB/F}$", "<i>Q</i><sup>AB/F</sup>"),
        ("$Q^{AB/F}_{mean}$ is", "<i>Q</i><sup>AB/F</sup><sub>mean</sub> is"),
        ("$Q_W$", "<i>Q</i><sub>W</sub>"),
        (r"\$Q$, 5 $ and <b>", r"\$Q$, 5 $ and <b>"),
    ],
)
def test_a_letter_is_set_with_what_stands_above_and_below_it(said: str, shown: str):
    assert set_formulas(said) == shown
