"""The gray levels that the fusion metrics see."""

from __future__ import annotations

import pytest
import torch

from bridgetune.data import to_tensor
from bridgetune.errors import RequestError
from bridgetune.metrics import gray_levels
from bridgetune.metrics.levels import stretching


def pixels() -> torch.Tensor:
    return torch.randint(0, 256, (1, 3, 40, 50), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_an_8_bit_image_has_its_levels_whichever_form_it_comes_in():
    expected = gray_levels(pixels())
    canonical = to_tensor(pixels()[0].permute(1, 2, 0).numpy())[None]
    assert torch.equal(gray_levels(canonical), expected)
    assert torch.equal(gray_levels((pixels().int() * 257).to(torch.uint16)), expected)


def test_every_gray_level_comes_through_as_itself():
    ramp = torch.arange(256, dtype=torch.uint8).repeat(11, 1)[None, None]
    assert torch.equal(gray_levels(ramp)[0, 0], torch.arange(256, dtype=torch.float64))
    assert torch.equal(gray_levels(ramp.expand(1, 3, 11, 256)), gray_levels(ramp))
    assert torch.equal(gray_levels((ramp / 255).float()), gray_levels(ramp))


def test_colours_are_weighed_and_rounded():
    image = torch.zeros(1, 3, 11, 11, dtype=torch.uint8)
    image[0, :, 0, 0] = torch.tensor([10, 20, 31])
    # 2.98936 + 11.74086 + 3.53465 = 18.26; red alone: 0.298936 · 5 = 1.4947, and · 2 = 0.598
    image[0, 0, 0, 1], image[0, 0, 0, 2] = 5, 2
    assert gray_levels(image)[0, 0, :3].tolist() == [18, 1, 1]


def test_sixteen_bits_are_scaled_and_rounded():
    image = torch.zeros(1, 1, 11, 11, dtype=torch.int32)
    image[0, 0, 0, :4] = torch.tensor([128, 129, 65535, 65406])
    assert gray_levels(image.to(torch.uint16))[0, 0, :4].tolist() == [0, 1, 255, 254]


def test_stretching_spans_all_levels_and_rounds_half_up():
    levels = [10, 12, 20, 13]
    # (12 - 10)/10 · 255 = 51, (13 - 10)/10 · 255 = 76.5
    assert stretching(torch.tensor([[levels]], dtype=torch.uint8))[0, levels].tolist() == [0, 51, 255, 77]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (torch.zeros(3, 20, 20), r"got shape \(3, 20, 20\).*add \[None\]"),
        (torch.zeros(1, 2, 20, 20), "expected \\(B, 1 or 3, H, W\\)"),
        (torch.zeros(1, 1, 10, 20), "at least 11"),
        (torch.full((1, 1, 20, 20), 255.0), "from 255 to 255, expected 0 to 1; divide by 255"),
        (torch.full((1, 1, 20, 20), float("nan")), "expected 0 to 1"),
        (torch.zeros(1, 1, 20, 20, dtype=torch.int64), "got int64, expected float"),
    ],
)
def test_what_is_no_image_is_refused(image: torch.Tensor, told: str):
    with pytest.raises(RequestError, match=told):
        gray_levels(image)
