"""A few cases of each campaign: `make fuzz` runs them for as long as one likes."""

from __future__ import annotations

from types import ModuleType

import pytest

from tests.fuzz import command_lines, documents, images
from tests.fuzz.campaign import run_cases


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", [images, documents, command_lines], ids=lambda module: module.__name__.split(".")[-1]
)
def test_whatever_is_wrong_is_answered_in_one_line_and_leaves_nothing(module: ModuleType):
    counts = run_cases(module.cases(), seed=16, most=30)
    assert counts.faults == []
    assert counts.classes["refused"] > 10


def test_every_verb_has_a_command_line_to_make_wrong():
    assert command_lines.VERBS.keys() - command_lines.RIGHT.keys() == {"demo", "doctor", "plugins list"}
    flags = {option.flag for taken in command_lines.VERBS.values() for option in taken}
    assert {"--batch", "--generator", "--alpha", "--out"} <= flags
