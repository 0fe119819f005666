"""`bridgetune compare --sweep` as a user runs it: killed and started again, with runs that fail, with wrong files."""

from __future__ import annotations

import csv
import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from bridgetune import RequestError, TuneConfig, WorkError, finetune
from bridgetune.cli import main
from bridgetune.evaluation.results import Evaluation
from bridgetune.locking import LOCK, OWNER
from bridgetune.sweeps import read_sweep, run_sweep
from bridgetune.training import TrainingResult
from bridgetune.wrapping import Adapter
from tests.support.commands import refused, started, succeeds
from tests.support.runs import losses
from tests.support.small import Folders

pytestmark = pytest.mark.usefixtures("undrawn")

STAGE = """
batch = 2
size = 32
fit = "crop"
workers = 0
device = "cpu"
validation_share = 0
checkpoint_every = 2
"""

SWEEP = f"""
seeds = [0, 1]

[[backbones]]
generator = "bridgemff"
name = "BridgeMFF"

[[backbones]]
generator = "drpl"
name = "DRPL"
options = {{ width = 4, blocks = 1 }}
finetune = {{ steps = 20 }}

[data]
images = "IMAGES"
masks = "MASKS"
clear = "CLEAR"
blurred = "BLURRED"

[[datasets]]
demo = true
longest_side = 48
name = "Demo"

[pretrain]
steps = 2
{STAGE}
[finetune]
steps = 2
{STAGE}
[evaluation]
workers = 1

[cost]
size = [32, 32]
repeats = 1
"""

BACKBONES, SEEDS, STAGES = ("bridgemff", "drpl"), (0, 1), ("supervised", "bridgetune-alpha-1e-4")


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of pictures this small a second thread makes nothing faster."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def written(folders: Folders, path: Path, text: str = SWEEP) -> Path:
    """A sweep's file on the folders of the other tests."""
    for name in Folders._fields:
        text = text.replace(f'"{name.upper()}"', json.dumps(str(getattr(folders, name))))
    path.write_text(text)
    return path


def smaller(text: str = SWEEP) -> str:
    """One backbone and one seed."""
    head, _, rest = text.partition("[[backbones]]\n")
    _, _, second = rest.partition("[[backbones]]\n")
    return head.replace("[0, 1]", "[0]") + "[[backbones]]\n" + second


