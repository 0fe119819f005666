"""What a network is seen to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from bridgetune import AdapterConfig, wrap
from bridgetune.cli import main

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


def make() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(6, 1, 3, padding=1))


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A network of one's own by its factory, in the working folder."""
    (tmp_path / "inspected.py").write_text(
        "from torch import nn\n\n\ndef make():\n    return nn.Sequential(nn.Conv2d(6, 1, 3, padding=1))\n"
    )
    monkeypatch.chdir(tmp_path)
    return "inspected:make"


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    with pytest.raises(SystemExit) as left:
        main(["inspect", *map(str, arguments), "--json"])
    assert left.value.code == 0
    return json.loads(capsys.readouterr().out)


def test_a_network_of_ones_own_is_seen_with_its_weights(own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    network = make()
    torch.save({"old": make().state_dict(), "best": network.state_dict()}, tmp_path / "weights.pth")
    found = shown(capsys, own, "--weights", "weights.pth", "--weights-key", "best")
    assert (found["parameters"], found["weights"]) == (55, "weights.pth")
    (reading,) = found["readings"]
    assert reading["config"] == "AdapterConfig(call='concat')"
    assert reading["seen"]["sees"] == "1 pixel around each"
    assert reading["seen"]["memory"].endswith(" MB a megapixel, of tensors at once")


def test_weights_that_are_a_saved_generator_say_how_it_is_read(
    own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    config = AdapterConfig(call="concat", orientation="second", symmetric=True)
    wrap(make(), config, factory=own).save_pretrained(tmp_path / "saved")
    found = shown(capsys, own, "--weights", "saved")
    (reading,) = found["readings"]
    assert (reading["because"], found["weights"]) == ("its folder says so", "saved")
    assert reading["config"] == "AdapterConfig(call='concat', orientation='second', symmetric=True)"


def test_weights_of_another_network_are_refused(own: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch.save(nn.Conv2d(1, 1, 1).state_dict(), tmp_path / "other.pth")
    with pytest.raises(SystemExit) as left:
        main(["inspect", own, "--weights", "other.pth"])
    assert left.value.code == 2
    assert "the weights are another network's" in capsys.readouterr().err


def test_what_a_factory_has_wrapped_is_shown_as_the_network_inside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "wrapped_here.py").write_text(
        "from torch import nn\nimport bridgetune\n\n\ndef make():\n"
        "    config = bridgetune.AdapterConfig(call='concat', orientation='second')\n"
        "    return bridgetune.wrap(nn.Sequential(nn.Conv2d(6, 1, 3, padding=1)), config)\n"
    )
    monkeypatch.chdir(tmp_path)
    found = shown(capsys, "wrapped_here:make")
    assert (found["network"], found["parameters"]) == ("Sequential", 55)
    (reading,) = found["readings"]
    assert reading["config"] == "AdapterConfig(call='concat', orientation='second')"
    assert reading["because"] == "its factory wraps it so"


def test_a_file_in_the_place_of_a_module_is_told_how_it_is_named(own: str, capsys: pytest.CaptureFixture[str]):
    for given in ("inspected.py:make", "./inspected.py:make"):
        with pytest.raises(SystemExit) as left:
            main(["inspect", given])
        assert left.value.code == 2
        assert "expected a module and what builds the network: inspected:make" in capsys.readouterr().err
