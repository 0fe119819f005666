"""A frame is decoded once for all looks at it, as far as memory is meant to be spent on that."""

from __future__ import annotations

import numpy as np
import pytest

from bridgetune.inference.stacks import remembering
from bridgetune.inference.stacks.remembering import RememberedFrames
from bridgetune.pictures import Picture


class Counted:
    """Frames of noise that count how often they are read."""

    names = ("a", "b", "c")

    def __init__(self) -> None:
        self.reads = [0, 0, 0]

    def __len__(self) -> int:
        return 3

    def size(self, index: int) -> tuple[int, int]:
        return 10, 20

    def read(self, index: int) -> Picture:
        self.reads[index] += 1
        return Picture(np.full((10, 20, 3), index, np.uint8), gray=False)


def test_a_frame_is_read_once_for_three_looks():
    frames = Counted()
    remembered = RememberedFrames(frames)
    assert (len(remembered), remembered.names, remembered.size(1)) == (3, frames.names, (10, 20))
    for _ in range(3):
        assert [int(remembered.read(place).pixels[0, 0, 0]) for place in range(3)] == [0, 1, 2]
        assert frames.reads == [1, 1, 1]


@pytest.mark.parametrize(("most", "large", "kept"), [(1300, 10**6, [0, 1]), (10**6, 600, []), (10**6, 601, [0, 1, 2])])
def test_no_more_is_kept_than_is_meant_to(monkeypatch: pytest.MonkeyPatch, most: int, large: int, kept: list[int]):
    monkeypatch.setattr(remembering, "MOST", most)
    monkeypatch.setattr(remembering, "LARGE", large)
    frames = Counted()
    remembered = RememberedFrames(frames)
    for _ in range(2):
        for place in range(3):
            remembered.read(place)
    assert [place for place in range(3) if frames.reads[place] == 1] == kept
