"""Training pairs that are made elsewhere are those of `make_dataset`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridgetune.data import make_dataset
from bridgetune.data.many import UnmadeError, make_dataset_by
from bridgetune.errors import RequestError
from bridgetune.pictures import write_image
from bridgetune.stores import made
from tests.support.hands import here, stopping_after
from tests.support.scenes import write_scene
from tests.support.stores import bucket

__all__ = ["bucket"]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Photographs and masks: four scenes, one that cannot be read, one of another size, one without a mask."""
    root = tmp_path / "scenes"
    for stem in ("1", "2", "10", "11", "damaged", "large", "alone"):
        write_scene(root, stem)
    (root / "image" / "damaged.png").write_bytes(b"no picture")
    write_image(root / "mask" / "large.png", np.zeros((50, 60), np.uint8))
    (root / "mask" / "alone.png").unlink()
    return root / "image", root / "mask"


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("fit", ["crop", "resize"])
def test_the_same_files_come_of_it(folders: tuple[Path, Path], tmp_path: Path, fit: str):
    given = {"size": 16, "fit": fit, "seed": 3}
    record = make_dataset(*folders, tmp_path / "here", **given)
    assert make_dataset_by(here, *folders, tmp_path / "there", **given) == record
    assert files_in(tmp_path / "there") == files_in(tmp_path / "here")
    assert record.count == 4


def test_what_was_begun_is_gone_on_with(folders: tuple[Path, Path], tmp_path: Path):
    out = tmp_path / "there"
    with pytest.raises(KeyboardInterrupt):
        make_dataset_by(stopping_after(4), *folders, out, size=16)
    partial = tmp_path / ".there.bridgetune-partial"
    before = {path: path.stat().st_mtime_ns for path in partial.rglob("*.png")}
    assert before
    assert not out.exists()
    with pytest.raises(RequestError, match="begun with seed=0, now asked for 1"):
        make_dataset_by(here, *folders, out, size=16, seed=1)
    make_dataset_by(here, *folders, out, size=16)
    assert {path: (out / path.relative_to(partial)).stat().st_mtime_ns for path in before} == before
    make_dataset(*folders, tmp_path / "here", size=16)
    assert files_in(out) == files_in(tmp_path / "here")
    with pytest.raises(RequestError, match="not empty"):
        make_dataset_by(here, *folders, out, size=16)


def test_what_fails_is_told_and_tried_again(folders: tuple[Path, Path], tmp_path: Path):
    out = tmp_path / "there"

    def failing(work, items):  # type: ignore[no-untyped-def]
        for done in here(work, items):
            yield done if done.item[0].stem != "10" else type(done)(done.item, failure="its process died")

    with pytest.raises(UnmadeError, match="1 of 6 pairs could not be made: 10: its process died"):
        make_dataset_by(failing, *folders, out, size=16)
    assert make_dataset_by(here, *folders, out, size=16).count == 4


def test_photographs_may_lie_on_a_store_and_pairs_may_not(folders: tuple[Path, Path], tmp_path: Path, bucket: str):
    stored = [Path(f"s3://{bucket}/{folder.name}") for folder in folders]
    for folder, there in zip(folders, stored, strict=True):
        for path in folder.iterdir():
            with made(there / path.name) as (place,):
                place.write_bytes(path.read_bytes())
    make_dataset(*folders, tmp_path / "here", size=16)
    make_dataset_by(here, *stored, tmp_path / "there", size=16)
    assert files_in(tmp_path / "there") == files_in(tmp_path / "here")
    with pytest.raises(RequestError, match=r"s3://.*: on an object store, expected a folder"):
        make_dataset_by(here, *stored, Path(f"s3://{bucket}/made"), size=16)
