from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from bridgetune.data import ReferencePool, References, read_image
from bridgetune.errors import RequestError


def test_a_reference_has_the_size_asked_for(scenes, rng):
    for fit in ("resize", "crop"):
        reference = ReferencePool(scenes / "image", 20, fit).sample(rng)
        assert reference.shape == (3, 20, 20)
        assert reference.dtype == torch.float32
        assert 0 <= reference.min() <= reference.max() <= 1


def test_every_picture_of_the_pool_is_drawn(scenes, rng):
    pool = ReferencePool(scenes / "image", 24, flips=False)
    drawn = {pool.sample(rng).numpy().tobytes() for _ in range(60)}
    assert len(drawn) == len(pool) == 3


def test_a_reference_is_the_picture_itself_when_nothing_is_to_be_fitted(tmp_path, add_scene, rng):
    add_scene(tmp_path, "square", height=24, width=24)
    pool = ReferencePool(tmp_path / "image", 24, flips=False)
    assert torch.equal(pool.sample(rng), read_image(tmp_path / "image" / "square.png").tensor())


def test_a_draw_depends_on_the_generator_alone(scenes):
    pool = ReferencePool(scenes / "image", 16, "crop")
    again = pickle.loads(pickle.dumps(pool))
    for seed in range(10):
        one, other = (each.sample(np.random.default_rng(seed)) for each in (pool, again))
        assert torch.equal(one, other)


def test_damaged_references_are_left_out_and_told(scenes, truncate, caplog):
    truncate(scenes / "image" / "2.png")
    pool = ReferencePool(scenes / "image", 16)
    assert len(pool) == 2
    assert [one.path.name for one in pool.skipped] == ["2.png"]
    assert "skipped 1" in caplog.text


def test_references_keep_clear_and_blurred_apart(scenes, tmp_path, add_scene):
    add_scene(tmp_path / "one", "one")
    references = References.from_folders(scenes / "image", tmp_path / "one" / "image", 16)
    assert (len(references.clear), len(references.blurred)) == (3, 1)


def test_one_folder_is_not_both(scenes, tmp_path):
    (tmp_path / "linked").symlink_to(scenes / "image")
    for blurred in (scenes / "image", tmp_path / "linked"):
        with pytest.raises(RequestError, match="are one folder"):
            References.from_folders(scenes / "image", blurred, 16)


def test_an_empty_pool_is_refused_by_the_name_of_its_folder(scenes, tmp_path):
    (tmp_path / "blurred").mkdir()
    with pytest.raises(RequestError, match="blurred: nothing to use"):
        References.from_folders(scenes / "image", tmp_path / "blurred", 16)
