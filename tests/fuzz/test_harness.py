"""What the harness finds fault with; without that, a campaign that finds nothing says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import strategies as st

from tests.fuzz.campaign import run_cases
from tests.fuzz.harness import EXECUTED, Answer, Bench, Case, fault

REFUSAL = "bridgetune: a: no such file; check the path\n"
RIGHT = Answer(2, "", REFUSAL, 0.1, 0)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = Bench(tmp_path_factory.mktemp("bench"))
    yield made
    made.close()


def test_a_refusal_in_one_line_is_right():
    assert fault(Case(("fuse",), wrong=True), RIGHT) is None


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(None, "", "", 30, 0), "hang"),
        (Answer(-11, "", "", 0, 0), "exit code -11"),
        (Answer(1, "", "bridgetune: OSError: x (run again with --debug to see where)\n", 0, 0), "exception of others"),
        (Answer(0, "", "libpng warning: x\n", 0, 0), "line of others"),
        (Answer(2, "", REFUSAL * 2, 0, 0), "2 lines"),
        (Answer(2, "", "", 0, 0), "without a line"),
        (Answer(2, "{", REFUSAL, 0, 0), "standard output"),
        (Answer(2, "", REFUSAL, 0, 0, ("new.png",)), "written: new.png"),
        (Answer(0, "", "", 0, 0, (EXECUTED,)), "was run"),
        (Answer(2, "", REFUSAL, 6, 0), "6.0 s"),
        (Answer(2, "", REFUSAL, 0, 2 << 30), "2048 MB"),
        (Answer(0, "", "", 0, 0), "wrong, and done"),
    ],
)
def test_anything_else_is_a_fault(answer: Answer, said: str):
    found = fault(Case(("fuse",), wrong=True), answer)
    assert found is not None
    assert said in found


def test_what_is_written_is_seen_and_gone_for_the_next_case(bench: Bench):
    made = bench.run(Case(("data", "make", "--images", "in", "--masks", "in", "--out", "new", "--size", "32")))
    assert made.kind == "refused"
    pictures = ("--images", "pictures/images", "--masks", "pictures/masks")
    made = bench.run(Case(("data", "make", *pictures, "--out", "new", "--size", "32")))
    assert (made.kind, "new/dataset.json" in made.changes) == ("done", True)
    again = bench.run(Case(("data", "make", *pictures, "--out", "new", "--size", "32")))
    assert again.kind == "done"


def test_a_case_whose_process_ends_is_told_from_one_that_is_answered(bench: Bench):
    own = {"ends.py": b"import os\n\ndef net():\n    os._exit(0)\n"}
    assert bench.run(Case(("inspect", "ends:net"), own)).kind == "died"
    assert bench.run(Case(("doctor", "--no-such"))).kind == "refused"


def test_cases_are_drawn_again_by_their_seed(tmp_path: Path):
    cases = st.sampled_from("abcdefgh").map(lambda letter: Case(("plugins", letter)))
    told: list[str] = []
    counts = run_cases(
        cases.map(lambda case: Case(case.arguments, within=0)), seed=3, most=4, keep=tmp_path, report=told.append
    )
    again: list[str] = []
    run_cases(cases.map(lambda case: Case(case.arguments, within=0)), seed=3, most=4, report=again.append)
    assert counts.classes["refused"] == len(told) == 4
    assert [line.partition("; ")[2] for line in told] == [line.partition("; ")[2] for line in again]
    assert (tmp_path / "3-0" / "command.txt").read_text().startswith("bridgetune 'plugins'")
