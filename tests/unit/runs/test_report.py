"""A run's report: what it says, from its two files alone, of runs of every length and end."""

from __future__ import annotations

import builtins
import json
import re
import sys
from typing import Any

import matplotlib
import pytest
from matplotlib import pyplot
from PIL import Image

from bridgetune.errors import RequestError
from bridgetune.runs.curves import weighted_terms
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.history import History
from bridgetune.runs.report import described, write_report
from bridgetune.terms import PUSHES, TERMS
from tests.support.run_folders import Written, step_record, validation

ALL = {"losses.png", "discriminators.png", "map-error.png", "gradients.png"}


def drawn(run: RunDirectory) -> set[str]:
    return {path.name for path in (run.path / "figures").iterdir()}


def text(run: RunDirectory) -> str:
    return (run.path / "report.md").read_text()


def test_a_finished_run_is_told_with_all_its_pictures(written: Written):
    records = [validation(0, 0.04, 0.12), *map(step_record, range(1, 101))]
    run = written([*records[:51], validation(50, 0.01, 0.05), *records[51:], validation(100, 0.02, 0.06)])
    files = write_report(run)
    assert files[0] == run.path / "report.md"
    assert drawn(run) == ALL
    said = text(run)
    assert "**Finished:** 100 of 100 steps" in said
    assert "4.00% at step 0, 2.00% at step 100" in said
    assert "12.00% at step 0, 6.00% at step 100" in said
    assert "Best validation: 1.00% at step 50: its generator is in `best/`" in said
    assert "0.5 s a step" in said
    for fact in ("mynet (bridgetune-mynet 1.0)", "95 of SyntheticPairs", "References('clear'", "paper", "cpu"):
        assert fact in said
    assert set(re.findall(r"\]\((figures/[^)]+)\)", said)) == {f"figures/{name}" for name in ALL}
    for name in ALL:
        assert Image.open(run.path / "figures" / name).width == 1600, "twice the 800 px of a page"
    assert not list(run.path.rglob(".*")), "no temporary file is left"


def test_losses_are_told_at_the_beginning_the_middle_and_the_end(written: Written):
    # 100 steps: means over five of them
    run = written([step_record(step, focal=float(step)) for step in range(1, 101)])
    found = described(run)["losses"]["focal"]
    assert (found["first"], found["middle"], found["last"]) == (3.0, 50.0, 98.0)
    write_report(run)
    assert "| loss | steps 1–5 | steps 48–52 | steps 96–100 | what it is |" in text(run)
    assert "| `focal` | 3 | 50 | 98 |" in text(run)


def test_a_run_of_one_step(written: Written):
    run = written([validation(0, 0.5), step_record(1), validation(1, 0.25)], steps=1)
    write_report(run)
    assert "| loss | step 1 | what it is |" in text(run)
    assert drawn(run) == ALL


def test_a_run_that_has_not_begun(written: Written):
    run = written([])
    run.metrics.unlink()
    write_report(run)
    assert "**Not finished:** 0 of 100 steps" in text(run)
    assert described(run)["seconds_a_step"] is None
    assert not (run.path / "figures").exists()


def test_a_run_that_is_only_validated_yet(written: Written):
    run = written([validation(0, 0.5, None)])
    write_report(run)
    assert drawn(run) == {"map-error.png"}
    assert "No held-out pair has a homogeneous region" in text(run)


def test_stage_1_is_drawn_of_what_there_is(written: Written):
    names = ("step", "steps", "learning_rate", "supervised", "focal", "dice", "gradient_generator", "seconds")
    records = [{name: step_record(step)[name] for name in names} for step in range(1, 21)]
    run = written(records, stage="pretrain", steps=20, alpha=None)
    write_report(run)
    assert drawn(run) == {"losses.png", "gradients.png"}
    assert "Stage 1" in text(run)
    assert "discriminator" not in text(run)
    assert "α" not in text(run)


