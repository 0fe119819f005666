"""What is decoded once stays, up to the budget, and is the same for every draw."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from bridgetune.data import FolderPairs, PixelCache, ReferencePool, SyntheticPairs, UnlabelledPairs, framed
from bridgetune.data.pairs import draws
from bridgetune.pictures.images import read_image, read_mask_pixels, to_batch, to_tensor

CPU = torch.device("cpu")


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that draws decode, one for each time."""
    names: list[str] = []

    def counting(read):
        def reads(path):
            names.append(path.name)
            return read(path)

        return reads

    monkeypatch.setattr(framed, "read_image", counting(read_image))
    monkeypatch.setattr(framed, "read_mask_pixels", counting(read_mask_pixels))
    return names


def synthetic(folder, **options) -> SyntheticPairs:
    return SyntheticPairs(folder / "image", folder / "mask", **{"size": 16, "fit": "crop", **options})


def drawn(source, times: int = 2) -> list[np.ndarray]:
    draws = [source.draw(index, np.random.default_rng(index)) for _ in range(times) for index in range(len(source))]
    return [np.asarray(draw[0]) for draw in draws]


@pytest.mark.parametrize("fit", ["resize", "crop"])
def test_what_checking_decodes_is_never_decoded_again(lasting_scenes, decoded, fit):
    drawn(synthetic(lasting_scenes, fit=fit))
    assert decoded == []


def test_where_only_headers_are_checked_the_first_draw_decodes(lasting_scenes, decoded):
    drawn(synthetic(lasting_scenes, verify="header"))
    assert sorted(decoded) == sorted(2 * ["1.png", "2.png", "10.png"])


def test_with_no_budget_every_draw_decodes_and_draws_the_same(lasting_scenes, decoded):
    kept = drawn(synthetic(lasting_scenes))
    assert all(map(np.array_equal, drawn(synthetic(lasting_scenes, cache=PixelCache(0))), kept))
    assert len(decoded) == 2 * 2 * 3


def test_the_budget_is_kept(rng):
    cache = PixelCache(1)
    layer = np.zeros(400_000, np.uint8)
    reads = []
    for _ in range(2):
        for key in range(4):
            cache.get(key, lambda key=key: [reads.append(key), layer.copy()][1:])
    assert reads == [0, 1, 2, 3, 2, 3], "two of 0.4 MB fit into 1 MB, and what came first stays"


def test_a_shared_cache_keeps_other_sizes_apart(lasting_scenes):
    cache = PixelCache()
    small, large = (synthetic(lasting_scenes, size=size, fit="resize", cache=cache) for size in (8, 16))
    assert small.sample(0, np.random.default_rng(0)).first.shape == (3, 8, 8)
    assert large.sample(0, np.random.default_rng(0)).first.shape == (3, 16, 16)


def test_nobody_can_write_to_what_is_kept(lasting_scenes):
    pixels, inside, _ = synthetic(lasting_scenes, flips=False).draw(0, np.random.default_rng(0))
    for layer in (pixels, inside):
        with pytest.raises(ValueError, match="read-only"):
            layer[0, 0] = 0


def test_a_copy_in_another_process_starts_empty(lasting_scenes, decoded):
    pairs = pickle.loads(pickle.dumps(synthetic(lasting_scenes)))
    pairs.sample(0, np.random.default_rng(0))
    assert sorted(decoded) == ["1.png", "1.png"]
    assert repr(pairs) == repr(synthetic(lasting_scenes))


@pytest.mark.parametrize("kind", ["synthetic", "folder", "unlabelled", "references"])
def test_a_sample_is_what_a_batch_of_draws_develops(tmp_path, add_scene, kind):
    for stem in ("1", "2", "3"):
        add_scene(tmp_path, stem)
    for copy in ("A", "B"):
        (tmp_path / copy).symlink_to(tmp_path / "image")
    made = {
        "synthetic": lambda: synthetic(tmp_path),
        "folder": lambda: FolderPairs(tmp_path, size=16, fit="crop"),
        "unlabelled": lambda: UnlabelledPairs(tmp_path, size=16, fit="crop"),
        "references": lambda: ReferencePool(tmp_path / "image", size=16, fit="crop"),
    }
    source = made[kind]()
    places = [()] * 3 if kind == "references" else [(index,) for index in range(3)]
    rngs = [lambda seed=seed: np.random.default_rng(seed) for seed in range(3)]
    batch = source.develop([source.draw(*place, rng()) for place, rng in zip(places, rngs, strict=True)], CPU)
    batch = (batch,) if kind == "references" else batch
    for number, (place, rng) in enumerate(zip(places, rngs, strict=True)):
        sample = source.sample(*place, rng())
        for images, image in zip(batch, (sample,) if kind == "references" else sample, strict=True):
            torch.testing.assert_close(images[number], image, rtol=0, atol=1e-6)


def test_depths_mix_in_a_batch(rng):
    deep = rng.integers(0, 2**16, (4, 5, 3), np.uint16)
    flat = rng.integers(0, 2**8, (4, 5, 3), np.uint8)
    for layers in ([deep, flat], [deep, deep], [flat, flat]):
        expected = torch.stack([to_tensor(layer) for layer in layers])
        assert torch.equal(to_batch(layers, CPU), expected)


@pytest.mark.parametrize("source", [SyntheticPairs, FolderPairs, UnlabelledPairs])
def test_a_source_is_drawn_from_unless_a_subclass_samples_otherwise(source):
    class Augmented(source):
        def sample(self, index, rng):
            raise NotImplementedError

    assert draws(source.__new__(source))
    assert not draws(Augmented.__new__(Augmented))
