"""What may befall a pair beyond the paper's blur: the effects, each an entry with random draws of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bridgetune.config import NO_AUGMENTATION, Augmentation
from bridgetune.config.augmentation import REGISTERED_EFFECTS
from bridgetune.data.blur import kernel_size_at, random_kernel_size
from bridgetune.data.defocus import Blur
from bridgetune.data.development import Development, nothing_developed
from bridgetune.data.graded import Planes
from bridgetune.data.scenes import Across, Backlight, Cells, Even, SceneChange, Softened
from bridgetune.errors import RequestError, WorkError

APART = 0.25
"""Share of a change in exposure that the two images of a pair do not have in common."""

JPEG_QUALITIES = (60, 95)

STRONG_RADII = (0.75, 40.0)
"""Of the blurs of any strength, in pixels."""

BOTH_RADII, NEITHER_RADII = (0.5, 4.0), (2.0, 16.0)
"""Of the blur, in pixels, that is common to both images: everywhere, and in a region."""

_OF_PLAIN_PAIRS = ("exchange",)
"""Effects that the paper's pairs have, too, where there are such."""


@dataclass(frozen=True)
class Chance:
    """All that is drawn for one pair.

    Attributes:
        blur: See there.
        kernel_sizes: The smallest and the largest that a blur may have.
        exchange: Whether the image with its object out of focus comes first.
        development: None for none.
        applied: The effects on the finished pair, in order: name, and what it drew.
        scene: The changes before there is a pair, in order.
    """

    blur: Blur
    kernel_sizes: tuple[int, int]
    exchange: bool = False
    development: Development | None = None
    applied: tuple[tuple[str, Any], ...] = ()
    scene: tuple[SceneChange, ...] = ()


@dataclass(frozen=True)
class Effect:
    """One way in which a pair may go beyond the paper's.

    Attributes:
        name: By which `Augmentation` holds its strength.
        summary: What it is, in a line.
        draw: Called with a generator of its own, the strength and (H, W), returns what it draws for one pair, on the
            CPU, or None to leave the pair alone. Called from several threads.
        apply: Called with what `on` says and with what was drawn, returns it changed.
        on: `pair`, the two finished images, (2, 3, H, W) float in [0, 1], on the device of training, the one with its
            object in focus first whatever the order they are shown in; what is returned is clamped to [0, 1]. Or
            `chance`, the pair's `Chance` before there are images, for what shapes the blur, the order or the
            development.
    """

    name: str
    summary: str
    draw: Callable[[np.random.Generator, float, tuple[int, int]], Any]
    apply: Callable[[Any, Any], Any]
    on: Literal["pair", "chance"] = "pair"


def register_effect(effect: Effect) -> None:
    """Make an effect one that `Augmentation(effects={name: strength})` may name.

    Raises:
        RequestError: There is one of that name.
    """
    if effect.name in EFFECTS or effect.name in Augmentation.model_fields:
        raise RequestError(f"effect: {effect.name!r} is registered already; choose another name")
    EFFECTS[effect.name] = effect
    REGISTERED_EFFECTS[effect.name] = effect.summary


def draw_chance(
    augmentation: Augmentation, kernel_sizes: tuple[int, int], shape: tuple[int, int], rng: np.random.Generator
) -> Chance:
    """Draw for one pair of (H, W).

    What is taken from `rng` is a kernel size and, with augmentation, a seed. Every effect draws from a generator of its
    own, made from that seed and its name, so that none depends on which others there are.
    """
    kernel_size = random_kernel_size(rng, *kernel_sizes)
    chance = Chance(Blur("gaussian", kernel_size, kernel_size, 0.0, soft=False, dark_edges=False), kernel_sizes)
    if augmentation == NO_AUGMENTATION:
        return chance
    seed = int(rng.integers(1 << 63))

    def draw(name: str, strength: float) -> Any:
        return EFFECTS[name].draw(np.random.default_rng([seed, *name.encode()]), strength, shape)

    plain = draw("plain", augmentation.plain)
    for name, strength in augmentation.strengths.items():
        if plain and name not in _OF_PLAIN_PAIRS:
            continue
        effect, drawn = EFFECTS[name], draw(name, strength)
        if drawn is None:
            continue
        if effect.on == "chance":
            chance = effect.apply(chance, drawn)
        else:
            chance = replace(chance, applied=(*chance.applied, (name, drawn)))
    return chance


def affected(images: tuple[Tensor, Tensor], applied: Sequence[Sequence[tuple[str, Any]]]) -> tuple[Tensor, Tensor]:
    """Two batches (B, 3, H, W) after the effects on their pairs, `Chance.applied` of each.

    Raises:
        WorkError: An effect returns images of another shape.
    """
    if not any(applied):
        return images
    both = torch.stack(images, dim=1)
    for pair, effects in zip(both, applied, strict=True):
        for name, drawn in effects:
            changed = EFFECTS[name].apply(pair.clamp(0, 1), drawn)
            if changed.shape != pair.shape:
                raise WorkError(f"effect {name!r}: returned {tuple(changed.shape)}, expected {tuple(pair.shape)}")
            pair.copy_(changed.clamp(0, 1))
    return both[:, 0], both[:, 1]


