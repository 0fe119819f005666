"""Pieces of large pairs are those of what the adapter makes of the whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bridgetune import AdapterConfig
from bridgetune.wrapping.adapter import MIRRORINGS, pad_by_reflection
from bridgetune.wrapping.scales import ENLARGED, doubled, reduced
from bridgetune.wrapping.views import View

side = st.integers(1, 40)


@given(
    height=side,
    width=side,
    kind=st.sampled_from([np.uint8, np.uint16]),
    axes=st.sampled_from(MIRRORINGS),
    reduction=st.sampled_from([ENLARGED, 1, 2, 3, 4]),
    multiple=st.sampled_from([1, 3, 32]),
    minimum=st.sampled_from([1, 20]),
    data=st.data(),
)
def test_a_piece_is_cut_out_of_the_whole(
    height: int,
    width: int,
    kind: type[np.uint8 | np.uint16],
    axes: tuple[int, ...],
    reduction: float,
    multiple: int,
    minimum: int,
    data: Any,
):
    random = np.random.default_rng(height * 41 + width)
    pictures = random.integers(0, np.iinfo(kind).max, (2, height, width, 3), kind, endpoint=True)
    view = View(pictures, AdapterConfig(multiple=multiple, minimum=minimum), axes, reduction)
    cuts = [
        sorted(data.draw(st.tuples(st.integers(0, n), st.integers(0, n)).filter(lambda c: c[0] != c[1])))
        for n in view.padded
    ]
    rows, columns = (slice(*cut) for cut in cuts)
    for picture, piece in zip(pictures, view.piece(rows, columns), strict=True):
        whole = torch.from_numpy(picture.astype(np.float32) / np.iinfo(kind).max).permute(2, 0, 1)[None].flip(axes)
        if reduction == ENLARGED:
            whole = doubled(whole)
        elif reduction > 1:
            whole = reduced(whole, int(reduction))
        assert view.size == whole.shape[-2:]
        whole = pad_by_reflection(whole, multiple, minimum)
        assert view.padded == whole.shape[-2:]
        assert torch.equal(piece, whole[..., rows, columns])


@pytest.mark.parametrize(("reduction", "rows", "columns"), [(2, 4, 30), (ENLARGED, 3, 30)])
def test_no_more_is_read_than_the_piece_and_where_it_is_enlarged_a_row_on_either_side(
    reduction: float, rows: int, columns: int
):
    class Watched(np.ndarray[Any, Any]):
        """Tells how large a part of it is asked for."""

        largest = 0

        def astype(self, *args: Any, **options: Any) -> Any:
            Watched.largest = max(Watched.largest, self.size)
            return np.asarray(self).astype(*args, **options)

    picture = np.zeros((400, 30, 3), np.uint8).view(Watched)
    View((picture, picture), AdapterConfig(multiple=32), (-2,), reduction).piece(slice(10, 12))
    assert Watched.largest == rows * columns * 3


@pytest.mark.parametrize("reduction", [ENLARGED, 1, 2])
def test_both_pictures_keep_their_places(reduction: float):
    first, second = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    one, other = View((first, second), AdapterConfig(), reduction=reduction).piece(slice(0, 1))
    assert (one == 0).all()
    assert (other == 1).all()
