from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune.config import AUGMENTATIONS, Augmentation
from bridgetune.data import Effect, Pair, SyntheticPairs, register_effect
from bridgetune.data.effects import EFFECTS, JPEG_QUALITIES, STRONG_RADII, Chance, affected, draw_chance
from bridgetune.errors import RequestError, WorkError
from tests.support.effects import registered

LENS, CAMERA = AUGMENTATIONS["lens"], AUGMENTATIONS["camera"]
PRESETS = ["exchange", "lens", "camera", "world"]

seeds = st.integers(0, 2**32 - 1)
scenes_of_three = st.integers(0, 2)


def draw_veil(rng, strength, shape):
    """More numbers than any built-in effect draws."""
    return strength * rng.random((2, 1, *shape), np.float32)


def veiled(pair, veil):
    return torch.lerp(pair, torch.ones_like(pair), torch.from_numpy(veil).to(pair))


VEIL = Effect("veil", "light scattered into the picture", draw_veil, veiled)
HALF = Effect("half", "half as bright", lambda *_: True, lambda pair, _: pair / 2)


@pytest.fixture
def veil() -> Iterator[None]:
    with registered(VEIL):
        yield


def pairs_of(scenes, augmentation) -> SyntheticPairs:
    return SyntheticPairs(scenes / "image", scenes / "mask", size=16, augmentation=augmentation)


def sample(scenes, augmentation, seed, index) -> Pair:
    return pairs_of(scenes, augmentation).sample(index, np.random.default_rng(seed))


def chance_of(augmentation, seed) -> Chance:
    return draw_chance(augmentation, (3, 21), (8, 8), np.random.default_rng(seed))


