from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from bridgetune.data import FolderPairs, make_dataset, multi_focus_pair, read_image, read_mask
from bridgetune.data.stored import UnlabelledPairs, sources_of
from bridgetune.errors import RequestError, WorkError
from bridgetune.files import half_made
from bridgetune.locking import held_beside


def files(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def make(scenes, out, **options):
    return make_dataset(scenes / "image", scenes / "mask", out, **{"size": 16, **options})


def test_a_dataset_holds_a_pair_and_a_mask_a_stem(scenes, tmp_path):
    make(scenes, tmp_path / "out")
    expected = {f"{folder}/{stem}.png" for folder in ("A", "B", "mask") for stem in ("1", "2", "10")}
    assert set(files(tmp_path / "out")) == expected | {"dataset.json"}


def test_folder_pairs_reads_back_what_was_synthesised_but_for_rounding(scenes, tmp_path, rng):
    record = make(scenes, tmp_path / "out", size=None)
    pairs = FolderPairs(tmp_path / "out", size=None, flips=False)
    for index, stem in enumerate(pairs.stems):
        image = read_image(scenes / "image" / f"{stem}.png").tensor()
        mask = read_mask(scenes / "mask" / f"{stem}.png")
        expected = multi_focus_pair(image, mask, record.kernels[stem])
        pair = pairs.sample(index, rng)
        torch.testing.assert_close(pair.first, expected.first, rtol=0, atol=0.51 / 255)
        torch.testing.assert_close(pair.second, expected.second, rtol=0, atol=0.51 / 255)
        assert torch.equal(pair.mask, mask)


def test_masks_are_0_and_255(scenes, tmp_path):
    make(scenes, tmp_path / "out")
    picture = read_image(tmp_path / "out" / "mask" / "1.png")
    assert picture.gray
    assert np.unique(picture.pixels).tolist() == [0, 255]


@pytest.mark.parametrize("fit", ["resize", "crop"])
def test_the_same_seed_writes_the_same_bytes_whatever_the_threads(scenes, tmp_path, fit):
    make(scenes, tmp_path / "one", threads=1, fit=fit)
    make(scenes, tmp_path / "many", threads=5, fit=fit)
    assert files(tmp_path / "one") == files(tmp_path / "many")


def test_another_seed_draws_other_kernels(scenes, tmp_path):
    drawn = [tuple(make(scenes, tmp_path / str(seed), seed=seed).kernels.values()) for seed in range(4)]
    assert len(set(drawn)) == 4


def test_an_image_more_changes_no_other_pair(scenes, tmp_path, add_scene):
    make(scenes, tmp_path / "before")
    add_scene(scenes, "0")
    make(scenes, tmp_path / "after")
    before, after = files(tmp_path / "before"), files(tmp_path / "after")
    del before["dataset.json"]
    assert before.items() <= after.items()
    assert "A/0.png" in after


def test_the_record_says_what_was_decided_and_what_was_left_out(scenes, tmp_path, add_scene, truncate):
    add_scene(scenes, "cut")
    truncate(scenes / "image" / "cut.png")
    record = make(scenes, tmp_path / "out", seed=5, kernel_sizes=(7, 9))
    written = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert written["seed"] == 5
    assert written["size"] == 16
    assert written["fit"] == "resize"
    assert written["kernel_sizes"] == [7, 9]
    assert written["count"] == 3
    assert written["kernels"] == record.kernels
    assert list(record.kernels) == ["1", "2", "10"]
    assert set(record.kernels.values()) <= {7, 9}
    assert list(written["skipped"]) == ["image/cut.png"]


def test_progress_is_told_pair_by_pair(scenes, tmp_path):
    told = []
    make(scenes, tmp_path / "out", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_folder_that_holds_something_is_refused_and_left_alone(scenes, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious.txt").write_text("keep")
    with pytest.raises(RequestError, match="not empty"):
        make(scenes, tmp_path / "out")
    assert files(tmp_path / "out") == {"precious.txt": b"keep"}


def test_an_empty_folder_is_filled(scenes, tmp_path):
    (tmp_path / "out").mkdir()
    assert make(scenes, tmp_path / "out").count == 3


@pytest.mark.parametrize("options", [{"seed": -1}, {"threads": 0}, {"kernel_sizes": (2, 4)}, {"size": 0}])
def test_numbers_out_of_range_are_refused_before_anything_is_written(scenes, tmp_path, options):
    with pytest.raises(RequestError, match=next(iter(options))):
        make(scenes, tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_an_unfinished_dataset_has_no_record(scenes, tmp_path):
    image = scenes / "image" / "10.png"
    data = image.read_bytes()
    image.write_bytes(data[:200] + bytes(len(data) - 220) + data[-20:])
    with pytest.raises(WorkError, match=r"10\.png"):
        make(scenes, tmp_path / "out", verify="header", threads=1)
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_a_dataset_appears_whole(scenes, tmp_path):
    out, seen = tmp_path / "out", []
    make(scenes, out, progress=lambda done, total: seen.append(out.exists()))
    assert seen == [False] * 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "scenes"]


def test_what_a_killed_process_left_is_refused_as_pairs_and_cleared_by_the_next(scenes, tmp_path):
    make(scenes, tmp_path / "whole")
    half = half_made(tmp_path / "out")
    (half / "A").mkdir(parents=True)
    (half / "A" / "1.png").write_bytes(b"half")
    (half / "A" / "of another scene.png").write_bytes(b"half")
    for named in (half, tmp_path / "out"):
        for read in (FolderPairs, UnlabelledPairs, sources_of):
            with pytest.raises(
                RequestError, match=rf"data make has not ended, .* the pairs are in {tmp_path}/out: run"
            ):
                read(named)
    make(scenes, tmp_path / "out")
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert not half.exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, WorkError])
def test_one_that_is_stopped_leaves_nothing(scenes, tmp_path, error):
    def stop(done, total):
        raise error

    with pytest.raises(error):
        make(scenes, tmp_path / "new" / "out", progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["scenes"]


def test_two_do_not_make_one(scenes, tmp_path):
    with held_beside(tmp_path / "out"), pytest.raises(RequestError, match="out: in use by process"):
        make(scenes, tmp_path / "out")
