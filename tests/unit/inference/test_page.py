"""The page of a fused pair shows the sources where they were laid."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from torch import Tensor

from bridgetune import Generator
from bridgetune.inference import fuse_files
from bridgetune.inference.page import pair_page
from bridgetune.pictures import write_image
from tests.support.pages import frames_of


class TakesTheFirst(Generator):
    """The first image is in focus, everywhere and for sure."""

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return 9 + 0 * first[:, :1]


def test_pictures_upon_each_other_are_of_one_size(tmp_path: Path):
    scene = frames_of(1, 200, 240)[0]
    files = tmp_path / "<a>.png", tmp_path / "b.png"
    write_image(files[0], np.ascontiguousarray(scene[10:170, 12:212]))
    write_image(files[1], np.ascontiguousarray(scene[16:176, 5:205]))
    fusion = fuse_files(TakesTheFirst(), *files, align="translation")
    page = pair_page("out.png", fusion, files)
    shown = [Image.open(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"base64,([^\"]+)", page)]
    assert {picture.size for picture in shown} == {(193, 154)}
    first, fused, again, second = (np.asarray(picture).astype(int) for picture in shown[:4])
    assert np.abs(first - fused).mean() < 2
    assert (fused == again).all()
    assert np.abs(second - fused)[8:-8, 8:-8].mean() < 8
    assert "100.0% of it is of the first" in page
    assert "<a>" not in page
