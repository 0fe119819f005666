"""A few cases of each campaign: `make fuzz` runs them for as long as one likes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.fuzz import command_lines, documents, images
from tests.fuzz.campaign import Counts, run_cases
from tests.fuzz.cold import ColdBench
from tests.fuzz.harness import Answer, Case, fault


@pytest.mark.slow
@pytest.mark.parametrize(
    "module", [images, documents, command_lines], ids=lambda module: module.__name__.split(".")[-1]
)
def test_whatever_is_wrong_is_answered_in_one_line_and_leaves_nothing(module: ModuleType):
    counts = run_cases(module.cases(), seed=16, most=30)
    assert counts.faults == []
    assert counts.classes["refused"] > 10


def test_every_verb_has_a_command_line_to_make_wrong():
    assert command_lines.VERBS.keys() - command_lines.RIGHT.keys() == {"app", "demo", "doctor", "plugins list"}
    flags = {option.flag for taken in command_lines.VERBS.values() for option in taken}
    assert {"--batch", "--generator", "--alpha", "--out"} <= flags


def test_a_process_of_its_own_is_measured_from_its_first_import_on(tmp_path: Path):
    case = Case(("doctor", "--no-such"), {"new.txt": b""}, wrong=True, within=5.0)
    bench, much = ColdBench(tmp_path), b"\1" * (300 << 20)
    answer = bench.run(case)
    assert fault(case, answer) is None
    assert answer.seconds > 0.1
    assert 10 << 20 < answer.memory < len(much), "what this process holds does not count"
    assert fault(Case(case.arguments, within=0.1), answer) == f"{answer.seconds:.1f} s"


def test_counts_say_what_cases_took_at_most():
    counts = Counts()
    for seconds, memory in ((0.5, 3 << 20), (1.25, 1 << 20)):
        counts.add(Answer(2, "", "bridgetune: no", seconds, memory))
    counts.add(Answer(0, "", "", 4, 0))
    assert counts.told() == "done 1 (at most 4.0 s, 0 MB), refused 2 (at most 1.2 s, 3 MB); 0 faults"
