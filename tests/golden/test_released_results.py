"""The authors' released weights, run their way, give the authors' released results."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from bridgetune import create
from bridgetune.inference import fuse_folder
from bridgetune.inference.released import resize_bilinear
from bridgetune_bridgemff.scan import BACKENDS, VARIABLE

LOWEST_PSNR = 75.0
"""dB after JPEG encoding. 79.6 is what an exact reproduction reaches: two files differ, by three pixels whose
logits are within 5e-4 of 0."""


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


@pytest.mark.parametrize("scan", ["native", "cuda", "torch", "reference"])
def test_released_weights_give_the_released_lytro_results(
    scan: str, shared: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    weights = shared("reference/bridgemff/generator.pth")
    results = shared("reference/bridgemff/fused_lytro")
    pairs = shared("data/eval/lytro")

    problem = BACKENDS[scan].problem(torch.device("cpu"), torch.float32)
    if problem:
        pytest.skip(f"{scan}: {problem}")
    monkeypatch.setenv(VARIABLE, scan)

    stems = [stem for stem, _, _ in fuse_folder(create("bridgemff", weights=weights), pairs, tmp_path, "released")]

    assert len(stems) == 20
    for stem in stems:
        _, encoded = cv2.imencode(".jpg", cv2.imread(str(tmp_path / f"{stem}.png")))
        ours, theirs = cv2.imdecode(encoded, cv2.IMREAD_COLOR), cv2.imread(str(results / f"{stem}.jpg"))
        assert psnr(ours, theirs) >= LOWEST_PSNR, stem


@pytest.mark.parametrize(("height", "width"), [(520, 520), (427, 640), (256, 256), (100, 31)])
def test_maps_are_enlarged_bit_for_bit_as_opencv_does(height: int, width: int):
    binary = (np.random.default_rng(0).random((256, 256)) > 0.5).astype(np.float32)
    assert np.array_equal(resize_bilinear(binary, height, width), cv2.resize(binary, (width, height)))
