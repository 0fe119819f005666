"""Images that are measured elsewhere have the scores that they have here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridgetune.errors import RequestError
from bridgetune.evaluation import Evaluation, evaluate
from bridgetune.evaluation.many import UnmeasuredError
from bridgetune.pictures import write_image
from bridgetune.protocol import Evaluator
from bridgetune.stores import listed, made
from tests.support.hands import here, stopping_after
from tests.support.stores import bucket

__all__ = ["bucket"]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """Three pairs, their all-in-focus images, and results of some method."""
    for number in range(3):
        for place, name in enumerate(("A", "B", "clear", "fused")):
            noise = np.random.default_rng(4 * number + place).integers(0, 256, (40, 48, 3), np.uint8)
            write_image(tmp_path / "set" / name / f"{number}.png", noise)
    return tmp_path / "set"


def same(first: Evaluation, second: Evaluation) -> None:
    assert first.model_copy(update={"settings": {}}) == second.model_copy(update={"settings": {}})


def test_saved_results_and_a_methods_own_have_the_scores_of_here(sources: Path, tmp_path: Path):
    given: dict[str, Any]
    for given in ({"fused": sources / "fused"}, {"generator": "modified-laplacian"}):
        same(evaluate(sources, hands=here, **given), evaluate(sources, workers=1, **given))
    with pytest.raises(RequestError, match="hands: given with a generator that is open"):
        evaluate(sources, hands=here, generator=Evaluator("mean", lambda first, second: (first + second) / 2))


def test_scores_are_kept_until_there_are_all(sources: Path, tmp_path: Path):
    journal, given = tmp_path / "scores.jsonl", {"fused": sources / "fused"}
    with pytest.raises(KeyboardInterrupt):
        evaluate(sources, hands=stopping_after(1), journal=journal, **given)
    _, line = journal.read_text().splitlines()
    write_image(sources / "B" / "0.png", np.zeros((5, 6, 3), np.uint8))
    with pytest.raises(UnmeasuredError, match=r"1 of 3 images could not be measured: 0: .*expected one size") as raised:
        evaluate(sources, hands=here, journal=journal, **given)
    assert raised.value.failed.keys() == {"0"}
    with pytest.raises(RequestError, match="begun with convention=toolbox, now asked for paper"):
        evaluate(sources, hands=here, journal=journal, convention="paper", **given)
    write_image(sources / "B" / "0.png", np.random.default_rng(1).integers(0, 256, (40, 48, 3), np.uint8))
    write_image(sources / "fused" / "2.png", np.zeros((40, 48, 3), np.uint8))
    found = evaluate(sources, hands=here, journal=journal, **given)
    assert list(found.images) == ["0", "1", "2"]
    assert found.images["2"]["psnr"] == json.loads(line)["2"]["psnr"], "it was measured again"
    assert not journal.exists()


def test_sources_and_what_is_kept_may_lie_on_a_store(sources: Path, bucket: str):
    folder, keep = Path(f"s3://{bucket}/set"), Path(f"s3://{bucket}/kept")
    for path in sources.glob("*/*.png"):
        with made(folder / path.parent.name / path.name) as (place,):
            place.write_bytes(path.read_bytes())
    given = {"generator": "modified-laplacian"}
    found = evaluate(folder, hands=here, keep=keep, **given)
    same(found, evaluate(sources, workers=1, **given))
    assert found.settings["sources"] == f"s3://{bucket}/set"
    assert {path.name for path in listed(keep / "fused")} == {"0.png", "1.png", "2.png"}
    with pytest.raises(RequestError, match=rf"s3://{bucket}/kept/fused/0\.png: exists already"):
        evaluate(folder, hands=here, keep=keep, **given)
    same(evaluate(folder, hands=here, fused=folder / "fused"), evaluate(sources, workers=1, fused=sources / "fused"))