class Slant(NamedTuple):
    """A slanted surface: where its far end's kernel lies between the smallest and the largest, and in which direction.

    Attributes:
        place: In [0, 1).
        direction: In radians.
    """

    place: float
    direction: float


class Exposure(NamedTuple):
    """Gain and offset, each (2, 3). See `Development`."""

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]


def _happens(rng: np.random.Generator, share: float, _: tuple[int, int]) -> Literal[True] | None:
    return True if rng.random() < share else None


def _draw_order(rng: np.random.Generator, _: float, __: tuple[int, int]) -> Literal[True] | None:
    return True if rng.random() < 0.5 else None


def _draw_slant(rng: np.random.Generator, share: float, _: tuple[int, int]) -> Slant | None:
    return Slant(rng.random(), rng.uniform(0, 2 * np.pi)) if rng.random() < share else None


def _draw_exposure(rng: np.random.Generator, largest: float, _: tuple[int, int]) -> Exposure:
    # of the pair, of each channel, and a smaller one of each image
    common, channels, apart = (rng.uniform(-largest, largest, (2, *size)) for size in ((1, 1), (1, 3), (2, 1)))
    gain, offset = (common + channels / 2 + APART * apart).astype(np.float32)
    return Exposure(np.float32(1) + gain, offset / 2)


def _draw_noise(rng: np.random.Generator, largest: float, shape: tuple[int, int]) -> NDArray[np.float32]:
    return np.float32(rng.uniform(0, largest)) * rng.standard_normal((2, 3, *shape), np.float32)


def _draw_qualities(rng: np.random.Generator, share: float, _: tuple[int, int]) -> tuple[int, int] | None:
    if rng.random() >= share:
        return None
    low, high = JPEG_QUALITIES
    first, second = (int(quality) for quality in rng.integers(low, high + 1, 2))
    return first, second


def _draw_strong(rng: np.random.Generator, share: float, _: tuple[int, int]) -> int | None:
    if rng.random() >= share:
        return None
    return _odd(2 * np.exp(rng.uniform(*np.log(STRONG_RADII))))


def _draw_across(rng: np.random.Generator, share: float, _: tuple[int, int]) -> Across | None:
    return Across.draw(rng) if rng.random() < share else None


def _draw_even(rng: np.random.Generator, share: float, _: tuple[int, int]) -> Even | None:
    return Even.draw(rng) if rng.random() < share else None


def _draw_backlight(rng: np.random.Generator, share: float, _: tuple[int, int]) -> Backlight | None:
    return Backlight.draw(rng) if rng.random() < share else None


def _draw_bright_field(rng: np.random.Generator, share: float, shape: tuple[int, int]) -> Cells | None:
    return Cells.draw(rng, shape, glowing=False) if rng.random() < share else None


def _draw_fluorescence(rng: np.random.Generator, share: float, shape: tuple[int, int]) -> Cells | None:
    return Cells.draw(rng, shape, glowing=True) if rng.random() < share else None


def _draw_both(rng: np.random.Generator, share: float, _: tuple[int, int]) -> Softened | None:
    return Softened.draw(rng, BOTH_RADII, regional=False) if rng.random() < share else None


def _draw_neither(rng: np.random.Generator, share: float, _: tuple[int, int]) -> Softened | None:
    return Softened.draw(rng, NEITHER_RADII, regional=True) if rng.random() < share else None


def _draw_apart(rng: np.random.Generator, largest: float, _: tuple[int, int]) -> Exposure:
    gain, offset = rng.uniform(-largest, largest, (2, 2, 1)).repeat(3, axis=2).astype(np.float32)
    return Exposure(np.float32(1) + gain, offset)


def _draw_noise_apart(rng: np.random.Generator, largest: float, shape: tuple[int, int]) -> NDArray[np.float32]:
    noise = np.zeros((2, 3, *shape), np.float32)
    noise[rng.integers(2)] = np.float32(rng.uniform(0, largest)) * rng.standard_normal((3, *shape), np.float32)
    return noise


def _draw_motion(rng: np.random.Generator, largest: float, _: tuple[int, int]) -> tuple[float, float, float]:
    growth, across, down = rng.uniform(-largest, largest, 3)
    return growth, 2 * across, 2 * down  # of half a side


def _draw_planes(rng: np.random.Generator, share: float, _: tuple[int, int]) -> Planes | None:
    return Planes.draw(rng) if rng.random() < share else None


def _exchanged(chance: Chance, _: Literal[True]) -> Chance:
    return replace(chance, exchange=True)


def _by_a_disk(chance: Chance, _: Literal[True]) -> Chance:
    return replace(chance, blur=chance.blur._replace(kind="disk"))


