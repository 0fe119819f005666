"""BridgeTune on each of these networks, against its own twins."""

import numpy as np
import pytest
import torch

import bridgetune
from bridgetune.data import References, SyntheticPairs, write_image
from bridgetune.discriminators import build_discriminator

SMALL = {
    "sesf": {},
    "gacn": {"steepness": 10.0},
    "ifcnn": {"width": 4},
    "mfif-gan": {"width": 2, "blocks": 1},
    "cnn": {"width": 2},
    "ecnn": {"width": 2},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> tuple[SyntheticPairs, References]:
    """Two photographs of noise and their masks, and two references of each kind, 32×32."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    mask = np.zeros((32, 32), np.uint8)
    mask[:, :16] = 255
    for stem in ("1", "2"):
        for place in ("image", "clear", "blurred"):
            write_image(folder / place / f"{stem}.png", rng.integers(0, 256, (32, 32, 3), dtype=np.uint8))
        write_image(folder / "mask" / f"{stem}.png", mask)
    pairs = SyntheticPairs(folder / "image", folder / "mask", size=32)
    return pairs, References.from_folders(folder / "clear", folder / "blurred", size=32)


@pytest.mark.parametrize("name", SMALL)
def test_bridgetune_changes_every_network(name: str, data: tuple[SyntheticPairs, References]):
    torch.manual_seed(0)
    generator = bridgetune.create(name, weights=None, **SMALL[name])
    before = {name: weight.clone() for name, weight in generator.named_parameters()}
    config = bridgetune.TuneConfig(duration=bridgetune.Steps(steps=1), batch=2, validation_share=0)
    bridgetune.finetune(generator, *data, config)
    changed = [name for name, weight in generator.named_parameters() if not torch.equal(weight, before[name])]
    assert len(changed) > 0.8 * len(before)
    assert all(weight.isfinite().all() for weight in generator.parameters())


@pytest.mark.parametrize("name", SMALL)
def test_every_fresh_twin_responds_to_its_image(name: str):
    wide = {"width": 8} if "width" in SMALL[name] else {}  # two channels may happen to be dead
    generator = bridgetune.create(name, weights=None, **SMALL[name] | wide)
    for seed in range(5):
        torch.manual_seed(seed)
        assert build_discriminator(generator, "twin")[1] == "twin"
