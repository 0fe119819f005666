"""The square around a pixel: the mean of what of it is inside."""

import torch
from torch.nn.functional import avg_pool2d

from bridgetune.regions import WINDOW, box


def test_the_box_is_the_mean_of_what_is_inside():
    values = torch.rand(2, 1, 40, 50, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(box(values), avg_pool2d(values, WINDOW, 1, WINDOW // 2, count_include_pad=False))


def test_what_is_even_stays_even_also_where_it_is_smaller_than_the_square():
    torch.testing.assert_close(box(torch.full((1, 1, 8, 8), 3.0)), torch.full((1, 1, 8, 8), 3.0))
