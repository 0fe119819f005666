import numpy as np
import pytest

from tests.support.scenes import add_scene, lasting_scenes, rng, scenes, truncate

__all__ = ["add_scene", "lasting_scenes", "rng", "scenes", "truncate"]


@pytest.fixture
def rgb8(rng):
    return rng.integers(0, 256, (5, 7, 3), np.uint8)


@pytest.fixture
def rgb16(rng):
    return rng.integers(0, 65536, (5, 7, 3), np.uint16)
