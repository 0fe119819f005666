from __future__ import annotations

import pickle
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.config import AUGMENTATIONS
from bridgetune.data import (
    FolderPairs,
    PairSubset,
    PixelCache,
    SyntheticPairs,
    all_in_focus,
    gaussian_blur,
    multi_focus_pair,
    read_image,
    read_mask,
    sources_of,
    split,
)
from bridgetune.errors import RequestError


def equal(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def synthetic(root, **options) -> SyntheticPairs:
    return SyntheticPairs(root / "image", root / "mask", **{"size": 16, **options})


@st.composite
def scene(draw):
    height, width = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    rng = torch.Generator().manual_seed(draw(st.integers(0, 999)))
    mask = (torch.rand(1, height, width, generator=rng) > 0.5).float()
    return torch.rand(3, height, width, generator=rng), mask, 2 * draw(st.integers(1, 10)) + 1


@given(scene())
def test_the_all_in_focus_image_is_the_one_that_a_pair_was_made_of(scene):
    image, mask, kernel_size = scene
    pair = multi_focus_pair(image, mask, kernel_size)
    assert torch.equal(all_in_focus(pair), image)


@given(scene())
def test_a_pair_sums_to_the_image_and_its_blur(scene):
    image, mask, kernel_size = scene
    pair = multi_focus_pair(image, mask, kernel_size)
    assert torch.equal(pair.first + pair.second, image + gaussian_blur(image, kernel_size))


@given(scene())
def test_turning_the_mask_round_swaps_the_pair(scene):
    image, mask, kernel_size = scene
    pair, turned = (multi_focus_pair(image, m, kernel_size) for m in (mask, 1 - mask))
    assert equal((pair.first, pair.second), (turned.second, turned.first))


@pytest.mark.parametrize("fit", ["resize", "crop"])
def test_a_sample_is_in_the_canonical_space(scenes, rng, fit):
    for index in range(3):
        first, second, mask = synthetic(scenes, fit=fit).sample(index, rng)
        assert first.shape == second.shape == (3, 16, 16)
        assert mask.shape == (1, 16, 16)
        assert first.dtype == second.dtype == mask.dtype == torch.float32
        assert set(mask.unique().tolist()) <= {0.0, 1.0}
        for image in (first, second):
            assert 0 <= image.min() <= image.max() <= 1 + 1e-6


def test_the_first_image_is_sharp_where_the_mask_is_one(scenes, rng):
    pairs = synthetic(scenes, size=None, flips=False)
    image, mask = read_image(scenes / "image" / "1.png").tensor(), read_mask(scenes / "mask" / "1.png")
    pair = pairs.sample(0, rng)
    assert torch.equal(pair.mask, mask)
    inside = mask.bool().expand(3, -1, -1)
    assert torch.equal(pair.first[inside], image[inside])
    assert torch.equal(pair.second[~inside], image[~inside])
    assert pair.first[~inside].std() < image[~inside].std() / 2


@given(index=st.integers(0, 2), seed=st.integers(0, 2**32), fit=st.sampled_from(["resize", "crop"]))
def test_a_sample_depends_on_the_index_and_the_generator_alone(lasting_scenes, index, seed, fit):
    pairs = synthetic(lasting_scenes, fit=fit, verify="header")
    expected = pairs.sample(index, np.random.default_rng(seed))
    torch.manual_seed(seed + 1)
    pairs.sample(0, np.random.default_rng(seed + 2))
    again = pickle.loads(pickle.dumps(pairs))
    assert equal(again.sample(index, np.random.default_rng(seed)), expected)


def test_every_draw_has_a_kernel_of_its_own(scenes, rng):
    pairs = synthetic(scenes, flips=False)
    drawn = [pairs.sample(0, rng) for _ in range(20)]
    assert len({pair.second.numpy().tobytes() for pair in drawn}) > 3
    assert len({all_in_focus(pair).numpy().tobytes() for pair in drawn}) == 1


def test_one_kernel_size_makes_every_draw_alike(scenes, rng):
    pairs = synthetic(scenes, flips=False, kernel_sizes=(5, 5))
    image, mask = pairs.scene(1, rng)
    for one, other in zip(pairs.sample(1, rng), multi_focus_pair(image, mask, 5), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-6)


def test_scenes_are_fitted_before_they_are_blurred(scenes, rng):
    pairs = synthetic(scenes, size=12, flips=False)
    fitted, _ = pairs.scene(2, rng)
    torch.testing.assert_close(all_in_focus(pairs.sample(2, rng)), fitted, rtol=0, atol=0)


def test_scenes_are_in_natural_order(scenes):
    pairs = synthetic(scenes)
    assert len(pairs) == 3
    assert pairs.stems == ["1", "2", "10"]


def test_damaged_and_unpaired_scenes_are_left_out_and_told(scenes, add_scene, truncate, caplog):
    add_scene(scenes, "cut")
    truncate(scenes / "image" / "cut.png")
    add_scene(scenes, "other")
    (scenes / "mask" / "other.png").unlink()
    pairs = synthetic(scenes)
    assert pairs.stems == ["1", "2", "10"]
    assert {one.path.name for one in pairs.skipped} == {"cut.png", "other.png"}
    assert "skipped 2" in caplog.text


def test_a_file_that_is_damaged_later_and_was_not_kept_fails_when_drawn(scenes, truncate, rng):
    pairs = synthetic(scenes, cache=PixelCache(0))
    truncate(scenes / "image" / "2.png")
    with pytest.raises(RequestError, match=r"2\.png"):
        pairs.sample(1, rng)


@pytest.mark.parametrize("options", [{"size": 0}, {"fit": "pad"}, {"kernel_sizes": (4, 8)}, {"verify": "no"}])
def test_arguments_out_of_range_are_refused_at_once(scenes, options):
    with pytest.raises(RequestError, match=next(iter(options))):
        synthetic(scenes, **options)


@pytest.fixture
def folder_pairs(scenes):
    """A, B and mask: A is the image, B is a copy of the next one."""
    shutil.copytree(scenes / "image", scenes / "A")
    shutil.copytree(scenes / "image", scenes / "B")
    shutil.copy(scenes / "image" / "2.png", scenes / "B" / "1.png")
    return scenes


def test_folder_pairs_are_what_the_files_hold(folder_pairs, rng):
    pairs = FolderPairs(folder_pairs, size=None, flips=False)
    assert pairs.stems == ["1", "2", "10"]
    first, second, mask = pairs.sample(0, rng)
    assert torch.equal(first, read_image(folder_pairs / "A" / "1.png").tensor())
    assert torch.equal(second, read_image(folder_pairs / "B" / "1.png").tensor())
    assert torch.equal(mask, read_mask(folder_pairs / "mask" / "1.png"))


@pytest.mark.parametrize("fit", ["resize", "crop"])
def test_folder_pairs_are_framed_together(folder_pairs, rng, fit):
    pairs = FolderPairs(folder_pairs, size=20, fit=fit)
    for _ in range(10):
        first, second, mask = pairs.sample(1, rng)
        assert torch.equal(first, second)  # the files of stem 2 are copies of each other
        assert mask.shape == (1, 20, 20)


def test_a_folder_without_its_masks_is_refused(folder_pairs):
    shutil.rmtree(folder_pairs / "mask")
    with pytest.raises(RequestError, match="mask: no such folder"):
        FolderPairs(folder_pairs)


class Counting:
    """A source whose pairs tell their index."""

    def __init__(self, length):
        self.length = length

    def __len__(self):
        return self.length

    def sample(self, index, rng):
        value = torch.full((1, 1, 1), float(index))
        return value, value, value


@given(length=st.integers(2, 200), share=st.floats(0.01, 0.99), seed=st.integers(0, 99), most=st.integers(1, 60))
def test_a_split_shares_nothing_and_loses_nothing(length, share, seed, most):
    source = Counting(length)
    train, validation = split(source, share, seed, most)
    assert sorted([*train.indices, *validation.indices]) == list(range(length))
    assert len(train) >= 1
    assert 1 <= len(validation) <= most
    assert abs(len(validation) - min(share * length, most)) <= 1
    assert split(source, share, seed, most) == (train, validation)


def test_what_is_held_out_is_never_augmented(scenes):
    plain, changed = (synthetic(scenes, augmentation=AUGMENTATIONS[name]) for name in ("none", "camera"))
    for source in (changed, PairSubset(changed, (0, 1, 2))):
        train, validation = split(source, 0.4, 0, 3)
        expected = PairSubset(plain, validation.indices)
        for seed in range(5):
            held_out, same, trained_on = (
                part.sample(0, np.random.default_rng(seed)) for part in (validation, expected, train)
            )
            assert equal(held_out, same)
            assert not equal(trained_on, PairSubset(plain, train.indices).sample(0, np.random.default_rng(seed)))


def test_another_seed_splits_otherwise():
    splits = {tuple(split(Counting(100), 0.2, seed, 100)[1].indices) for seed in range(5)}
    assert len(splits) == 5


@pytest.mark.parametrize(
    ("length", "share", "most"), [(1, 0.5, 1), (9, 0.0, 1), (9, 1.0, 1), (9, float("nan"), 1), (9, 0.5, 0)]
)
def test_a_split_that_leaves_a_side_empty_is_refused(length, share, most):
    with pytest.raises(RequestError, match="expected"):
        split(Counting(length), share, 0, most)


def test_a_subset_samples_the_scenes_that_it_names(rng):
    subset = PairSubset(Counting(10), (7, 3))
    assert [subset.sample(index, rng)[0].item() for index in range(len(subset))] == [7, 3]


def test_sources_are_found_without_masks(folder_pairs):
    shutil.rmtree(folder_pairs / "mask")
    sources = sources_of(folder_pairs)
    assert [source.stem for source in sources] == ["1", "2", "10"]
    assert sources[0].first == folder_pairs / "A" / "1.png"
    assert sources[0].second == folder_pairs / "B" / "1.png"


def test_sources_of_two_sizes_are_left_out(folder_pairs, add_scene, tmp_path, caplog):
    add_scene(tmp_path / "wide", "2", width=50)
    shutil.copy(tmp_path / "wide" / "image" / "2.png", folder_pairs / "B" / "2.png")
    assert [source.stem for source in sources_of(folder_pairs)] == ["1", "10"]
    assert "50x24" in caplog.text


def test_sources_need_both_folders(tmp_path):
    with pytest.raises(RequestError, match="A: no such folder"):
        sources_of(tmp_path)