def equal(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def in_pairs_order(pair: Pair, chance: Chance) -> torch.Tensor:
    """(2, 3, H, W), the image with its object in focus first."""
    images = (pair.second, pair.first) if chance.exchange else (pair.first, pair.second)
    return torch.stack(images)


def test_without_augmentation_a_kernel_size_is_all_that_is_drawn():
    one, other = (np.random.default_rng(3) for _ in range(2))
    chance = draw_chance(AUGMENTATIONS["none"], (3, 21), (8, 8), one)
    assert chance.blur.kernel_size == 3 + 2 * other.integers(10)
    assert one.bit_generator.state == other.bit_generator.state


@given(seeds)
def test_whatever_the_effects_what_is_drawn_after_them_is_the_same(seed):
    with registered(VEIL):
        states = []
        for augmentation in (*(AUGMENTATIONS[name] for name in PRESETS), Augmentation(effects={"veil": 0.5})):
            rng = np.random.default_rng(seed)
            draw_chance(augmentation, (3, 21), (8, 8), rng)
            states.append(rng.bit_generator.state)
    assert all(state == states[0] for state in states)


def test_every_field_of_an_augmentation_is_an_effect():
    assert list(EFFECTS) == [name for name in Augmentation.model_fields if name != "effects"]
    assert all(effect.summary for effect in EFFECTS.values())


def test_shares_are_kept_over_many_draws():
    rng = np.random.default_rng(0)
    chances = [draw_chance(CAMERA, (3, 21), (4, 4), rng) for _ in range(2000)]
    shares = {
        "exchange": np.mean([chance.exchange for chance in chances]),
        "disk": np.mean([chance.blur.kind == "disk" for chance in chances]),
        "soft": np.mean([chance.blur.soft for chance in chances]),
        "dark_edges": np.mean([chance.blur.dark_edges for chance in chances]),
        "jpeg": np.mean([chance.development.qualities != (0, 0) for chance in chances]),
        # of the ten kernels, one leaves the surface as blurred at its far end as at its near one
        "graded": np.mean([chance.blur.far_kernel_size != chance.blur.kernel_size for chance in chances]),
    }
    expected = {"exchange": 0.5, "disk": 0.5, "soft": 0.5, "dark_edges": 0.4, "jpeg": 0.5, "graded": 0.25 * 0.9}
    assert shares == pytest.approx(expected, abs=0.05)  # 4 standard deviations


def test_effects_of_one_share_befall_pairs_independently():
    chances = [chance_of(LENS, seed) for seed in range(2000)]
    disk, soft, exchange = (
        np.array(values)
        for values in (
            [chance.blur.kind == "disk" for chance in chances],
            [chance.blur.soft for chance in chances],
            [chance.exchange for chance in chances],
        )
    )
    for one, other in ((disk, soft), (disk, exchange), (soft, exchange)):
        assert np.mean(one == other) == pytest.approx(0.5, abs=0.05)  # 4 standard deviations


def test_the_far_end_of_a_slant_is_any_of_the_kernels():
    slanted = Augmentation(graded=1)
    chances = [draw_chance(slanted, (5, 9), (4, 4), np.random.default_rng(seed)) for seed in range(600)]
    sizes, counts = np.unique([chance.blur.far_kernel_size for chance in chances], return_counts=True)
    assert sizes.tolist() == [5, 7, 9]
    assert counts / 600 == pytest.approx([1 / 3] * 3, abs=0.08)  # 4 standard deviations


@given(seeds)
def test_what_a_camera_changes_stays_within_what_it_was_given(seed):
    development = chance_of(CAMERA, seed).development
    assert development is not None
    most = CAMERA.exposure * (1 + 1 / 2 + 1 / 4)
    assert np.abs(development.gain - 1).max() <= most + 1e-6
    assert np.abs(development.offset).max() <= most / 2 + 1e-6
    assert development.noise.std() < 1.5 * CAMERA.noise  # of 384 numbers
    assert set(development.qualities) <= {0, *range(JPEG_QUALITIES[0], JPEG_QUALITIES[1] + 1)}


@pytest.mark.parametrize("name", [*PRESETS, "graded"])
def test_a_sample_is_a_function_of_its_seed_and_in_the_canonical_space(scenes, name):
    pairs = SyntheticPairs(scenes / "image", scenes / "mask", size=16, augmentation=AUGMENTATIONS[name])
    for index in range(3):
        one, other = (pairs.sample(index, np.random.default_rng(7)) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
        assert one.first.shape == one.second.shape == (3, 16, 16)
        assert set(one.mask.unique().tolist()) <= {0.0, 1.0}
        for image in (one.first, one.second):
            assert -1e-5 <= image.min() <= image.max() <= 1 + 1e-5


def test_an_exchanged_pair_is_the_pair_the_other_way_round(scenes):
    either = SyntheticPairs(scenes / "image", scenes / "mask", size=16, augmentation=Augmentation(exchange=True))
    drawn = [either.draw(0, np.random.default_rng(seed)) for seed in range(20)]
    assert {drawing.chance.exchange for drawing in drawn} == {False, True}
    turned = [
        drawing._replace(chance=dataclasses.replace(drawing.chance, exchange=not drawing.chance.exchange))
        for drawing in drawn
    ]
    given, swapped = (either.develop(drawings, torch.device("cpu")) for drawings in (drawn, turned))
    assert torch.equal(given.first, swapped.second)
    assert torch.equal(given.second, swapped.first)
    assert torch.equal(given.mask, 1 - swapped.mask)


@pytest.mark.parametrize("name", PRESETS)
@given(seed=seeds, index=scenes_of_three)
def test_an_effect_that_is_added_leaves_the_presets_as_they_were(lasting_scenes, name, seed, index):
    before = sample(lasting_scenes, AUGMENTATIONS[name], seed, index)
    with registered(VEIL):
        after = sample(lasting_scenes, AUGMENTATIONS[name], seed, index)
    assert equal(before, after)


@pytest.mark.parametrize("name", PRESETS)
@given(seed=seeds, index=scenes_of_three)
def test_a_pair_with_an_effect_is_the_pair_without_it_and_the_effect(lasting_scenes, name, seed, index):
    plain = AUGMENTATIONS[name]
    without = pairs_of(lasting_scenes, plain).draw(index, np.random.default_rng(seed))
    with registered(VEIL):
        augmented = plain.model_copy(update={"effects": {"veil": 0.5}})
        drawing = pairs_of(lasting_scenes, augmented).draw(index, np.random.default_rng(seed))
        pair = sample(lasting_scenes, augmented, seed, index)
    ((_, veil),) = drawing.chance.applied
    expected = sample(lasting_scenes, plain, seed, index)
    assert torch.equal(pair.mask, expected.mask)
    images, plain_images = (in_pairs_order(each, without.chance) for each in (pair, expected))
    assert torch.equal(images, veiled(plain_images.clamp(0, 1), veil).clamp(0, 1))
    assert not torch.equal(images, plain_images)


@given(seeds)
def test_an_effect_that_is_left_out_leaves_the_others_as_they_were(seed):
    camera = chance_of(CAMERA, seed)
    assert camera.development is not None
    for name in ("exchange", "disk", "soft", "graded", "dark_edges", "exposure", "noise", "jpeg"):
        less = chance_of(CAMERA.model_copy(update={name: 0}), seed)
        assert less.development is not None
        assert name == "exchange" or less.exchange == camera.exchange
        changes = {"disk": {"kind"}, "graded": {"far_kernel_size", "direction"}}.get(name, {name})
        for field, value in less.blur._asdict().items():
            assert field in changes or value == getattr(camera.blur, field)
        assert name == "exposure" or np.array_equal(less.development.gain, camera.development.gain)
        assert name == "exposure" or np.array_equal(less.development.offset, camera.development.offset)
        assert name == "noise" or np.array_equal(less.development.noise, camera.development.noise)
        assert name == "jpeg" or less.development.qualities == camera.development.qualities


def test_what_an_effect_draws_depends_on_its_name_alone_not_on_its_place(veil):
    with registered(dataclasses.replace(VEIL, name="another")):
        both = Augmentation(effects={"veil": 0.5, "another": 0.5})
        (_, another), (_, veil_beside) = chance_of(both, 3).applied
        ((_, veil_alone),) = chance_of(Augmentation(effects={"veil": 0.5}), 3).applied
    assert np.array_equal(veil_beside, veil_alone)
    assert not np.array_equal(veil_beside, another)


def test_effects_follow_one_another_in_the_order_of_their_names():
    image = torch.full((1, 3, 4, 4), 0.6)
    lighter = Effect("lighter", "brighter by a half", lambda *_: True, lambda pair, _: pair + 0.5)
    with registered(lighter, HALF):
        augmentation = Augmentation(effects={"lighter": 1, "half": 1})
        first, _ = affected((image, image), [chance_of(augmentation, 0).applied])
    assert torch.allclose(first, torch.tensor(0.8))


def test_an_effect_befalls_its_own_pairs_alone_and_leaves_its_pictures_in_range():
    images = torch.rand(3, 3, 4, 4), torch.rand(3, 3, 4, 4)
    glaring = Effect("glaring", "beyond white", lambda *_: True, lambda pair, _: pair * 100 + 1)
    with registered(glaring):
        first, second = affected(images, [(), (("glaring", True),), ()])
    for before, after in zip(images, (first, second), strict=True):
        assert torch.equal(after[[0, 2]], before[[0, 2]])
        assert (after[1] == 1).all()


def test_an_effect_that_draws_none_leaves_the_pair_alone():
    with registered(dataclasses.replace(HALF, draw=lambda *_: None)):
        chance = chance_of(Augmentation(effects={"half": 1}), 0)
    assert chance == chance_of(AUGMENTATIONS["none"], 0)


def test_an_effect_may_shape_the_blur():
    def by_a_disk(chance, kernel_size):
        return dataclasses.replace(chance, blur=chance.blur._replace(kind="disk", kernel_size=kernel_size))

    wide = Effect("wide", "the widest disk", lambda *_: 21, by_a_disk, on="chance")
    with registered(wide):
        assert chance_of(Augmentation(effects={"wide": 1}), 0).blur[:2] == ("disk", 21)


def test_an_effect_that_returns_another_shape_is_named():
    images = torch.rand(1, 3, 4, 4), torch.rand(1, 3, 4, 4)
    cutting = Effect("cutting", "the first image alone", lambda *_: True, lambda pair, _: pair[0])
    with (
        registered(cutting),
        pytest.raises(WorkError, match=r"effect 'cutting': returned \(3, 4, 4\), expected \(2, 3, 4, 4\)"),
    ):
        affected(images, [(("cutting", True),)])


@pytest.mark.parametrize("name", ["veil", "noise", "effects"])
def test_a_name_that_is_taken_is_refused(veil, name):
    with pytest.raises(RequestError, match=f"effect: '{name}' is registered already; choose another name"):
        register_effect(dataclasses.replace(VEIL, name=name))


def test_batches_with_and_without_an_effect_are_developed_as_their_pairs_are(lasting_scenes, veil):
    sometimes = dataclasses.replace(HALF, draw=lambda rng, share, _: True if rng.random() < share else None)
    with registered(sometimes):
        pairs = pairs_of(lasting_scenes, LENS.model_copy(update={"effects": {"half": 0.5, "veil": 0.3}}))
        drawn = [pairs.draw(index, np.random.default_rng(index)) for index in (0, 1, 2)]
        together = pairs.develop(drawn, torch.device("cpu"))
        for index in range(3):
            one = pairs.sample(index, np.random.default_rng(index))
            for whole, image in zip(together, one, strict=True):
                assert torch.allclose(whole[index], image, atol=1e-6)


@given(seeds)
def test_a_strong_blur_is_odd_in_range_and_keeps_the_proportion_of_a_slant(seed):
    strong = Augmentation(strong=1, graded=1)
    blur, before = chance_of(strong, seed).blur, chance_of(Augmentation(graded=1), seed).blur
    largest = 2 * STRONG_RADII[1] + 1
    assert blur.kernel_size % 2 == blur.far_kernel_size % 2 == 1
    assert 3 <= min(blur.kernel_size, blur.far_kernel_size) <= max(blur.kernel_size, blur.far_kernel_size) <= largest
    far = blur.kernel_size * before.far_kernel_size / before.kernel_size
    assert blur.far_kernel_size == pytest.approx(np.clip(far, 3, largest), abs=1.01)


def test_strong_blurs_are_log_uniform():
    blurs = [chance_of(Augmentation(strong=1), seed).blur for seed in range(1000)]
    middle = np.sqrt(STRONG_RADII[0] * STRONG_RADII[1])
    assert np.mean([blur.kernel_size / 2 < middle for blur in blurs]) == pytest.approx(0.5, abs=0.06)


def test_noise_apart_is_one_images_alone_and_adds_to_the_noise_of_both():
    apart = chance_of(Augmentation(noise_apart=0.1), 0).development.noise
    assert sorted(bool(image.any()) for image in apart) == [False, True]
    both = chance_of(Augmentation(noise_apart=0.1, noise=0.1), 0).development.noise
    common = chance_of(Augmentation(noise=0.1), 0).development.noise
    assert np.allclose(both, common + apart, atol=1e-6)


@given(seeds)
def test_gain_and_offset_apart_follow_the_exposure(seed):
    both, exposure, apart = (
        chance_of(Augmentation(**fields), seed).development
        for fields in ({"exposure": 0.1, "apart": 0.05}, {"exposure": 0.1}, {"apart": 0.05})
    )
    assert np.allclose(both.gain, exposure.gain * apart.gain, atol=1e-6)
    assert np.allclose(both.offset, apart.gain * exposure.offset + apart.offset, atol=1e-6)
    assert np.abs(apart.gain - 1).max() <= 0.05 + 1e-6


def test_cells_replace_the_scene_and_let_light_pass(scenes):
    for name, layers in (("bright_field", "absorbing"), ("fluorescence", "glowing")):
        chance = chance_of(Augmentation(**{name: 1}), 0)
        assert chance.blur.layers == layers
        plain, cells = (sample(scenes, Augmentation(**fields), 0, 0) for fields in ({}, {name: 1}))
        assert not torch.equal(plain.mask, cells.mask)


def test_pristine_pairs_are_those_of_the_lens_alone():
    touched = Augmentation(noise=0.1, jpeg=1, breathing=0.1, exposure=0.1, disk=0.5, pristine=0.5)
    lens = touched.model_copy(update={"noise": 0, "jpeg": 0, "breathing": 0, "exposure": 0, "pristine": 0})
    chances = [(chance_of(touched, seed), chance_of(lens, seed)) for seed in range(400)]
    pristine = [chance.development is None for chance, _ in chances]
    assert np.mean(pristine) == pytest.approx(0.5, abs=0.1)  # 4 standard deviations
    assert all(chance == plain for alone, (chance, plain) in zip(pristine, chances, strict=True) if alone)


def test_plain_pairs_are_the_papers_in_either_order():
    everything = AUGMENTATIONS["all"].model_copy(update={"plain": 0.5})
    without = everything.model_copy(update={"plain": 0})
    papers = Augmentation(exchange=True)
    plain = 0
    for seed in range(400):
        chance = chance_of(everything, seed)
        expected = [repr(chance_of(each, seed)) for each in (papers, without)]
        assert repr(chance) in expected
        plain += repr(chance) == expected[0]
    assert plain / 400 == pytest.approx(0.5, abs=0.1)  # 4 standard deviations


@pytest.mark.parametrize(
    "name", [name for name in Augmentation.model_fields if name not in ("effects", "pristine", "plain")]
)
def test_each_field_by_itself_changes_the_pairs(lasting_scenes, name):
    strength = 0.2 if name in ("exposure", "noise", "apart", "noise_apart", "breathing") else 1
    augmentation = Augmentation(**{name: strength})
    plain, changed = (
        [sample(lasting_scenes, each, seed, seed % 3) for seed in range(4)] for each in (Augmentation(), augmentation)
    )
    assert not all(equal(one, other) for one, other in zip(plain, changed, strict=True))
