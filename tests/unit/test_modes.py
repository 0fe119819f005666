"""Whatever asks a network something leaves it in the mode it was in, each module in its own, also when it raises."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bridgetune import Adapter, AdapterConfig, check_orientation, probe, wrap
from bridgetune.discriminators import build_discriminator
from bridgetune.evaluation.panels.heat_maps import heat_maps, shown_layers
from bridgetune.exporting import export
from bridgetune.exporting.tracing import trace
from bridgetune.inference import fuse_pictures
from bridgetune.modes import batch_norms, evaluating, keep_statistics
from bridgetune.pictures import Picture
from bridgetune.testing.pairs import KnownPairs, source_pairs
from bridgetune.training.validation import validate
from bridgetune.wrapping import preflight

PAIRS = KnownPairs(32, 32)


class Fragile(nn.Module):
    """Behaves differently in each mode, and fails behind its first layers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.Conv2d(6, 4, 3, padding=1), nn.BatchNorm2d(4), nn.Dropout())
        self.after = nn.Conv2d(4, 1, 1)
        self.calls_left = 1_000

    def forward(self, stacked: Tensor) -> Tensor:
        features = self.before(stacked)
        if not self.calls_left:
            raise ZeroDivisionError("in the middle")
        self.calls_left -= 1
        return self.after(features)


def picture(image: Tensor) -> Picture:
    return Picture((image[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8), gray=False)


FIRST, SECOND = source_pairs(1, 32, 32)

USES: dict[str, Callable[[Adapter, Path], object]] = {
    "fusing": lambda generator, _: fuse_pictures(generator, picture(FIRST), picture(SECOND)),
    "fusing as released": lambda generator, _: fuse_pictures(generator, picture(FIRST), picture(SECOND), "released"),
    "validation": lambda generator, _: validate(generator, PAIRS, 0, torch.device("cpu")),
    "discriminators": lambda generator, _: build_discriminator(generator, "twin"),
    "a discriminator of one's own": lambda generator, _: build_discriminator(
        generator, lambda: Judge(generator.unwrap())
    ),
    "heat maps": lambda generator, _: heat_maps(generator, FIRST, SECOND, ["before.0"]),
    "the layers that heat maps show": lambda generator, _: shown_layers(generator, FIRST, SECOND),
    "exporting": lambda generator, out: export(generator, out / "it.pt2", "torch", size=(8, 8)),
    "exporting for any size": lambda generator, out: export(generator, out / "it.pt2", "torch", size="dynamic"),
    "tracing": lambda generator, _: trace(generator, (8, 8), {}),
    "the probe": lambda generator, _: probe(generator.unwrap()),
    "the pre-flight": lambda generator, _: preflight(generator, PAIRS, batch=2),
    "the orientation": lambda generator, _: check_orientation(generator, PAIRS),
}


class Judge(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(torch.cat([image, image], 1))


def partly_frozen(generator: Adapter) -> None:
    """As one tunes a network whose statistics are to stay."""
    generator.train()
    generator.unwrap().get_submodule("before.1").eval()


MODES = {"training": nn.Module.train, "partly frozen": partly_frozen, "evaluation": nn.Module.eval}


def modes(network: nn.Module) -> dict[str, bool]:
    return {name: module.training for name, module in network.named_modules()}


def hooks(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in network.modules())


@pytest.fixture(params=MODES)
def generator(request: pytest.FixtureRequest) -> Adapter:
    torch.manual_seed(0)
    made = wrap(Fragile(), AdapterConfig(call="concat"))
    MODES[request.param](made)
    return made


@pytest.mark.parametrize("use", USES.values(), ids=USES)
@pytest.mark.parametrize("calls", [None, 0, 2], ids=["answering", "failing at once", "failing at its third call"])
def test_a_generator_is_left_exactly_as_it_was(
    generator: Adapter, use: Callable[[Adapter, Path], object], calls: int | None, tmp_path: Path
):
    before, state = modes(generator), {name: value.clone() for name, value in generator.state_dict().items()}
    if calls is None:
        use(generator, tmp_path)
    else:
        generator.unwrap().calls_left = calls
        with pytest.raises(Exception) if calls == 0 else suppress(Exception):  # noqa: PT011 - each has its own
            use(generator, tmp_path)
    assert modes(generator) == before
    assert all(torch.equal(value, state[name]) for name, value in generator.state_dict().items())
    assert all(parameter.grad is None for parameter in generator.parameters())
    assert hooks(generator) == 0


def test_within_the_whole_network_is_in_evaluation_mode(generator: Adapter):
    before = modes(generator)
    with evaluating(generator):
        assert not any(modes(generator).values())
    assert modes(generator) == before


def test_a_network_may_be_asked_within():
    """Each leaves the mode that it found."""
    network = nn.Dropout()
    with evaluating(network):
        with evaluating(network):
            pass
        assert not network.training
    assert network.training


def test_a_networks_own_way_to_change_its_mode_does_not_undo_what_its_user_chose():
    class KeepsItsNorm(nn.Sequential):
        def train(self, mode: bool = True) -> KeepsItsNorm:
            super().train(mode)
            self[1].eval()
            return self

    network = KeepsItsNorm(nn.Dropout(), nn.BatchNorm2d(1))
    network[1].training = True
    with evaluating(network):
        assert not network[1].training
    assert network[1].training


def test_batch_norm_alone_keeps_its_statistics():
    network = Fragile().train()
    assert batch_norms(network) == [network.before[1]]
    keep_statistics(network)
    assert [name for name, training in modes(network).items() if not training] == ["before.1"]
    with evaluating(network):
        assert not network.before[2].training
    assert [name for name, training in modes(network).items() if not training] == ["before.1"]