def test_unlabelled_pairs_alone_have_no_supervised_terms(written: Written):
    records = []
    for step in range(1, 21):
        record = step_record(step, swap=0.01, binary=0.1, variation=0.03, alpha=0.01 * step, loss=0.5)
        records.append({name: record[name] for name in record if name not in ("supervised", "focal", "dice")})
    run = written(records, steps=20, alpha="auto", adversarial_share=0.1, swap_weight=1.0, binary_weight=0.2)
    terms, leading = weighted_terms(History(run))
    assert set(terms) == {leading, "1·swap", "0.2·binary", "1·variation", "α·adversarial"}
    assert terms["0.2·binary"].values == pytest.approx(0.02)
    write_report(run)
    assert "auto: adversarial share 0.1; from 0.01 to 0.2" in text(run)
    assert "α is chosen at every step" in text(run)


def test_a_term_that_is_in_no_table_is_told_under_its_own_name_and_drawn_with_its_weight(written: Written):
    records = [step_record(step, edges=0.5, unheard_of_error=2.0) for step in range(1, 11)]
    run = written(records, steps=10, term_weights={"edges": 0.25})
    terms, leading = weighted_terms(History(run))
    assert set(terms) == {leading, "20·focal", "dice", "α·adversarial", "0.25·edges"}
    assert terms["0.25·edges"].values == pytest.approx(0.125)
    write_report(run)
    assert "| `edges` | 0.5 | 0.5 | 0.5 | not in the table of terms |" in text(run)
    assert "| `unheard_of_error` | 2 | 2 | 2 | not in the table of terms |" in text(run)
    assert list(described(run)["losses"])[-2:] == ["edges", "unheard_of_error"]


def test_no_number_of_a_record_but_its_losses_is_told_as_one(written: Written):
    known = {"alpha": 0.1, "map_mean": 0.5, "map_gradient_known": 1.0, "map_gradient_adversarial": 0.1}
    run = written([validation(0, 0.1), step_record(1, **known)])
    assert list(described(run)["losses"]) == [name for name in TERMS if name in step_record(1)]


@pytest.mark.parametrize(
    ("errors", "patience", "state"),
    [
        ([0.3, 0.2, 0.2, 0.25], 2, "stopped early"),
        ([0.3, 0.2, 0.2, 0.25], 3, "unfinished"),
        ([0.3, 0.2, 0.2, 0.25], 0, "unfinished"),
        ([0.3, 0.2, None, None], 2, "stopped early"),
        ([0.3, 0.2, 0.3, 0.1], 2, "unfinished"),
    ],
)
def test_whether_it_stopped_early(written: Written, errors: list[float | None], patience: int, state: str):
    records = [step_record(step) for step in range(1, 31)]
    run = written([*records, *(validation(10 * place, error) for place, error in enumerate(errors))], patience=patience)
    assert described(run)["state"] == state
    write_report(run)
    assert ("**Stopped early** after 30 of 100 steps" in text(run)) == (state == "stopped early")
    assert ("--resume" in text(run)) == (state == "unfinished")


def test_which_way_the_map_was_pushed_is_told_first_and_last(written: Written):
    before, after = (dict(zip(PUSHES, shares, strict=True)) for shares in ((None, 0.5, 0.25, 0.75), (0.125, 0.6, 1, 0)))
    run = written(
        [validation(0, 0.5) | before, step_record(1), validation(50, 0.4) | before, validation(100, 0.3) | after]
    )
    write_report(run)
    assert "| held-out pixels | step 0 | step 100 |" in text(run)
    assert "| decided wrongly, in homogeneous regions | – | 12.5% |" in text(run)
    assert "| decided wrongly, off the seam | 50.0% | 60.0% |" in text(run)
    assert "| decided rightly, off the seam | 75.0% | 0.0% |" in text(run)
    pushes = described(run)["pushes"]
    assert pushes["push_wrong_homogeneous"] == {"first": None, "last": 0.125}
    assert pushes["push_right_homogeneous"] == {"first": 0.25, "last": 1.0}


def test_one_validation_is_told_once_and_none_not_at_all(written: Written):
    run = written([validation(0, 0.5) | dict.fromkeys(PUSHES, 0.5)])
    write_report(run)
    assert "| held-out pixels | step 0 |\n" in text(run)
    run = written([validation(0, 0.5)])
    write_report(run)
    assert "pushed" not in text(run)
    assert described(run)["pushes"] == {}


