"""A roster's methods evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridgetune.data import write_image
from bridgetune.errors import RequestError
from bridgetune.evaluation.mustering import EVALUATIONS, muster
from bridgetune.evaluation.results import Evaluation
from bridgetune.evaluation.roster import Roster, RosterDataset, RosterMethod


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pairs of noise in pairs/, and saved results of them in results/."""
    rng = np.random.default_rng(0)
    for stem in ("1", "2"):
        for place in ("pairs/A", "pairs/B", "results/Small/saved"):
            write_image(tmp_path / place / f"{stem}.png", rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
    return tmp_path


def roster(folder: Path, *more: RosterMethod) -> Roster:
    methods = [
        RosterMethod(name="pyramid", generator="laplacian-pyramid"),
        RosterMethod(name="saved", fused=str(folder / "results/{dataset}/saved")),
        RosterMethod(name="clean", generator="modified-laplacian", options={"window": 5}, smooth=["small-regions"]),
        *more,
    ]
    return Roster(methods=methods, datasets=[RosterDataset(name="Small", sources=folder / "pairs")], workers=1)


def test_generators_evaluators_and_saved_results_are_mixed_and_what_is_missing_is_left_out_by_name(folder: Path):
    absent = [
        RosterMethod(name="absent", fused=str(folder / "results/{dataset}/absent")),
        RosterMethod(name="unlearned", generator="modified-laplacian", weights=folder / "nothing.pth"),
        RosterMethod(name="unknown", generator="modified-laplacia"),
    ]
    found = muster(roster(folder, *absent), folder / "out")
    assert [one.method for one in found.evaluations.values()] == ["pyramid", "saved", "clean"]
    assert all(one.dataset == "Small" and set(one.images) == {"1", "2"} for one in found.evaluations.values())
    named = dict(zip(["absent", "unlearned", "unknown"], found.left_out, strict=True))
    for name, line in named.items():
        assert line.startswith(f"{name} is left out on Small: ")
    assert "absent: no such folder" in named["absent"]
    assert "nothing.pth: no such file" in named["unlearned"]
    assert "did you mean 'modified-laplacian'?" in named["unknown"]
    kept = folder / "out" / EVALUATIONS / "small" / "clean.json"
    assert Evaluation.read(kept).settings["smooth"] == ["small-regions"]
    assert Evaluation.read(kept).settings["options"] == {"window": 5}


def test_what_was_measured_is_measured_again_only_where_it_would_be_another(folder: Path):
    told: list[str] = []

    def again(asked: Roster) -> list[str]:
        told.clear()
        muster(asked, folder / "out", lambda what, *_: told.append(what))
        return sorted(set(told))

    assert again(roster(folder)) == ["clean on Small", "pyramid on Small", "saved on Small"]
    assert again(roster(folder)) == []
    write_image(folder / "results/Small/saved/2.png", np.zeros((20, 24, 3), np.uint8))
    assert again(roster(folder)) == ["saved on Small"]
    pyramid, saved, clean = roster(folder).methods
    other = roster(folder).model_copy(update={"methods": [pyramid, saved, clean.model_copy(update={"smooth": []})]})
    assert again(other) == ["clean on Small"]


def test_where_nothing_is_there_the_first_is_said(folder: Path):
    nothing = roster(folder).model_copy(update={"datasets": [RosterDataset(name="Large", sources=folder / "large")]})
    with pytest.raises(RequestError, match=r"^no method could be evaluated; Large is left out: .*A: no such folder"):
        muster(nothing, folder / "out")
    (folder / "other").mkdir()
    (folder / "other" / "report.md").write_text("mine", encoding="utf-8")
    with pytest.raises(RequestError, match="is of something else; name another folder"):
        muster(roster(folder), folder / "other")
