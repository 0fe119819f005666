"""Published end-to-end and decision-map networks with their authors' weights, wrapped as anybody's network is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import bridgetune
from bridgetune import AdapterConfig, Steps, TuneConfig, wrap
from bridgetune.data import read_image
from tests.zoo import peers

SKIMAGE = (0.2125, 0.7154, 0.0721)
"""The luma that SESF and GACN were trained with."""

FOUND: dict[str, tuple[type[nn.Module], dict[str, Any]]] = {
    "sesf_fuse": (peers.SESF, {"color": "gray"}),
    "gacn": (peers.GACN, {"color": "gray", "item": 1, "output": "probability"}),
    "ifcnn": (
        peers.IFCNN,
        {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225), "output": "fused"},
    ),
}
"""Folder of the weights -> the network, and what `wrap` is to find without a word."""

TRAINED: dict[str, dict[str, Any]] = {
    "sesf_fuse": {"luma": SKIMAGE, "mean": (0.4500517361627943,), "std": (0.26465333914691797,)},
    "gacn": {"luma": SKIMAGE},
    "ifcnn": {},
}
"""What their authors' programs do to the images beside that."""


def released(name: str, shared: Callable[[str], Path]) -> nn.Module:
    network = FOUND[name][0]()
    file = shared(f"reference/peers/{name}/weights.pth")
    missing = network.load_state_dict(torch.load(file, weights_only=True, map_location="cpu"), strict=False)
    assert not missing.unexpected_keys
    assert all(key.endswith("num_batches_tracked") for key in missing.missing_keys)
    return network.eval()


def pair(shared: Callable[[str], Path], stem: str = "01") -> tuple[Tensor, Tensor]:
    first, second = (read_image(shared(f"data/eval/lytro/{side}/{stem}.jpg")).tensor()[None] for side in "AB")
    return first, second


@pytest.mark.parametrize(("name", "parameters"), [("sesf_fuse", 74_803), ("gacn", 68_820), ("ifcnn", 83_587)])
def test_a_released_network_is_wrapped_without_a_word(name: str, parameters: int, shared: Callable[[str], Path]):
    network = released(name, shared)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert wrap(network).config == AdapterConfig(**FOUND[name][1])


@pytest.mark.parametrize("stem", ["01", "15"])
def test_sesf_decides_as_its_authors_program(stem: str, shared: Callable[[str], Path]):
    config = AdapterConfig(**FOUND["sesf_fuse"][1], **TRAINED["sesf_fuse"])
    with torch.no_grad():
        logits = wrap(released("sesf_fuse", shared), config)(*pair(shared, stem))[0, 0].numpy()
    golden = np.asarray(Image.open(shared(f"reference/peers/sesf_fuse/{stem}_map.png"))) > 127
    assert ((logits > 0) != golden).mean() < 0.0005


def test_gacn_draws_its_authors_map(shared: Callable[[str], Path]):
    network, (first, second) = released("gacn", shared), pair(shared)
    config = AdapterConfig(**FOUND["gacn"][1], **TRAINED["gacn"])
    golden = np.load(shared("reference/peers/gacn/01_raw.npz"))
    with torch.no_grad():
        hard, soft = wrap(network, config).answer(first, second)
    for map_, name in ((hard, "map_raw"), (soft, "map_guided")):
        off = np.abs(map_[0, 0].numpy() - golden[name])
        # Its two factors of 1000 make much of rounding where the map goes from 0 to 1.
        assert (off > 1e-4).mean() < 0.001
        assert ((map_[0, 0].numpy() > 0.5) != (golden[name] > 0.5)).mean() < 0.0005


def test_ifcnn_fuses_its_authors_picture_and_its_map_is_read_off_it(shared: Callable[[str], Path]):
    generator, (first, second) = wrap(released("ifcnn", shared)).eval(), pair(shared)
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
    generator = wrap(released("ifcnn", shared))
    before = generator.unwrap().conv3.conv.weight.clone()
    bridgetune.finetune(
        generator, pairs, references, TuneConfig(duration=Steps(steps=2), batch=2), run_dir=tmp_path / "run"
    )
    assert not torch.equal(generator.unwrap().conv3.conv.weight, before)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text("utf-8").splitlines()]
    assert all(0 < line["fidelity"] < 0.2 for line in lines if "loss" in line)
    again = bridgetune.load(tmp_path / "run", network=peers.IFCNN()).eval()
    assert again.config == generator.config
    images = torch.rand(2, 1, 3, 40, 48)
    with torch.no_grad():
        assert torch.equal(again(*images), generator.eval()(*images))
        assert torch.equal(again.fused(*images), generator.fused(*images))
