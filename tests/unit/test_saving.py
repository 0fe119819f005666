"""Writing a generator's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridgetune import AdapterConfig, wrap
from tests.support.generators import network, saved


def test_the_weights_load_into_the_original_class_with_its_own_keys(tmp_path: Path):
    from safetensors.torch import load_file

    saved(tmp_path / "g")
    network().load_state_dict(load_file(tmp_path / "g" / "model.safetensors"), strict=True)


def test_the_card_tells_how_often_the_network_is_asked(tmp_path: Path):
    wrap(network(), AdapterConfig(call="concat", symmetric=True, mirrored=True)).save_pretrained(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| asked | in both orders, of the pair and its three mirror images |" in card
    wrap(network(), AdapterConfig(call="concat", scales=(1, 1 / 2, 1 / 3))).save_pretrained(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| asked | in one order, at full size and at 1/2 and 1/3 of it |" in card


@pytest.mark.parametrize(
    ("scales", "said"),
    [
        ((2, 1), "enlarged twice and at full size"),
        ((2, 1, 1 / 2, 1 / 3), "enlarged twice, at full size and at 1/2 and 1/3 of it"),
    ],
)
def test_the_card_says_that_pairs_are_enlarged(scales: tuple[float, ...], said: str, tmp_path: Path):
    wrap(network(), AdapterConfig(call="concat", scales=scales)).save_pretrained(tmp_path)
    assert f"| asked | in one order, {said} |" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_the_card_tells_what_it_was_told(tmp_path: Path):
    saved(tmp_path)
    card = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "| α | 1e-4 |" in card
    assert "| asked | in one order |" in card
    assert f"{4 * 6 * 9 + 4 + 8 + 4 + 1:,}" in card


def test_nothing_but_the_three_files_is_left(tmp_path: Path):
    saved(tmp_path)
    saved(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "config.json", "model.safetensors"]