def stamps(out: Path) -> dict[Path, tuple[int, bytes]]:
    """Every file of the runs that have been evaluated -> when it was written, and what is in it."""
    done = [path.parent.parent for path in out.glob("runs/*/*/*/evaluations/*.json")]
    files = [file for folder in done for file in folder.rglob("*") if file.is_file()]
    return {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


@pytest.mark.slow
def test_killed_half_way_and_started_again_it_redoes_nothing_that_was_finished(folders: Folders, tmp_path: Path):
    asked, out = written(folders, tmp_path / "sweep.toml"), tmp_path / "out"
    command = ["compare", "--sweep", str(asked), "--out", str(out), "--metric", "q_mi", "--json"]
    # half-way: seed 0 is done but for DRPL's stage 2, which is in its third step
    under_way = out / "runs" / "drpl" / "seed-0" / "bridgetune-alpha-1e-4" / "training"
    process = started(*command)
    while len(losses(under_way)) < 3:
        assert process.goes_on(), "the sweep ended before it could be killed"
        time.sleep(0.005)
    process.killed()
    finished, begun = stamps(out), losses(under_way)
    assert {path.relative_to(out).parts[1:4] for path in finished} == {
        *(("bridgemff", "seed-0", stage) for stage in STAGES),
        ("drpl", "seed-0", "supervised"),
    }
    assert len(begun) < 20, "the run was over"

    told = json.loads(succeeds(*command))
    states = {Path(one["folder"]).relative_to(out / "runs").as_posix(): one["state"] for one in told["runs"][:8]}
    assert [name for name, state in states.items() if state == "kept"] == [
        "bridgemff/seed-0/supervised",
        "bridgemff/seed-0/bridgetune-alpha-1e-4",
        "drpl/seed-0/supervised",
    ]
    assert {path: stamp for path, stamp in stamps(out).items() if path in finished} == finished
    records = losses(under_way)
    assert records[:2] == begun[:2], "what is before its checkpoint was run again, or lost"
    assert [record["step"] for record in records] == list(range(1, 21))
    assert states.keys() == {f"{name}/seed-{seed}/{stage}" for name in BACKBONES for seed in SEEDS for stage in STAGES}

    # Table 4: means and spreads over the seeds are those of the runs' own evaluations
    rows = list(csv.DictReader((out / "tables" / "before-after-demo.csv").open()))
    assert [(row["Network"], row["BridgeTune"]) for row in rows] == [
        *(("BridgeMFF", "✗"), ("", "✓"), ("Enhancement (%)", "")),
        *(("DRPL", "✗"), ("", "✓"), ("Enhancement (%)", "")),
    ]
    for row, (name, stage) in zip(
        [rows[0], rows[1], rows[3], rows[4]], ((name, stage) for name in BACKBONES for stage in STAGES), strict=True
    ):
        first, second = (
            Evaluation.read(out / "runs" / name / f"seed-{seed}" / stage / "evaluations" / "demo.json").mean["q_mi"]
            for seed in SEEDS
        )
        assert float(row["q_mi"]) == pytest.approx((first + second) / 2)
        assert float(row["q_mi_std"]) == pytest.approx(abs(first - second) / 2**0.5)
    assert "mean ± standard deviation over the seeds 0 and 1" in (out / "report.md").read_text()
    # Table 6: the count of the network's own documentation
    cost = {row["Network"]: row for row in csv.DictReader((out / "tables" / "cost.csv").open())}
    assert float(cost["BridgeMFF"]["parameters"]) * 1e6 == 49673
    assert all(float(row["seconds"]) > 0 for row in cost.values())

    # a process that was killed as a run ended has left what says that it has the folder, and no report
    ended = out / "runs" / "drpl" / "seed-0" / "supervised" / "training"
    for name in (LOCK, OWNER):
        (ended / name).touch()
    (ended / "report.md").unlink()
    assert {outcome.state for outcome in run_sweep(read_sweep(asked), out).outcomes} == {"kept"}
    assert [path.name for path in ended.glob(".*")] == []
    assert (ended / "report.md").is_file()

    # once more: nothing at all is made, and other settings are refused before anything is touched
    everything = stamps(out)
    assert {outcome.state for outcome in run_sweep(read_sweep(asked), out).outcomes} == {"kept"}
    written(folders, asked, SWEEP.replace("steps = 2\n", "steps = 3\n", 1))
    with pytest.raises(RequestError, match=r"supervised and 7 more: made with pretrain\.duration\.steps=2"):
        run_sweep(read_sweep(asked), out)
    assert stamps(out) == everything


@pytest.mark.slow
@pytest.mark.usefixtures("logging_as_it_was")
def test_a_run_that_fails_is_told_and_the_others_are_done(
    folders: Folders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Of two α the first ends in a loss that is no longer finite."""

    def overflows(generator: Adapter, pairs: Any, references: Any, config: TuneConfig, **others: Any) -> TrainingResult:
        if config.alpha == 3:
            raise WorkError("step 1: the loss is nan")
        return finetune(generator, pairs, references, config, **others)

    monkeypatch.setattr("bridgetune.sweeps.running.finetune", overflows)
    text = "alphas = [3.0, 1e-4]\n" + smaller().replace("finetune = { steps = 20 }", "")
    out = tmp_path / "out"
    asked = written(folders, tmp_path / "sweep.toml", text)
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--sweep", str(asked), "--out", str(out), "--metric", "q_mi"])
    assert ended.value.code == 1
    finished = capsys.readouterr()
    assert "1 of 4 failed: DRPL, seed 0, α 3: step 1: the loss" in finished.err.splitlines()[-1]
    assert "WorkError" in (out / "runs" / "drpl" / "seed-0" / "bridgetune-alpha-3" / "failure.txt").read_text()
    assert "Mean scores by α of Eq. 12, on Demo, 4 images; seed 0." in finished.out
    alphas = [row["α"] for row in csv.DictReader((out / "tables" / "alpha-demo.csv").open())]
    assert alphas == ["1e-4"]
    report = (out / "report.md").read_text()
    assert "Failed: DRPL, seed 0, α 3" in report
    assert "DRPL+BridgeTune: 0 of 1 seeds are there" in report

    # what failed may be asked for otherwise, what is done may not
    written(folders, asked, text.replace("[finetune]", "[finetune]\nlearning_rate = 1e-4"))
    with pytest.raises(RequestError, match=r"made with finetune\.learning_rate=0\.0006, the sweep now has 0\.0001"):
        run_sweep(read_sweep(asked), out)
    shutil.rmtree(out / "runs/drpl/seed-0/bridgetune-alpha-1e-4")
    again = run_sweep(read_sweep(asked), out)
    assert [outcome.state for outcome in again.outcomes] == ["kept", "failed", "made", "kept"]
    failed = json.loads((out / "runs/drpl/seed-0/bridgetune-alpha-3/settings.json").read_text())
    assert failed["finetune"]["learning_rate"] == 1e-4

    # what is trained already goes into another sweep as it is
    product = 'generator = "out/runs/drpl/seed-0/supervised/training/generator"'
    text = text.replace('generator = "drpl"', product).replace("options = { width = 4, blocks = 1 }", "")
    asked = written(folders, tmp_path / "given.toml", text.replace("alphas = [3.0, 1e-4]", "bridgetune = [false]"))
    given, kept = run_sweep(read_sweep(asked), tmp_path / "given"), out / "runs/drpl/seed-0/supervised"
    assert [outcome.name for outcome in given.outcomes] == ["DRPL, as given", "DRPL, cost"]
    (scores,) = given.evaluations.values()
    assert scores["Demo"].mean == pytest.approx(Evaluation.read(kept / "evaluations" / "demo.json").mean)


def test_without_an_adversarial_loss_no_references_are_needed(folders: Folders, tmp_path: Path):
    text = smaller().replace("steps = 20", "steps = 1").replace('clear = "CLEAR"\nblurred = "BLURRED"\n', "")
    asked = written(folders, tmp_path / "sweep.toml", "alphas = [0]\n" + text)
    outcomes = run_sweep(read_sweep(asked), tmp_path / "out").outcomes
    assert {outcome.state for outcome in outcomes} == {"made"}
    written(folders, asked, "alphas = [0, 1e-4]\n" + text)
    with pytest.raises(RequestError, match=r"BridgeTune needs references, clear and blurred; or alphas = \[0\]"):
        read_sweep(asked)


def test_what_is_not_there_is_refused_before_anything_is_written(folders: Folders, tmp_path: Path):
    fine = smaller()
    wrong = [
        (fine.replace("width = 4", "widht = 4"), "backbone DRPL: generator 'drpl' does not take the options"),
        (fine.replace('"drpl"', '"drlp"'), "backbone DRPL: unknown generator 'drlp'"),
        (fine.replace('"drpl"', '"mine:make"'), "backbone DRPL: options are for a plugin's network"),
        (fine.replace('"IMAGES"', '"nowhere"'), "nowhere: no such folder"),
        (fine.replace("demo = true\nlongest_side = 48", 'sources = "nowhere"'), "nowhere/A: no such folder"),
    ]
    for text, said in wrong:
        with pytest.raises(RequestError, match=said):
            run_sweep(read_sweep(written(folders, tmp_path / "sweep.toml", text)), tmp_path / "out")
        assert not (tmp_path / "out").exists()


def test_wrong_requests_are_refused_in_a_line(folders: Folders, tmp_path: Path):
    out, sweep = tmp_path / "out", written(folders, tmp_path / "sweep.toml", smaller())
    line = refused("compare", "--sweep", sweep, "--out", out, "--metric", "qmi")
    assert "no such metric; did you mean 'q_mi'?" in line
    assert "expected --out DIR" in refused("compare", "--sweep", sweep)
    assert "--before beside --sweep" in refused("compare", "--sweep", sweep, "--out", out, "--before", "a")
    assert "expected evaluations" in refused("compare")
    written(folders, sweep, smaller().replace("seeds", "seedz"))
    assert "sweep.toml: seedz: no such key; did you mean 'seeds'?" in refused("compare", "--sweep", sweep, "--out", out)
    assert not out.exists()