def test_the_best_is_the_earliest_of_the_lowest(written: Written):
    run = written([validation(0, None), validation(10, 0.2), validation(20, 0.1, 0.3), validation(30, 0.1, 0.4)])
    found = described(run)
    assert found["best_step"] == 20
    assert found["map_error"] == {"first": 0.2, "last": 0.1, "at_best": 0.1}
    assert found["homogeneous_error"] == {"first": 0.3, "last": 0.4, "at_best": 0.3}


def test_null_values_are_left_out(written: Written):
    records = [step_record(step, focal=None, gradient_generator=None) for step in range(1, 11)]
    records[3] |= {"dice": None, "discriminator_clear": None}
    run = written([*records, validation(10, None, None)], steps=10)
    write_report(run)
    assert described(run)["losses"]["focal"] == {"first": None, "middle": None, "last": None}
    assert "| `focal` | – | – | – |" in text(run)
    assert "The map error was not measured" in text(run)
    json.dumps(described(run), allow_nan=False)


def test_a_line_that_is_cut_off_is_counted_and_left_out(written: Written):
    run = written(map(step_record, range(1, 11)), tail='{"step": 11, "steps": 1')
    write_report(run)
    assert "1 line of metrics.jsonl is cut off" in text(run)
    assert "10 of 100 steps" in text(run)
    assert described(run)["unreadable_lines"] == 1


def test_a_loss_that_is_negative_is_drawn(written: Written):
    records = [step_record(step, adversarial=-3.0, adversarial_clear=-1.0, loss=-0.5) for step in range(1, 21)]
    run = written(records, steps=20, adversarial="saturating")
    write_report(run)
    assert drawn(run) >= {"losses.png"}


def test_drawing_leaves_no_trace_in_matplotlib(written: Written):
    before = dict(matplotlib.rcParams)
    write_report(written([step_record(1), validation(1, 0.1)]))
    assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == []


def test_the_same_run_gives_the_same_files(written: Written):
    run = written([*map(step_record, range(1, 30)), validation(29, 0.1)])
    first = [path.read_bytes() for path in write_report(run)]
    assert [path.read_bytes() for path in write_report(run)] == first


def test_without_matplotlib_it_is_written_without_pictures(written: Written, monkeypatch: pytest.MonkeyPatch):
    importing = builtins.__import__

    def without(name: str, *arguments: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return importing(name, *arguments)

    for name in ("curves", "plotting"):
        monkeypatch.delitem(sys.modules, f"bridgetune.runs.{name}", raising=False)
    monkeypatch.delitem(sys.modules, "bridgetune.drawing", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    run = written(map(step_record, range(1, 30)))
    assert write_report(run) == [run.path / "report.md", run.path / "report.html"]
    assert "pip install 'bridgetune[train]'" in text(run)
    assert "![" not in text(run)


def test_other_folders_are_refused(written: Written):
    run = written([step_record(1)])
    parent = RunDirectory(run.path.parent)
    with pytest.raises(RequestError, match=r"has no config\.json.*did you mean .*run\?"):
        write_report(parent)
    with pytest.raises(RequestError, match="no such folder"):
        write_report(RunDirectory(run.path / "gone"))
    for wrong in ('{"call": "pair"}', "{", "[]"):
        run.config.write_text(wrong)
        with pytest.raises(RequestError, match=r"config\.json"):
            write_report(run)
    assert sorted(path.name for path in run.path.iterdir()) == ["config.json", "metrics.jsonl"]


def test_a_folder_that_cannot_be_written_to_is_said(written: Written):
    run = written([step_record(1)])
    (run.path / "figures").write_text("in the way")
    with pytest.raises(RequestError, match="figures: is a file, expected a folder"):
        write_report(run)


def test_a_report_is_made_anew_unless_somebody_has_edited_it(written: Written):
    run = written([step_record(1)])
    report = write_report(run)[0]
    first = report.read_bytes()
    run.record(step_record(2))
    write_report(run)
    assert report.read_bytes() != first
    edited = "Mine. " + report.read_text()
    report.write_text(edited)
    with pytest.raises(RequestError, match=r"is not as bridgetune wrote it; .*--force"):
        write_report(run)
    assert report.read_text() == edited
    write_report(run, force=True)
    assert "Mine. " not in report.read_text()
