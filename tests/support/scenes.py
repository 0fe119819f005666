"""Scenes on disk, a picture and a mask each, and ways to spoil them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def write_scene(root: Path, stem: str, height: int = 24, width: int = 36) -> None:
    """Noise, and a mask of its left third, both lossless: root/image/stem.png and root/mask/stem.png."""
    noise = np.random.default_rng([*stem.encode()]).integers(0, 256, (height, width, 3), np.uint8)
    mask = np.zeros((height, width), np.uint8)
    mask[:, : width // 3] = 255
    for name, pixels in (("image", noise), ("mask", mask)):
        (root / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / name / f"{stem}.png")


def cut_off(path: Path, keep: float = 0.5) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def write_scenes(root: Path) -> Path:
    for stem in ("1", "2", "10"):
        write_scene(root, stem)
    return root


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    """A folder of image/ and mask/ with three scenes of 24x36 that a test may spoil."""
    return write_scenes(tmp_path / "scenes")


@pytest.fixture(scope="session")
def lasting_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, for tests that draw many examples and change nothing."""
    return write_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture
def truncate():
    return cut_off


@pytest.fixture
def add_scene():
    return write_scene
