"""Which methods, images and metrics are compared; what is refused, and what is left out and said so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridgetune import RequestError
from bridgetune.evaluation import Evaluation, MetricInfo
from bridgetune.evaluation.aligning import align_pairs, read_evaluations
from bridgetune.evaluation.comparison import MethodPair
from bridgetune.evaluation.results import IDENTICAL, JPEG
from tests.support.evaluations import METRICS, by_path, evaluation


def without(one: Evaluation, *stems: str) -> Evaluation:
    return one.model_copy(update={"images": {stem: row for stem, row in one.images.items() if stem not in stems}})


def valueless(one: Evaluation, metric: str, *stems: str) -> Evaluation:
    images = {stem: {**row, metric: None} if stem in stems else row for stem, row in one.images.items()}
    return one.model_copy(update={"images": images})


def test_files_and_folders_are_read_in_natural_order(tmp_path: Path):
    for place, name in enumerate(["10", "9", "a"]):
        evaluation(f"net{place}").write(tmp_path / "many" / f"{name}.json")
    evaluation("one").write(tmp_path / "one.json")
    (tmp_path / "many" / "notes.txt").write_text("not looked at")
    found = read_evaluations([tmp_path / "one.json", tmp_path / "many", tmp_path / "one.json"])
    assert [path.stem for path in found] == ["one", "9", "10", "a"]


def test_a_folder_without_evaluations_is_refused(tmp_path: Path):
    with pytest.raises(RequestError, match="no evaluation"):
        read_evaluations([tmp_path])


def test_scores_stand_where_they_belong():
    first, second = evaluation("a"), evaluation("b", 0.1)
    scores = align_pairs(by_path(first, second)).datasets[0]
    assert scores.methods == ("a", "b")
    assert scores.images[:3] == ("01", "02", "03")
    assert scores.of("q_mi")[1, 2] == second.images["03"]["q_mi"]
    assert scores.means("q_mi").tolist() == pytest.approx([first.mean["q_mi"], second.mean["q_mi"]])


def test_methods_are_compared_on_the_images_they_have_in_common():
    comparison = align_pairs(
        by_path(without(evaluation("a"), "02"), evaluation("b"), without(evaluation("c"), "05", "07"))
    )
    assert comparison.datasets[0].images == ("01", "03", "04", "06", "08")
    assert comparison.notes == ("Lytro: 5 of 8 images are common to all methods and compared; left out: 02, 05, 07.",)


def test_no_image_in_common_is_refused():
    left, right = without(evaluation("a", images=4), "03", "04"), without(evaluation("b", images=4), "01", "02")
    with pytest.raises(RequestError, match="Lytro: no image is common to all methods"):
        align_pairs(by_path(left, right))


def test_a_metric_counts_the_images_on_which_all_methods_have_it():
    gappy = valueless(evaluation("a"), "map_error", "02", "03")
    comparison = align_pairs(by_path(gappy, evaluation("b")))
    scores = comparison.datasets[0]
    assert scores.blocks("map_error").shape == (6, 2)
    assert scores.blocks("q_mi").shape == (8, 2)
    expected = np.mean([row["map_error"] for row in without(evaluation("b"), "02", "03").images.values()])
    assert scores.means("map_error")[1] == pytest.approx(expected)
    assert "map_error counts 6 of 8 images" in comparison.notes[0]


def test_a_metric_that_a_method_lacks_is_shown_and_not_ranked_by():
    fused_only = evaluation("a", metrics={name: METRICS[name] for name in ("qabf_weighted", "q_mi")})
    comparison = align_pairs(by_path(fused_only, evaluation("b"), evaluation("c")))
    scores = comparison.datasets[0]
    assert list(scores.metrics) == ["qabf_weighted", "q_mi", "map_error"]
    assert scores.ranked() == ["qabf_weighted", "q_mi"]
    assert np.isnan(scores.means("map_error")[0])
    assert np.isfinite(scores.means("map_error")[1:]).all()
    assert comparison.notes == ("Lytro: map_error has no value for a; shown, but not ranked by.",)


def test_nothing_to_rank_by_is_refused():
    one = evaluation("a", metrics={"q_mi": METRICS["q_mi"]})
    other = evaluation("b", metrics={"map_error": METRICS["map_error"]})
    with pytest.raises(RequestError, match="no metric has values for all of a, b"):
        align_pairs(by_path(one, other))


def test_over_all_datasets_are_the_methods_that_are_on_each():
    comparison = align_pairs(
        by_path(
            *(evaluation(method) for method in "abc"),
            *(evaluation(method, dataset="MFI-WHU", images=5) for method in "bca"),
            evaluation("d"),
        )
    )
    assert comparison.overall is not None
    assert comparison.overall.methods == ("a", "b", "c")
    assert len(comparison.overall.images) == 8 + 5
    assert comparison.overall.images[8] == "MFI-WHU/01"
    first_on_second = evaluation("a", dataset="MFI-WHU", images=5).images["01"]["q_mi"]
    assert comparison.overall.of("q_mi")[0, 8] == first_on_second
    assert comparison.notes == ("Not evaluated on every dataset, and absent over all of them: d.",)


def test_metrics_are_chosen_and_ordered():
    comparison = align_pairs(by_path(evaluation("a"), evaluation("b")), metrics=["map_error", "q_mi"])
    assert list(comparison.datasets[0].metrics) == ["map_error", "q_mi"]
    assert comparison.definitions.keys() == {"map_error", "q_mi"}
    with pytest.raises(RequestError, match="did you mean 'q_mi'"):
        align_pairs(by_path(evaluation("a"), evaluation("b")), metrics=["q_m"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"convention": "paper"}, "conventions 'toolbox' and 'paper'"),
        ({"definitions": {"q_mi": "another"}}, "q_mi is defined differently"),
        (
            {"metrics": {**METRICS, "q_mi": MetricInfo(higher_is_better=False, title="Q_{MI}")}},
            "q_mi differs in unit or direction",
        ),
        ({"method": "a"}, "both are a on Lytro"),
    ],
)
def test_evaluations_that_mean_different_things_are_refused_and_named(change: dict[str, object], said: str):
    given = {Path("one.json"): evaluation("a"), Path("two.json"): evaluation("b").model_copy(update=change)}
    with pytest.raises(RequestError, match=said) as refused:
        align_pairs(given)
    assert "one.json" in str(refused.value)
    assert "two.json" in str(refused.value)


def test_definitions_of_metrics_that_are_not_compared_may_differ():
    other = evaluation("b").model_copy(update={"definitions": {"q_mi": "another"}})
    assert align_pairs(by_path(evaluation("a"), other), metrics=["map_error"]).datasets


def test_one_method_is_nothing_to_compare():
    with pytest.raises(RequestError, match="got evaluations of a, expected two methods"):
        align_pairs(by_path(evaluation("a"), evaluation("a", dataset="MFI-WHU")))


def test_two_methods_that_no_dataset_has_both_of_are_nothing_to_compare():
    with pytest.raises(RequestError, match="got a on Lytro, b on MFI-WHU, expected two methods on one dataset"):
        align_pairs(by_path(evaluation("a"), evaluation("b", dataset="MFI-WHU")))


def test_pairs_are_found_by_name():
    names = ["MSFIN", "BridgeMFF + bridgetune", "MSFIN+BridgeTune", "bridgemff", "GACN", "x+BridgeTune"]
    comparison = align_pairs(by_path(*map(evaluation, names)))
    assert comparison.pairs == (
        MethodPair("bridgemff", "BridgeMFF + bridgetune", "bridgemff"),
        MethodPair("MSFIN", "MSFIN+BridgeTune", "MSFIN"),
    )
    (note,) = comparison.notes
    assert note.startswith("By their names, bridgemff is before, BridgeMFF + bridgetune after; MSFIN is before, MSFIN+")
    assert note.endswith("; --before and --after name others.")


def test_pairs_are_named():
    given = by_path(evaluation("old"), evaluation("new"), evaluation("other"))
    assert align_pairs(given).pairs == ()
    assert align_pairs(given, before=["old", "old"], after=["new", "other"]).pairs == (
        MethodPair("old", "new"),
        MethodPair("old", "other"),
    )
    with pytest.raises(RequestError, match="--after: no method is called 'nww'; did you mean 'new'"):
        align_pairs(given, before=["old"], after=["nww"])
    with pytest.raises(RequestError, match="--before is given 1 times, --after 0 times"):
        align_pairs(given, before=["old"])


def test_which_of_two_methods_is_before_is_asked_and_not_guessed():
    given = by_path(evaluation("old net"), evaluation("new"))
    comparison = align_pairs(given)
    assert comparison.pairs == ()
    (note,) = comparison.notes
    assert "Which of old net and new is before cannot be known" in note
    assert "--before 'old net' --after new or the other way round" in note
    named = align_pairs(given, before=["new"], after=["old net"])
    assert named.pairs == (MethodPair("new", "old net"),)
    assert named.notes == ()


def test_results_that_were_stored_as_jpeg_are_pointed_out():
    lossy = evaluation("lossy").model_copy(update={"settings": {JPEG: 5}})
    (note, *_) = align_pairs(by_path(lossy, evaluation("b"), evaluation("c"))).notes
    assert note.startswith("Lytro: 5 of 8 fused images of lossy were stored as JPEG, which alone costs")


def test_images_that_are_identical_to_the_truth_are_counted_and_left_out():
    infos = {**METRICS, "psnr": MetricInfo(higher_is_better=True, title="PSNR", unit="dB")}
    exact, other, third = (evaluation(name, metrics=infos) for name in ("exact", "other", "third"))
    exact = valueless(exact, "psnr", "02", "05").model_copy(update={"settings": {IDENTICAL: ["02", "05"]}})
    given = by_path(exact, other, third)
    comparison = align_pairs(given)
    scores = comparison.datasets[0]
    assert scores.counted("psnr").sum() == 6
    kept = [row["psnr"] for stem, row in other.images.items() if stem not in ("02", "05")]
    assert scores.means("psnr")[1] == pytest.approx(np.mean(np.array(kept, float)))
    said = "Lytro: 2 of 8 fused images of exact are identical to the all-in-focus image, and without PSNR: 02, 05."
    assert said in comparison.notes
    assert said not in align_pairs(given, metrics=["q_mi"]).notes
