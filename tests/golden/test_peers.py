"""Published end-to-end and decision-map networks with their authors' weights, wrapped as anybody's network is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import bridgetune
from bridgetune import AdapterConfig, Steps, TuneConfig, wrap
from bridgetune.data import read_image
from bridgetune.inference import asked_logits, fuse_pictures
from bridgetune.inference.smoothing import blended, smoothed
from bridgetune.wrapping import Adapter
from bridgetune_peers.gacn import GACN
from bridgetune_peers.ifcnn import IFCNN
from tests.zoo.peers import GACNWithMaps

FOLDERS = {"sesf": "sesf_fuse", "gacn": "gacn", "ifcnn": "ifcnn"}
"""Generator -> the folder of its released weights and what they answer."""


def released(name: str, shared: Callable[[str], Path]) -> Adapter:
    return bridgetune.create(name, weights=shared(f"reference/peers/{FOLDERS[name]}/weights.pth"))


def pair(shared: Callable[[str], Path], stem: str = "01") -> tuple[Tensor, Tensor]:
    first, second = (read_image(shared(f"data/eval/lytro/{side}/{stem}.jpg")).tensor()[None] for side in "AB")
    return first, second


def as_released(name: str, shared: Callable[[str], Path]) -> nn.Module:
    """The network with its weights, as its authors' program has it."""
    network = released(name, shared).unwrap()
    return GACNWithMaps(network).eval() if isinstance(network, GACN) else network


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sesf", AdapterConfig(color="gray")),
        ("gacn", AdapterConfig(color="gray", item=1, output="probability")),
        ("ifcnn", AdapterConfig(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), output="fused")),
    ],
)
def test_a_released_network_is_wrapped_without_a_word(name: str, found: AdapterConfig, shared: Callable[[str], Path]):
    """And decides as the plugin's generator does, but for what nobody can see: the luma, SESF's mean and deviation."""
    generator = wrap(as_released(name, shared))
    assert generator.config == found
    images = [image[..., 150:310, 150:310] for image in pair(shared)]
    with torch.no_grad():
        decisions, expected = (each.eval()(*images) > 0 for each in (generator, released(name, shared)))
    assert (decisions == expected).float().mean() > 0.94
    assert expected.float().mean().item() not in (0.0, 1.0)


def off(fused: np.ndarray, name: str, shared: Callable[[str], Path], stem: str) -> int:
    """By how many gray levels at most a picture differs from the authors'."""
    golden = np.asarray(Image.open(shared(f"reference/peers/{FOLDERS[name]}/{stem}_fused.png"))).astype(int)
    return int(np.abs(fused - golden).max())


@pytest.mark.parametrize("stem", ["01", "15"])
def test_sesf_decides_and_fuses_as_its_authors_program(stem: str, shared: Callable[[str], Path]):
    generator = released("sesf", shared)
    sources = [read_image(shared(f"data/eval/lytro/{side}/{stem}.jpg")).pixels for side in "AB"]
    logits = asked_logits(generator, *sources)
    golden = np.asarray(Image.open(shared(f"reference/peers/sesf_fuse/{stem}_map.png"))) > 127
    assert ((logits > 0) != golden).mean() < 0.0005
    weights = smoothed(logits, *sources, ("paper",), generator)
    golden_weights = np.load(shared(f"reference/peers/sesf_fuse/{stem}_raw.npz"))["map_guided"]
    assert np.abs(weights - golden_weights).max() < 1e-4
    assert off(blended(*sources, weights), "sesf", shared, stem) <= 1


def test_gacn_draws_its_authors_map_and_fuses_as_their_program(shared: Callable[[str], Path]):
    golden = np.load(shared("reference/peers/gacn/01_raw.npz"))
    generator = released("gacn", shared)
    sources = [read_image(shared(f"data/eval/lytro/{side}/01.jpg")).pixels for side in "AB"]
    logits = asked_logits(generator, *sources)
    weights = smoothed(logits, *sources, ("paper",), generator)
    for map_, name in ((torch.from_numpy(logits).sigmoid().numpy(), "map_raw"), (weights, "map_guided")):
        differs = np.abs(map_ - golden[name])
        # Its two factors of 1000 make much of rounding where the map goes from 0 to 1.
        assert (differs > 1e-4).mean() < 0.001
        assert ((map_ > 0.5) != (golden[name] > 0.5)).mean() < 0.0005
    assert off(blended(*sources, weights), "gacn", shared, "01") <= 1


def test_ifcnn_fuses_its_authors_picture_and_its_map_is_read_off_it(shared: Callable[[str], Path]):
    pictures = [read_image(shared(f"data/eval/lytro/{side}/01.jpg")) for side in "AB"]
    fusion = fuse_pictures(released("ifcnn", shared), *pictures, recipe="own")
    of_a_map = fuse_pictures(bridgetune.create("bridgemff"), *pictures, undecided="keep")
    assert off(fusion.pixels, "ifcnn", shared, "01") <= 1
    assert (fusion.decision == of_a_map.decision).mean() > 0.96


def test_an_end_to_end_network_is_tuned_saved_and_loaded(shared: Callable[[str], Path], tmp_path: Path):
    from bridgetune.data import References, SyntheticPairs

    data = {name: shared(f"data/duts/val/{name}") for name in ("image", "mask")}
    pairs = SyntheticPairs(data["image"], data["mask"], size=48)
    references = References.from_folders(shared("data/references/clear"), shared("data/references/blurred"), size=48)
    generator = wrap(released("ifcnn", shared).unwrap())
    before = generator.unwrap().conv3.conv.weight.clone()
    bridgetune.finetune(
        generator, pairs, references, TuneConfig(duration=Steps(steps=2), batch=2), run_dir=tmp_path / "run"
    )
    assert not torch.equal(generator.unwrap().conv3.conv.weight, before)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert all(0 < line["fidelity"] < 0.2 for line in lines if "loss" in line)
    again = bridgetune.load(tmp_path / "run", network=IFCNN()).eval()
    assert again.config == generator.config
    images = torch.rand(2, 1, 3, 40, 48)
    with torch.no_grad():
        assert torch.equal(again(*images), generator.eval()(*images))
        assert torch.equal(again.fused(*images), generator.fused(*images))
