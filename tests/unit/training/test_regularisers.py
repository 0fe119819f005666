"""Terms computed from the map alone: those of the table, and one of somebody else's, from its function to its curve."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from bridgetune import Adapter, RequestError, TuneConfig, WorkError, finetune
from bridgetune.data import References, SyntheticPairs, UnlabelledPairs
from bridgetune.runs.curves import weighted_terms
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.history import History
from bridgetune.terms import TERMS, Term
from bridgetune.training.regularisers import regularisers
from tests.support.runs import losses, stage2
from tests.support.small import SIDE, Folders, sharpness
from tests.support.steps import batch, forward_pass, networks
from tests.support.terms import Registering


def second_share(logits: Tensor) -> Tensor:
    """Share of the map that is given to the second image."""
    return torch.sigmoid(-logits).mean()


def disagreement(logits: Tensor, swapped: Tensor) -> Tensor:
    return (logits + swapped).abs().mean()


SHARE = Term("second_share", "the first image is favoured", function=second_share, default_weight=0.5)


@pytest.fixture
def tuned(
    generator: Adapter, pairs: SyntheticPairs, references: References, tmp_path: Path, registering: Registering
) -> RunDirectory:
    """A run of stage 2 with a term of somebody else's, at its default weight."""
    registering(SHARE)
    finetune(generator, pairs, references, stage2(4, tensorboard=True, alpha=0.01), run_dir=tmp_path / "run")
    return RunDirectory(tmp_path / "run")


def test_a_registered_term_is_minimised_with_its_weight_and_recorded(tuned: RunDirectory):
    records = losses(tuned.path)
    assert len(records) == 4
    for record in records:
        assert 0 < record["second_share"] < 1
        added = record["supervised"] + 0.5 * record["second_share"] + 0.01 * record["adversarial"]
        assert record["loss"] == pytest.approx(added, rel=1e-5)
    assert json.loads(tuned.config.read_text())["config"]["term_weights"] == {"second_share": 0.5}


def test_a_registered_term_is_in_the_report_its_charts_and_tensorboard(tuned: RunDirectory):
    (row,) = [line for line in (tuned.path / "report.md").read_text().splitlines() if "`second_share`" in line]
    assert row.endswith("| the first image is favoured |")
    history = History(tuned)
    terms, leading = weighted_terms(history)
    assert terms["0.5·second_share"].values == pytest.approx(0.5 * history.series("second_share").values)
    added = sum(series.values for label, series in terms.items() if label != leading)
    assert added == pytest.approx(terms[leading].values, rel=1e-5)
    events = EventAccumulator(str(tuned.tensorboard)).Reload().Scalars("loss/second share")
    assert [event.value for event in events] == pytest.approx(history.series("second_share").values)


def test_without_the_code_of_a_term_its_run_is_still_told_in_full(tuned: RunDirectory, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(TERMS, "second_share")
    history = History(tuned)
    assert [term.name for term in history.terms()][-1] == "second_share"
    assert "0.5·second_share" in weighted_terms(history)[0]


def test_the_weight_that_is_given_decides_what_is_learned(
    pairs: SyntheticPairs, references: References, registering: Registering, tmp_path: Path
):
    registering(SHARE)
    shares = []
    for weight in (0.0, 50.0):
        run, config = tmp_path / str(weight), stage2(8, learning_rate=1e-2, term_weights={"second_share": weight})
        finetune(sharpness(), pairs, references, config, run_dir=run)
        shares.append(losses(run)[-1]["second_share"])
    assert shares[1] < shares[0] - 0.05


def test_a_term_that_is_registered_after_the_settings_were_made_is_trained_and_written_down(
    generator: Adapter, pairs: SyntheticPairs, references: References, registering: Registering, tmp_path: Path
):
    config = stage2(1)
    registering(SHARE)
    finetune(generator, pairs, references, config, run_dir=tmp_path)
    assert "second_share" in losses(tmp_path)[0]
    assert json.loads((tmp_path / "config.json").read_text())["config"]["term_weights"] == {"second_share": 0.5}


def test_a_term_of_unlabelled_pairs_sees_either_order(
    generator: Adapter, references: References, folders: Folders, registering: Registering, tmp_path: Path
):
    registering(Term("disagreement", "a map and its opposite", function=disagreement, pairs="unlabelled", swapped=True))
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "A").symlink_to(folders.clear)
    (tmp_path / "new" / "B").symlink_to(folders.blurred)
    unlabelled = UnlabelledPairs(tmp_path / "new", size=SIDE, fit="crop")
    finetune(generator, None, references, stage2(1), unlabelled=unlabelled, run_dir=tmp_path / "run")
    assert losses(tmp_path / "run")[0]["disagreement"] > 0
    assert "| unlabelled pairs: a map and its opposite |" in (tmp_path / "run" / "report.md").read_text()


def test_terms_are_of_the_pairs_that_they_are_for(registering: Registering):
    registering(SHARE)
    made = networks()
    all_terms = regularisers(TuneConfig())
    labelled = {one.term.name for one in all_terms if one.of(forward_pass(made)) is not None}
    both = {one.term.name for one in all_terms if one.of(forward_pass(made, batch(unlabelled=1))) is not None}
    unlabelled = {name for name, term in TERMS.items() if term.pairs == "unlabelled" and term.function is not None}
    assert "second_share" in labelled
    assert unlabelled >= {"swap", "binary", "variation"}
    assert both == labelled | unlabelled
    assert not labelled & unlabelled


def test_weights_are_those_of_the_settings(registering: Registering):
    registering(SHARE)
    config = TuneConfig(swap_weight=2.0, binary_weight=3.0, variation_weight=4.0, term_weights={"second_share": 5.0})
    weights = {one.term.name: one.weight for one in regularisers(config)}
    assert weights.items() >= {"swap": 2.0, "binary": 3.0, "variation": 4.0, "second_share": 5.0}.items()


def test_a_function_that_cannot_be_imported_is_refused_before_anything_is_written(
    generator: Adapter, pairs: SyntheticPairs, references: References, registering: Registering, tmp_path: Path
):
    registering(Term("gone", "", function="bridgetune.losses:no_such"))
    with pytest.raises(RequestError, match=r"term 'gone': bridgetune\.losses:no_such cannot be imported \(Attribute"):
        finetune(generator, pairs, references, stage2(1), run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("function", "said"),
    [(lambda logits: logits.mean((1, 2, 3)), r"a tensor of \(2,\)"), (lambda logits: 0.0, "a float")],
)
def test_a_function_that_gives_no_scalar_is_named(function, said: str, registering: Registering):
    registering(Term("odd", "", function=function))
    odd = regularisers(TuneConfig())[-1]
    with pytest.raises(WorkError, match=rf"term 'odd': its function gave {said}, expected a scalar tensor"):
        odd.of(forward_pass(networks()))
