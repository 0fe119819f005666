"""The square around a pixel: the mean of what of it is inside, and where that says that a network does not know."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import avg_pool2d

from bridgetune.inference.deciding import _unsure
from bridgetune.regions import SURE, WINDOW, box, unsure


def test_the_box_is_the_mean_of_what_is_inside():
    values = torch.rand(2, 1, 40, 50, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(box(values), avg_pool2d(values, WINDOW, 1, WINDOW // 2, count_include_pad=False))


def test_what_is_even_stays_even_also_where_it_is_smaller_than_the_square():
    torch.testing.assert_close(box(torch.full((1, 1, 8, 8), 3.0)), torch.full((1, 1, 8, 8), 3.0))


@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 60), width=st.integers(1, 60), share=st.floats(0.2, 0.6))
def test_maps_of_torch_and_of_numpy_are_unsure_at_the_same_pixels(seed: int, height: int, width: int, share: float):
    """Also where exactly two fifths of a square are sure, as happens where it reaches beyond the picture."""
    rng = np.random.default_rng(seed)
    logits = np.where(rng.random((height, width)) < share, 2 * SURE, SURE).astype(np.float32)
    assert np.array_equal(unsure(torch.from_numpy(logits)[None, None])[0, 0].numpy(), _unsure(logits))


def test_two_fifths_of_the_square_are_enough():
    logits = torch.full((1, 1, 1, 50), SURE)
    logits[..., :10] = 2 * SURE
    assert unsure(logits)[0, 0, 0].nonzero()[0] == 9  # 10 of 25 columns are sure around the pixel before
