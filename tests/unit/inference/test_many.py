"""Pairs that are handed out: the files of `fuse_folder`, wherever they lie."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridgetune.errors import RequestError
from bridgetune.filling import RECORD
from bridgetune.inference import fuse_folder
from bridgetune.inference.folders import PairSettings
from bridgetune.inference.many import FusingPairs, by_itself, fuse_folder_by
from bridgetune.opening import Opening
from bridgetune.pictures import write_image
from bridgetune.protocol import Evaluator
from bridgetune.stores import fetched, listed, made
from tests.support.hands import here, stopping_after
from tests.support.sources import noise_in
from tests.support.stores import bucket

__all__ = ["bucket"]

METHOD = Opening("modified-laplacian")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return noise_in(tmp_path / "sources", 4, 24, 32)


@pytest.fixture
def expected(sources: Path, tmp_path: Path) -> dict[str, bytes]:
    """Name of a fused image -> what is in it."""
    out = tmp_path / "expected"
    list(fuse_folder(METHOD.open(), sources, out))
    return {path.name: path.read_bytes() for path in out.iterdir()}


def fused(hands: Any, out: Path, folder: Path, force: bool = False, **settings: Any) -> dict[str, str]:
    """Stem -> why it failed; of those that were worked on."""
    work = FusingPairs(METHOD, PairSettings(**settings), out)
    told = [done for done, _, _ in fuse_folder_by(hands, work, folder, force=force) if done is not None]
    return {done.item.stem: done.failure for done in told}


def test_what_was_begun_is_gone_on_with(sources: Path, tmp_path: Path, expected: dict[str, bytes]):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        fused(stopping_after(2), out, sources)
    assert sorted(path.name for path in out.iterdir()) == [RECORD, "2.png", "3.png"]
    with pytest.raises(RequestError, match="begun with blend=feather, now asked for none"):
        fused(here, out, sources, blend="none")
    assert fused(here, out, sources) == {"0": "", "1": ""}
    assert {path.name: path.read_bytes() for path in out.iterdir()} == expected


def test_what_cannot_be_read_or_has_another_size_is_told(
    sources: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.WARNING, "bridgetune")
    (sources / "A" / "0.png").write_bytes(b"no picture")
    write_image(sources / "B" / "1.png", np.zeros((5, 6, 3), np.uint8))
    (sources / "B" / "2.png").unlink()
    failed = fused(here, tmp_path / "out", sources)
    assert "A/0.png" in failed["0"]
    assert "must have one size" in failed["1"]
    assert failed["3"] == ""
    assert failed.keys() == {"0", "1", "3"}
    assert "no file of this stem in B" in caplog.text


def test_hands_of_this_process_make_the_same_and_go_on_where_they_were(
    sources: Path, tmp_path: Path, expected: dict[str, bytes], caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.WARNING, "bridgetune")
    hands, out = by_itself(METHOD.open()), tmp_path / "out"
    (sources / "A" / "0.png").rename(tmp_path / "whole.png")
    (sources / "A" / "0.png").write_bytes(b"no picture")
    failed = fused(hands, out, sources)
    assert "A/0.png" in failed.pop("0")
    assert failed == {"1": "", "2": "", "3": ""}
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.png")}
    (tmp_path / "whole.png").rename(sources / "A" / "0.png")
    assert fused(hands, out, sources) == {"0": ""}
    assert f"{out}: 3 of 4 pairs are there from an earlier start" in caplog.text
    assert {path.name: path.read_bytes() for path in out.iterdir()} == expected
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before


def test_what_no_pair_can_be_fused_by_is_refused_before_anything_is_written(sources: Path, tmp_path: Path):
    (sources / "A" / "0.png").write_bytes(b"no picture")
    before = sorted(tmp_path.rglob("*"))
    mean = Evaluator("mean", lambda first, second: (first + second) / 2)
    with pytest.raises(RequestError, match="recipe released: mean is an evaluator"):
        fused(by_itself(mean), tmp_path / "out", sources, recipe="released")
    assert sorted(tmp_path.rglob("*")) == before


def test_no_source_is_written_over(sources: Path):
    with pytest.raises(RequestError, match="holds the sources"):
        fused(here, sources / "A", sources, force=True)


def test_pictures_on_a_store_are_fused_there(sources: Path, bucket: str, expected: dict[str, bytes]):
    folder, out = Path(f"s3://{bucket}/pairs"), Path(f"s3://{bucket}/fused")
    for path in sources.glob("*/*.png"):
        with made(folder / path.parent.name / path.name) as (place,):
            place.write_bytes(path.read_bytes())
    with pytest.raises(KeyboardInterrupt):
        fused(stopping_after(1), out, folder)
    assert {path.name for path in listed(out)} == {RECORD, "3.png"}
    assert fused(here, out, folder) == {"0": "", "1": "", "2": ""}
    assert {path.name for path in listed(out)} == expected.keys()
    for name, content in expected.items():
        with fetched(out / name) as (near,):
            assert near.read_bytes() == content
    with pytest.raises(RequestError, match=rf"s3://{bucket}/fused/0\.png and 3 more: exists already"):
        fused(here, out, folder)
    with pytest.raises(RequestError, match="holds the sources"):
        fused(here, folder / "A", folder)
