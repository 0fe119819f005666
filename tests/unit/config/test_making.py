from __future__ import annotations

import pytest
from pydantic import ValidationError

from bridgetune.config import StackMaking


@pytest.mark.parametrize("moving", [{"breathing": 0.01}, {"breathing": -0.01}, {"shift": 1}, {"rotation": 0.1}])
def test_frames_move_where_one_of_three_says_so(moving):
    assert StackMaking(**moving).moves
    assert not StackMaking(blur=3, noise=0.1, depth_shape="hills").moves


@pytest.mark.parametrize("beyond", [{"blur": -1}, {"noise": 2}, {"breathing": 0.5}, {"depth_shape": "flat"}])
def test_what_no_lens_does_is_refused(beyond):
    with pytest.raises(ValidationError):
        StackMaking(**beyond)
