"""Numbers of a region: those that the metrics have of the same pixels as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bridgetune.app.fusing import Result
from bridgetune.app.scoring import MOST_PIXELS, SMALLEST, Region, homogeneous, scored
from bridgetune.errors import RequestError
from bridgetune.metrics import HOMOGENEOUS
from bridgetune.metrics.fusion import SourcePair
from bridgetune.pictures import read_image, to_tensor
from tests.support.pages import frames_of, fused_frames

SIDES = 600, 128
"""More rows than are looked at together."""


def even(frame: np.ndarray) -> np.ndarray:
    """The same with two thirds of the rows of one level."""
    return np.where((np.arange(len(frame)) < 400)[:, None, None], np.uint8(90), frame)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return fused_frames(tmp_path_factory.mktemp("pair"), [even(frame) for frame in frames_of(2, *SIDES)])


def tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]


def test_a_region_has_the_scores_of_its_pixels(pair: Result):
    region = Region(left=40, top=380, width=48, height=64)
    found = scored([pair, pair], region)
    part = slice(380, 444), slice(40, 88)
    first, second, picture = (
        read_image(path).pixels[part]
        for path in (*(place.path for place in pair.frames.places), pair.file("fused.tif"))
    )
    expected = SourcePair(tensor(first), tensor(second)).score(tensor(picture))
    assert found.scores[0] == pytest.approx({name: float(score) for name, score in expected.items()}, nan_ok=True)
    assert found.scores[1] == found.scores[0]
    assert found.first[0] == pytest.approx((np.load(pair.folder / "index.npy")[part] == 0).mean())
    assert 0.1 < found.homogeneous < 0.4  # 20 of 64 rows are of one level


def test_homogeneous_is_what_the_metrics_call_so_in_every_frame(pair: Result):
    found = homogeneous(pair)
    whole = [HOMOGENEOUS.of(to_tensor(read_image(place.path).pixels)[None])[0, 0] for place in pair.frames.places]
    assert (found == (whole[0] & whole[1]).numpy()).all()
    assert found[:380].all()
    assert not found[420:].any()


@pytest.mark.parametrize(
    ("region", "line"),
    [
        ((0, 0, SMALLEST - 1, 64), "got 31×64 pixels, expected sides of 32"),
        ((100, 0, 32, 32), "expected a part of 128×600"),
        ((0, 590, 32, 32), "expected a part of 128×600"),
        ((0, 0, MOST_PIXELS // 64 + 1, 64), "expected 1,048,576 in all at most"),
    ],
)
def test_a_region_that_says_little_takes_long_or_lies_elsewhere_is_refused(
    pair: Result, region: tuple[int, int, int, int], line: str
):
    left, top, width, height = region
    with pytest.raises(RequestError, match=line):
        scored([pair], Region(left=left, top=top, width=width, height=height))


def test_a_stack_is_refused(tmp_path: Path):
    result = fused_frames(tmp_path, frames_of(3), "sharpness")
    with pytest.raises(RequestError, match="shows 3 frames, and the metrics are of two"):
        scored([result], Region(left=0, top=0, width=40, height=40))
    assert homogeneous(result).shape == result.shape
