from importlib.util import find_spec

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


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """rawpy and pillow-heif, as if they were not installed."""
    for module in ("_heif", "_raw"):
        monkeypatch.setattr(
            f"bridgetune.pictures.{module}.find_spec",
            lambda name: None if name in ("rawpy", "pillow_heif") else find_spec(name),
        )
