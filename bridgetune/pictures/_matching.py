"""Two gray pictures of one scene laid upon each other, by OpenCV: coarse to fine, along what differs in sharpness.

Enhanced correlation (Evangelidis and Psarakis, IEEE TPAMI 2008) is blind to brightness and contrast. What is correlated
in the end are details of one scale whose contrast is made even from place to place, so that neither strong edges,
beside which defocus spills, nor what is sharp in one picture alone outweigh the rest.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from bridgetune.pictures.transforms import IDENTITY, Transform, shift

Gray = NDArray[np.float32]
Motion = Literal["translation", "euclidean", "affine", "homography"]

COARSE, COARSEST = 320, 24
"""Pixels of the longer side up to which pictures are laid upon each other as they are; and the fewest of the shorter
side that they are reduced to."""

FINE, WIDE = 2.0, 8.0
"""Pixels: the scales between which details lie."""

PLACE = 33
"""Pixels of the side of a place at which details are compared."""

EVEN = 1e-4
"""Of full scale: the standard deviation below which a picture shows nothing."""

STEPS, ENOUGH = 50, 1e-4
"""Of one correlation: the most steps, and what it must gain in one."""


def reduced(pixels: NDArray[Any], factor: int) -> NDArray[np.float32]:
    """Means of squares of `factor` pixels, (H, W, …) -> (H / factor, W / factor, …), in [0, 1]."""
    import cv2

    height, width = (side // factor for side in pixels.shape[:2])
    if factor > 1:
        whole = pixels[: height * factor, : width * factor]
        pixels = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    full = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else 1
    return np.asarray(pixels, np.float32) / np.float32(full)


def details(image: Gray) -> Gray:
    """What is between two scales, of the same contrast everywhere; what is faint beside the rest stays faint.

    (H, W) -> (H, W) less a margin at each side in which the scales reach over the border.
    """
    import cv2

    band = cv2.GaussianBlur(image, (0, 0), FINE) - cv2.GaussianBlur(image, (0, 0), WIDE)
    energy = cv2.GaussianBlur(band * band, (0, 0), WIDE)
    even: Gray = band / np.sqrt(energy + 0.09 * energy.mean() + 1e-12)
    at = margin(image.shape)
    return even[at : image.shape[0] - at, at : image.shape[1] - at]


def margin(size: tuple[int, ...]) -> int:
    """Pixels of each side that `details` leaves out."""
    return min(int(2 * WIDE), min(size[:2]) // 8)


def laid(first: Gray, second: Gray) -> tuple[Transform, float]:
    """From the first picture to the second, without a guess, and their correlation there; 0 where it fails."""
    levels = [(first, second)]
    while min(min(image.shape) for image in levels[0]) >= 2 * COARSEST:
        levels.insert(0, (reduced(levels[0][0], 2), reduced(levels[0][1], 2)))
    transform = _placed(*levels[0])
    correlation = 0.0
    for one, other in levels:
        if (one, other) is not levels[0] and one is not levels[0][0]:
            transform = transform.enlarged(2)
        motions: tuple[Motion, ...] = ("affine",)
        if min(one.shape) < 4 * COARSEST:
            motions = ("translation",) if min(one.shape) < 2 * COARSEST else ("euclidean", "affine")
        for motion in motions:
            found = correlated(one, other, transform, motion)
            if found is not None:
                transform, correlation = found
    return transform, correlation


def correlated(
    first: Gray, second: Gray, start: Transform, motion: Motion, mask: NDArray[np.uint8] | None = None
) -> tuple[Transform, float] | None:
    """The transform at which the pictures correlate most, close to a start; and by how much, inside of both.

    Args:
        first, second: (H, W), each of a size of its own.
        mask: (H, W) of the second, where it is looked at; None: everywhere.

    Returns:
        None where nothing is found.
    """
    import cv2

    rows = 3 if motion == "homography" else 2
    kind = getattr(cv2, f"MOTION_{motion.upper()}")
    until = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, STEPS, ENOUGH)
    try:
        guess = start.matrix[:rows].astype(np.float32)
        correlation, matrix = cv2.findTransformECC(first, second, guess, kind, until, mask, 1)
    except cv2.error:
        return None
    whole = np.eye(3)
    whole[:rows] = matrix
    return (Transform(whole), float(correlation)) if np.isfinite(whole).all() else None


def correlation_at(first: Gray, second: Gray, transform: Transform) -> float:
    """How the pictures correlate under a transform, where both show something; 0 where that is too little."""
    import cv2

    size = first.shape[::-1]
    moved = cv2.warpPerspective(second, transform.matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    shown = np.ones(second.shape, np.uint8)
    inside = cv2.warpPerspective(shown, transform.matrix, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
    one, other = first[inside], moved[inside]
    if one.size < COARSEST**2 or min(one.std(), other.std()) < EVEN:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def agreement_at(first: Gray, second: Gray, transform: Transform) -> float:
    """How well details agree under a transform where they agree best, in [0, 1]; what is sharp in one alone has no say.

    The mean of the sixth power of their correlation from place to place, over what both show something in: where both
    are sharp it is near 1, where one is blurred, and may be displaced by that, it is near 0.

    Args:
        first, second: See `details`.
    """
    import cv2

    size, window = first.shape[::-1], (PLACE, PLACE)
    moved = cv2.warpPerspective(second, transform.matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    shown = np.ones(second.shape, np.float32)
    inside = cv2.warpPerspective(shown, transform.matrix, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)
    one, other = cv2.blur(first * first * inside, window), cv2.blur(moved * moved, window)
    told = (inside > 0) & (one > 0.25 * (first * first).mean()) & (other > 0.25 * (second * second).mean())
    if told.sum() < COARSEST**2:
        return 0.0
    alike = cv2.blur(first * moved, window)[told] / np.sqrt(one[told] * other[told])
    return float((alike.clip(0, 1) ** 6).mean())


def by_features(first: Gray, second: Gray) -> Transform | None:
    """A similarity by features that are alike (Lowe, IJCV 2004), however far apart; None where too few agree."""
    import cv2

    finder = cv2.SIFT.create(2000)
    found = []
    for image in (first, second):
        low, high = np.percentile(image, (1, 99))
        levels = ((image - low) / max(high - low, EVEN) * 255).clip(0, 255).astype(np.uint8)
        found.append(finder.detectAndCompute(levels, None))
    (points, descriptors), (others, beside) = found
    if min(len(points), len(others)) < FEWEST_FEATURES:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(descriptors, beside, k=2)
    best = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < 0.8 * pair[1].distance]
    if len(best) < FEWEST_FEATURES:
        return None
    here = np.array([points[match.queryIdx].pt for match in best])
    there = np.array([others[match.trainIdx].pt for match in best])
    matrix, kept = cv2.estimateAffinePartial2D(here, there, method=cv2.RANSAC, ransacReprojThreshold=3)
    if matrix is None or kept.sum() < max(FEWEST_FEATURES, 0.15 * len(best)):
        return None
    return Transform(np.vstack([matrix, [0, 0, 1]]))


FEWEST_FEATURES = 12
"""That must agree on a similarity."""


def _placed(first: Gray, second: Gray) -> Transform:
    """The shift at which the middle of the first is found in the second; none where that is no better.

    Centre upon centre is no shift, whatever the sizes.
    """
    import cv2

    height, width = first.shape
    rows, columns = int(height * 0.2), int(width * 0.2)
    middle = first[rows : height - rows, columns : width - columns]
    down, right = ((there - here) / 2 for here, there in zip(first.shape, second.shape, strict=True))
    unmoved = IDENTITY if right == down == 0 else shift(right, down)
    if any(small > large for small, large in zip(middle.shape, second.shape, strict=True)):
        return unmoved
    alike = cv2.matchTemplate(
        cv2.GaussianBlur(second, (0, 0), 1), cv2.GaussianBlur(middle, (0, 0), 1), cv2.TM_CCOEFF_NORMED
    )
    row, column = np.unravel_index(int(alike.argmax()), alike.shape)
    there = (
        int(np.clip(round(rows + down), 0, alike.shape[0] - 1)),
        int(np.clip(round(columns + right), 0, alike.shape[1] - 1)),
    )
    better = alike[row, column] - alike[there] > 0.05
    return shift(float(column - columns), float(row - rows)) if better else unmoved