def _soft(chance: Chance, _: Literal[True]) -> Chance:
    return replace(chance, blur=chance.blur._replace(soft=True))


def _graded(chance: Chance, slant: Slant) -> Chance:
    far = kernel_size_at(slant.place, *chance.kernel_sizes)
    return replace(chance, blur=chance.blur._replace(far_kernel_size=far, direction=slant.direction))


def _with_dark_edges(chance: Chance, _: Literal[True]) -> Chance:
    return replace(chance, blur=chance.blur._replace(dark_edges=True))


def _exposed(chance: Chance, exposure: Exposure) -> Chance:
    before = _development(chance)
    gain, offset = exposure.gain * before.gain, exposure.gain * before.offset + exposure.offset
    return replace(chance, development=before._replace(gain=gain, offset=offset))


def _noisy(chance: Chance, noise: NDArray[np.float32]) -> Chance:
    before = _development(chance)
    return replace(chance, development=before._replace(noise=before.noise + noise))


def _compressed(chance: Chance, qualities: tuple[int, int]) -> Chance:
    return replace(chance, development=_development(chance)._replace(qualities=qualities))


def _strong(chance: Chance, kernel_size: int) -> Chance:
    blur = chance.blur
    far = _odd(min(kernel_size * blur.far_kernel_size / blur.kernel_size, 2 * STRONG_RADII[1]))
    return replace(chance, blur=blur._replace(kernel_size=kernel_size, far_kernel_size=far))


def _with_rings(chance: Chance, _: Literal[True]) -> Chance:
    return replace(chance, blur=chance.blur._replace(kind="rings"))


def _in_linear_light(chance: Chance, _: Literal[True]) -> Chance:
    return replace(chance, blur=chance.blur._replace(linear=True))


def _on_the_scene(chance: Chance, change: SceneChange) -> Chance:
    return replace(chance, scene=(*chance.scene, change))


def _of_cells(chance: Chance, cells: Cells) -> Chance:
    layers: Literal["absorbing", "glowing"] = "glowing" if cells.glowing else "absorbing"
    return replace(_on_the_scene(chance, cells), blur=chance.blur._replace(layers=layers))


def _moved(chance: Chance, motion: tuple[float, float, float]) -> Chance:
    return replace(chance, development=_development(chance)._replace(motion=motion))


def _untouched(chance: Chance, _: Literal[True]) -> Chance:
    return replace(chance, development=None)


def _as_it_is(chance: Chance, _: Literal[True]) -> Chance:
    return chance  # draw_chance has left all else out


def _on_planes(chance: Chance, planes: Planes) -> Chance:
    return replace(chance, blur=chance.blur._replace(planes=planes))


def _odd(diameter: float) -> int:
    return max(3, 2 * round((diameter - 1) / 2) + 1)


def _development(chance: Chance) -> Development:
    return chance.development or nothing_developed()


def _of_a_field(
    name: str,
    draw: Callable[[np.random.Generator, float, tuple[int, int]], Any],
    apply: Callable[[Any, Any], Any],
    on: Literal["pair", "chance"] = "chance",
) -> Effect:
    """An effect whose strength is a field of `Augmentation`, whose text is its summary."""
    return Effect(name, Augmentation.model_fields[name].description or "", draw, apply, on)


EFFECTS: dict[str, Effect] = {
    effect.name: effect
    for effect in (
        _of_a_field("exchange", _draw_order, _exchanged),
        _of_a_field("disk", _happens, _by_a_disk),
        _of_a_field("soft", _happens, _soft),
        _of_a_field("graded", _draw_slant, _graded),
        _of_a_field("dark_edges", _happens, _with_dark_edges),
        _of_a_field("exposure", _draw_exposure, _exposed),
        _of_a_field("noise", _draw_noise, _noisy),
        _of_a_field("jpeg", _draw_qualities, _compressed),
        _of_a_field("strong", _draw_strong, _strong),
        _of_a_field("rings", _happens, _with_rings),
        _of_a_field("linear", _happens, _in_linear_light),
        _of_a_field("across", _draw_across, _on_the_scene),
        _of_a_field("even", _draw_even, _on_the_scene),
        _of_a_field("backlight", _draw_backlight, _on_the_scene),
        _of_a_field("bright_field", _draw_bright_field, _of_cells),
        _of_a_field("fluorescence", _draw_fluorescence, _of_cells),
        _of_a_field("both", _draw_both, _on_the_scene),
        _of_a_field("neither", _draw_neither, _on_the_scene),
        _of_a_field("apart", _draw_apart, _exposed),
        _of_a_field("noise_apart", _draw_noise_apart, _noisy),
        _of_a_field("breathing", _draw_motion, _moved),
        _of_a_field("pristine", _happens, _untouched),
        _of_a_field("planes", _draw_planes, _on_planes),
        _of_a_field("plain", _happens, _as_it_is),
    )
}
"""Every effect there is, by name: those that have a field of their own in `Augmentation`, then what `register_effect`
was given."""
