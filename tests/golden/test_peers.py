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
from bridgetune.plugins import registry
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


@pytest.mark.parametrize("stem", ["01", "15"])
def test_sesf_decides_as_its_authors_program(stem: str, shared: Callable[[str], Path]):
    with torch.no_grad():
        logits = released("sesf", shared)(*pair(shared, stem))[0, 0].numpy()
    golden = np.asarray(Image.open(shared(f"reference/peers/sesf_fuse/{stem}_map.png"))) > 127
    assert ((logits > 0) != golden).mean() < 0.0005


def test_gacn_draws_its_authors_map(shared: Callable[[str], Path]):
    golden = np.load(shared("reference/peers/gacn/01_raw.npz"))
    config = registry().find("gacn")[1].adapter
    with torch.no_grad():
        hard, soft = wrap(as_released("gacn", shared), config).answer(*pair(shared))
    for map_, name in ((hard, "map_raw"), (soft, "map_guided")):
        off = np.abs(map_[0, 0].numpy() - golden[name])
        # Its two factors of 1000 make much of rounding where the map goes from 0 to 1.
        assert (off > 1e-4).mean() < 0.001
        assert ((map_[0, 0].numpy() > 0.5) != (golden[name] > 0.5)).mean() < 0.0005


def test_ifcnn_fuses_its_authors_picture_and_its_map_is_read_off_it(shared: Callable[[str], Path]):
    generator, (first, second) = released("ifcnn", shared), pair(shared)
    with torch.no_grad():
        fused = (generator.fused(first, second)[0].permute(1, 2, 0).numpy() * 255).astype(int)
        logits = generator(first, second)
        of_a_map = bridgetune.create("bridgemff").eval()(first, second)
    golden = np.asarray(Image.open(shared("reference/peers/ifcnn/01_fused.png"))).astype(int)
    assert np.abs(fused - golden).max() <= 1
    assert ((logits > 0) == (of_a_map > 0)).float().mean() > 0.96


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
