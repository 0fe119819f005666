"""Where the seam of a pair runs beside what is in focus: where both pictures are alike, it is not seen.

In focus, a thing's edge is sharp in one picture; in the other its blur reaches beyond that edge, a veil over what is
behind it. There neither picture has detail, a map's boundary lies anywhere, and a seam within the veil is a line, or a
ring around the thing, that neither picture has. Pixels of such places are taken from the picture that has the thing, up
to where the veil ends: by a watershed, whose floods start from what stays as it is and rise where the pictures differ
most, so that they meet where they differ least.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from bridgetune.inference.feathering import mean_around

REACH = 32
"""Pixels from a map's boundary within which the seam may be laid anew."""

EVEN, FINE, COARSE, AROUND = 3 / 255, 3, 11, 5
"""Of full scale, what a picture's detail has to be below for its pixels to be given to the other: the mean, over the
square of side `AROUND`, of how far the mean of the square of side `FINE` is from that of side `COARSE`. A slope is no
detail, however steep."""

MORE = 2
"""As many times its detail as a picture has, the other has to have for its pixels to be given there in any case."""

UNLIKE = 4 / 255
"""Of full scale, by which the pictures have to differ in some colour, in the mean of the square of side `AROUND`, for a
pixel to be given away: where they are alike the seam stays."""

LEVELS = 255
"""How finely differences are told apart: between equal ones the seam stays where it is."""

TILE = 256
"""Rows and columns that are looked at at once."""

Pixels = NDArray[np.uint8 | np.uint16]
Mask = NDArray[np.bool_]


def laid(taken: Mask, first: Pixels, second: Pixels) -> Mask:
    """A map whose boundaries lie where the pictures are alike, if neither has detail between here and there.

    A pixel within `REACH` of a boundary is free where the two differ, and the picture that it is taken from has no
    detail, or far less than the other; all others stay. Free pixels go to the side from which they are reached over
    pixels that differ the more: the watershed by minimum spanning forests of J. Cousty et al., "Watershed cuts",
    TPAMI 31, 2009. Those that hang together, and touch pixels that stay of one side alone, stay as well.

    Args:
        taken: (H, W), where the first is taken.
        first, second: (H, W, 3) of one type.

    Returns:
        (H, W). To exchange the pictures and what is taken exchanges the result, and nothing else.
    """
    places, apart = _free(taken, first, second)
    if not len(places):
        return taken
    result = taken.copy()
    result.ravel()[places] = _flooded(places, apart, taken)
    return result


def _free(taken: Mask, first: Pixels, second: Pixels) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Places of the free pixels among all, in their order, and by how much the pictures differ there."""
    import cv2

    height, width = taken.shape
    margin, side = max(REACH, FINE + COARSE + AROUND), 2 * REACH + 1
    found: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    for top, left in itertools.product(range(0, height, TILE), range(0, width, TILE)):
        around = slice(max(top - margin, 0), top + TILE + margin), slice(max(left - margin, 0), left + TILE + margin)
        near = taken[around]
        if near.all() or not near.any():
            continue
        of_first = cv2.boxFilter(
            near.view(np.uint8), cv2.CV_32S, (side, side), normalize=False, borderType=cv2.BORDER_REFLECT
        )
        free = (of_first > 0) & (of_first < side**2)
        apart = _most_of_colours(cv2.absdiff(*(mean_around(picture[around], AROUND) for picture in (first, second))))
        apart = np.rint(apart * (LEVELS / np.iinfo(first.dtype).max)) / np.float32(LEVELS)
        free &= apart > UNLIKE
        details = [_detail(picture[around]) for picture in (first, second)]
        own, other = (np.where(near, *pair) for pair in (details, details[::-1]))
        free &= (own < EVEN) | (MORE * own < other)
        inside = slice(top - around[0].start, None), slice(left - around[1].start, None)
        rows, columns = np.nonzero(free[inside][:TILE, :TILE])
        found.append(((rows + top) * np.int64(width) + columns + left, apart[inside][rows, columns]))
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    places, differences = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(places)
    return places[order], differences[order]


def _flooded(places: NDArray[np.int64], apart: NDArray[np.float32], taken: Mask) -> Mask:
    """Whether each of the free pixels is reached from a pixel that is taken from the first, or else as it was."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    (height, width), count = taken.shape, len(places)
    whole, own = taken.ravel(), taken.ravel()[places]
    rows, columns = (axis.astype(np.int32) for axis in np.divmod(places, width))
    beside = np.zeros((2, count), bool)  # pixels that stay and are taken from the second, and from the first
    pairs = []
    for step, there in ((-width, rows > 0), (width, rows < height - 1), (-1, columns > 0), (1, columns < width - 1)):
        pixel = np.flatnonzero(there).astype(np.int32)
        place = places[pixel] + step
        node = np.searchsorted(places, place).astype(np.int32)
        free = places[np.minimum(node, count - 1)] == place
        if step > 0:
            pairs.append((pixel[free], node[free]))
        side = whole[place[~free]]
        for source in range(2):
            beside[source, pixel[~free][side == bool(source)]] = True
    # Lines to the two sources and between free pixels: of equals those first that leave pixels as they are.
    stays, goes = (np.flatnonzero(np.where(side, beside[1], beside[0])).astype(np.int32) for side in (own, ~own))
    start, end = (np.concatenate(part) for part in zip(*pairs, strict=True))
    across = own[start] != own[end]
    starts = np.concatenate([stays, start[~across], start[across], goes])
    ends = np.concatenate([np.int32(count) + own[stays], end[~across], end[across], np.int32(count) + ~own[goes]])
    alike = -np.minimum(apart[starts], np.append(apart, [np.inf, np.inf])[ends])
    order = np.argsort(alike, kind="stable")
    # Both sources are joined by a line that every tree has: without it there are two.
    lines = np.append(starts[order], np.int32(count)), np.append(ends[order], np.int32(count + 1))
    del starts, ends, alike
    ranks = np.append(np.arange(len(order)) + 2.0, 1.0)
    tree = minimum_spanning_tree(coo_array((ranks, lines), shape=(count + 2, count + 2)).tocsr())
    tree.data[tree.data == 1] = 0
    tree.eliminate_zeros()
    _, parts = connected_components(tree, directed=False)
    from_second, from_first = (parts[:count] == parts[source] for source in (count, count + 1))
    # Between free pixels alone, what hangs together: with a source of one side only, there is no seam to lay.
    free = coo_array((np.ones(len(start), bool), (start, end)), shape=(count, count))
    _, together = connected_components(free, directed=False)
    both = np.logical_and(*(np.bincount(together, weights=side) > 0 for side in beside))[together]
    answer: Mask = np.where(both & (from_second | from_first), from_first, own)
    return answer


def _detail(picture: Pixels) -> NDArray[np.float32]:
    """(H, W, 3) -> (H, W), of full scale: see `EVEN`."""
    import cv2

    fine = cv2.transform(mean_around(picture, FINE), np.full((1, 3), 1 / (3 * np.iinfo(picture.dtype).max), np.float32))
    return mean_around(cv2.absdiff(fine, mean_around(fine, COARSE)), AROUND)


def _most_of_colours(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, 3) -> (H, W)"""
    most: NDArray[np.float32] = np.maximum(np.maximum(values[..., 0], values[..., 1]), values[..., 2])
    return most
