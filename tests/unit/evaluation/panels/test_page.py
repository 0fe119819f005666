"""Panels as a page."""

from __future__ import annotations

import re

import torch

from bridgetune.evaluation.panels.page import panels_page


def test_sources_are_beside_each_other_and_everything_else_beside_the_fused_image():
    image, decision = torch.rand(3, 8, 12), torch.rand(1, 8, 12)
    row = {"source A": image, "source B": image, "map: <one>": decision, "map: two": decision, "fused: two": image}
    made = panels_page("Lytro", {"01": row, "02 & more": row})
    sides = re.findall(r"<span>◂ (.*?)</span><span>drag the line</span><span>(.*?) ▸</span>", made)
    assert sides == 2 * [
        ("source A", "source B"),
        ("fused: two", "map: &lt;one&gt;"),
        ("fused: two", "map: two"),
    ]
    assert "<h2>02 &amp; more</h2>" in made
    assert made.count("data:image/png") == 4
    assert made.count("data:image/jpeg") == 8
