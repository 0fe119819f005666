"""How one frame of a scene lies upon another: shift, size, rotation, shear, perspective, and brightness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from bridgetune.pictures._matching import (
    COARSE,
    COARSEST,
    EVEN,
    Gray,
    agreement_at,
    by_features,
    correlated,
    correlation_at,
    details,
    laid,
    margin,
    reduced,
)
from bridgetune.pictures._samples import Pixels
from bridgetune.pictures.exposure import light, measured_gains
from bridgetune.pictures.transforms import IDENTITY, Transform, common_area, shift, spread, warped

__all__ = [
    "Alignment",
    "Compared",
    "Registration",
    "Transform",
    "chained",
    "common_area",
    "register",
    "registered",
    "warped",
]

Alignment = Literal["auto", "none", "translation", "similarity", "affine", "homography"]
"""What a frame may differ by: `translation`, a shift; `similarity`, also size and rotation; `affine`, also shear;
`homography`, also perspective. `auto` takes the simplest that explains what is found, or that nothing differs."""

Model = Literal["identity", "translation", "similarity", "affine", "homography"]
MODELS: tuple[Model, ...] = ("identity", "translation", "similarity", "affine", "homography")

FINEST = 1024
"""Pixels of the longer side up to which frames are compared."""

ALIKE, ALIKE_DETAILS, SURE = 0.5, 0.25, 0.5
"""The least correlation of two frames of one scene, of brightness and of details; and that of details from which on
features are not asked, too."""

BETTER: dict[Model, float] = {"translation": 0.03, "similarity": 0.03, "affine": 0.04, "homography": 0.04}
"""The share of what details lack in agreement that a model must remove to be taken for a simpler one."""

BEYOND = 3.0
"""Times its uncertainty that a model must differ from a simpler one."""

PATCHES = 6
"""Along the longer side, of which every other one makes up one half of the picture."""


@dataclass(frozen=True, eq=False)
class Registration:
    """How a frame lies upon the reference.

    Attributes:
        transform: From places of the reference to those of the frame.
        model: What it is: `identity` where nothing is gained by another.
        correlation: Of both frames' details, aligned: 1 where they are the same, some 0.5 where hardly anything is
            sharp in both; below 0.25 a frame is not registered at all.
        unaligned: The same of the frames as they are.
        gains: (3,) by which the frame's channels are multiplied to be as bright as the reference's; see `evened`.
        similarity: The similarity that comes nearest to what was found, whether it explains more than a simpler model
            or not: where such are composed, what is too little to be seen in one adds up.
    """

    transform: Transform
    model: Model
    correlation: float
    unaligned: float
    gains: NDArray[np.float64]
    similarity: Transform = IDENTITY

    def as_similarity(self) -> Registration:
        """The same by its similarity, where its own model is a simpler one."""
        simpler = MODELS.index(self.model) < MODELS.index("similarity")
        return replace(self, transform=self.similarity, model="similarity") if simpler else self


def register(
    reference: Pixels, frame: Pixels, model: Alignment = "auto", *, finest: int = FINEST
) -> Registration | None:
    """Lay a frame upon a reference, to some hundredths of a pixel, whatever is sharp in either.

    Args:
        reference, frame: (H, W, 3) uint8 or uint16, of the same or of different sizes and types.
        model: See `Alignment`. By `none` the transform is the identity, and only brightness is measured.
        finest: Pixels of the longer side up to which they are compared; larger ones are reduced, by a whole factor.

    Returns:
        None where they have too little in common, or are too small: a side of 24 pixels as they are compared.
    """
    factor = -(-max(*reference.shape[:2], *frame.shape[:2]) // finest)
    return registered(Compared.of(reference, factor), Compared.of(frame, factor), model)


@dataclass(frozen=True, eq=False)
class Compared:
    """A picture as it is compared with others: prepared once, however many it is laid upon.

    Attributes:
        colours: (h, w, 3) float32 in [0, 1], reduced.
        gray: (h, w), their mean.
        fine: Its details, see `bridgetune.pictures._matching.details`.
        factor: By which it is reduced, a whole number.
    """

    colours: NDArray[np.float32]
    gray: Gray
    fine: Gray
    factor: int

    @classmethod
    def of(cls, pixels: Pixels, factor: int = 0) -> Compared | None:
        """Of (H, W, 3) uint8 or uint16; None of what is too small to be compared.

        Args:
            factor: By which it is reduced; 0 for what brings its longer side to `FINEST` pixels.
        """
        factor = factor or -(-max(pixels.shape[:2]) // FINEST)
        if min(pixels.shape[:2]) < COARSEST * factor:
            return None
        colours = reduced(pixels, factor)
        gray = _gray(colours)
        return cls(colours, gray, details(gray), factor)


def registered(reference: Compared | None, frame: Compared | None, model: Alignment = "auto") -> Registration | None:
    """The same as `register`, of pictures that are prepared, both by one factor."""
    if reference is None or frame is None:
        return None
    first, second, fine = reference.gray, frame.gray, (reference.fine, frame.fine)
    if min(first.std(), second.std()) < EVEN:
        return None
    if model == "none":
        found = _Found(IDENTITY, "identity", correlation_at(*fine, IDENTITY))
    else:
        start = _start(first, second)
        if start is None:
            return None
        found = _fitted(fine, _inward(start, first, second), model)
        if found.correlation < ALIKE_DETAILS:
            return None
        found = replace(
            found,
            transform=_outward(found.transform, first, second),
            similarity=_outward(found.similarity, first, second),
        )
    small = -(-max(*first.shape, *second.shape) // COARSE)
    one, other = (reduced(light(each.colours), small) for each in (reference, frame))
    gains = measured_gains(one, other, found.transform.enlarged(1 / small))
    unaligned = correlation_at(*fine, IDENTITY) if first.shape == second.shape else 0.0
    transform, similarity = (one.enlarged(reference.factor) for one in (found.transform, found.similarity))
    if found.model == "identity":
        transform = IDENTITY
    return Registration(transform, found.model, found.correlation, unaligned, gains, similarity)


def chained(registrations: Sequence[Registration | None], reference: int) -> tuple[Registration | None, ...]:
    """From those of neighbours to those of all frames upon one.

    Args:
        registrations: Of frame k + 1 upon frame k, in order.
        reference: The frame, from 0, upon which all are laid.

    Returns:
        One for each frame, one more than given; the reference's is the identity. None where the chain is broken on the
        way there. Correlations are the lowest on the way.

    Raises:
        ValueError: There is no such frame.
    """
    if not 0 <= reference <= len(registrations):
        raise ValueError(f"reference: got {reference}, expected 0 to {len(registrations)}")
    found: list[Registration | None] = [None] * (len(registrations) + 1)
    found[reference] = Registration(IDENTITY, "identity", 1.0, 1.0, np.ones(3))
    for frame in range(reference, len(registrations)):
        found[frame + 1] = _followed(found[frame], registrations[frame])
    for frame in range(reference - 1, -1, -1):
        found[frame] = _followed(found[frame + 1], _turned(registrations[frame]))
    return tuple(found)


def _followed(one: Registration | None, then: Registration | None) -> Registration | None:
    if one is None or then is None:
        return None
    return Registration(
        then.transform @ one.transform,
        max(one.model, then.model, key=MODELS.index),
        min(one.correlation, then.correlation),
        min(one.unaligned, then.unaligned),
        one.gains * then.gains,
        then.similarity @ one.similarity,
    )


def _turned(registration: Registration | None) -> Registration | None:
    """Of the reference upon the frame."""
    if registration is None:
        return None
    back = registration.transform.inverse(), registration.similarity.inverse()
    return replace(registration, transform=back[0], similarity=back[1], gains=1 / registration.gains)


@dataclass(frozen=True)
class _Found:
    transform: Transform
    model: Model
    correlation: float
    similarity: Transform = IDENTITY


def _gray(colours: NDArray[np.float32]) -> Gray:
    return cast(Gray, colours.mean(2, dtype=np.float32))


def _start(first: Gray, second: Gray) -> Transform | None:
    """An affine transform, to a pixel or so; None where the pictures are not of one scene."""
    small = -(-max(*first.shape, *second.shape) // COARSE)
    coarse = reduced(first, small), reduced(second, small)
    if min(min(image.shape) for image in coarse) < COARSEST:
        return None
    fine = details(coarse[0]), details(coarse[1])

    def alike(found: tuple[Transform, float] | None) -> float:
        """The correlation of details, 0 where that of brightness is too low for one scene."""
        return 0.0 if found is None or found[1] < ALIKE else correlation_at(*fine, _inward(found[0], *coarse))

    best = laid(*coarse)
    sure = alike(best)
    if sure < SURE and (guess := by_features(first, second)) is not None:
        other = correlated(*coarse, guess.enlarged(1 / small), "affine")
        if other is not None and alike(other) > sure:
            best, sure = other, alike(other)
    return best[0].enlarged(small) if sure >= ALIKE_DETAILS else None


def _inward(transform: Transform, first: Gray, second: Gray) -> Transform:
    """Between the details of two pictures, from one between the pictures; see `details`."""
    at, there = (shift(margin(image.shape), margin(image.shape)) for image in (first, second))
    return there.inverse() @ transform @ at


def _outward(transform: Transform, first: Gray, second: Gray) -> Transform:
    """The other way round."""
    at, there = (shift(margin(image.shape), margin(image.shape)) for image in (first, second))
    return there @ transform @ at.inverse()


def _fitted(fine: tuple[Gray, Gray], start: Transform, model: Alignment) -> _Found:
    """The transform between details by one model, or by the simplest that explains them.

    Args:
        fine: Details of the reference and of the frame, see `details`.
        start: An affine transform between them, to some pixels.
        model: Any but `none`.
    """
    size = fine[0].shape
    whole = correlated(*fine, start, "affine")
    affine = start if whole is None or whole[1] < correlation_at(*fine, start) else whole[0]
    unmoved = agreement_at(*fine, IDENTITY) if size == fine[1].shape else 0.0
    if model == "auto" and not _explains(agreement_at(*fine, affine), unmoved, min(BETTER.values())):
        return _Found(IDENTITY, "identity", correlation_at(*fine, IDENTITY), _nearest(affine, size, "similarity"))
    fitted: dict[Model, Transform] = {
        "identity": IDENTITY,
        "translation": _nearest(affine, size, "translation"),
        "similarity": _nearest(affine, size, "similarity"),
        "affine": affine,
    }
    if model in ("auto", "homography"):
        bent = correlated(*fine, affine, "homography")
        fitted["homography"] = affine if bent is None else bent[0]
    if model != "auto":
        asked = cast(Model, model)
        return _Found(fitted[asked], asked, correlation_at(*fine, fitted[asked]), fitted["similarity"])
    found = _simplest(fine, fitted, _uncertainty(fine, affine), unmoved)
    return replace(found, similarity=fitted["similarity"])


def _simplest(
    fine: tuple[Gray, Gray], fitted: dict[Model, Transform], uncertain: dict[Model, float], unmoved: float
) -> _Found:
    """The model that none explains better: that differs by more than is uncertain, and has details agree more.

    Args:
        unmoved: How details agree where nothing is moved.
    """
    size = fine[0].shape
    best: Model = "identity"
    agreement = unmoved
    for model in MODELS[1:]:
        if _apart(fitted[best], fitted[model], size) <= BEYOND * uncertain[model]:
            continue
        better = agreement_at(*fine, fitted[model])
        if _explains(better, agreement, BETTER[model]):
            best, agreement = model, better
    return _Found(fitted[best], best, correlation_at(*fine, fitted[best]))


def _explains(better: float, agreement: float, share: float) -> bool:
    """Whether one agreement lacks less than another by a share of that."""
    return 1 - better < (1 - share) * (1 - agreement)


def _uncertainty(fine: tuple[Gray, Gray], affine: Transform) -> dict[Model, float]:
    """Pixels, root mean square, by which each model is uncertain: half of what two halves of the picture differ by.

    The halves are every other patch, and what only one is blurred in, or has beside an edge, differs between them.
    """
    size = fine[1].shape
    side = max(size) / PATCHES
    down, right = np.mgrid[: size[0], : size[1]]
    every = ((down // side).astype(int) + (right // side).astype(int)) % 2
    halves = [correlated(*fine, affine, "affine", (every == half).astype(np.uint8) * 255) for half in (0, 1)]
    if any(half is None for half in halves):
        return dict.fromkeys(MODELS, 0.0)
    one, other = (half[0] for half in halves if half is not None)
    uncertain: dict[Model, float] = {
        model: _apart(_nearest(one, size, model), _nearest(other, size, model), size) / 2 for model in MODELS[1:4]
    }
    return {**uncertain, "identity": 0.0, "homography": 2 * uncertain["affine"]}


def _apart(one: Transform, other: Transform, size: tuple[int, ...]) -> float:
    points = spread((size[0], size[1]))
    return float(np.sqrt(((one.places(points) - other.places(points)) ** 2).sum(1).mean()))


def _nearest(affine: Transform, size: tuple[int, ...], model: str) -> Transform:
    """The transform of a simpler model that is nearest to an affine one over the picture: least squares."""
    if model == "affine":
        return affine
    points = spread((size[0], size[1]))
    places = affine.places(points)
    centre, there = points.mean(0), places.mean(0)
    if model == "translation":
        return shift(*(there - centre))
    one, other = points - centre, places - there
    scaled = np.array([(one * other).sum(), (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]).sum()])
    cosine, sine = scaled / (one**2).sum()
    turned = np.array([[cosine, -sine], [sine, cosine]])
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = turned, there - turned @ centre
    return Transform(matrix)
