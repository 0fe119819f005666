"""Reading a generator's folder: its description, and its weights, strictly."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import bridgetune
from bridgetune import RequestError
from bridgetune.pretrained import read_saved, read_weights
from tests.support.generators import network, saved


def test_weights_of_another_network_are_refused_and_change_nothing(tmp_path: Path):
    saved(tmp_path)
    other = network(width=5)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(RequestError, match="has shape"):
        bridgetune.load(tmp_path, network=other)
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensors: tensors.pop("2.bias"), r"lacks 1 tensors \(2\.bias\)"),
        (lambda tensors: tensors.update(extra=torch.zeros(1)), r"beyond what the network takes.*extra"),
    ],
    ids=["missing", "surplus"],
)
def test_weights_that_lack_or_exceed_are_refused_by_name(tmp_path: Path, change, said: str):
    tensors = {name: value.clone() for name, value in network().state_dict().items()}
    change(tensors)
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(RequestError, match=said):
        read_weights(network(), tmp_path / "w.safetensors")


def test_weights_from_before_batch_norm_counted_fit(tmp_path: Path):
    trained, fresh = (nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)) for _ in range(2))
    trained[1].running_mean.fill_(3.0)
    torch.save({name: value for name, value in trained.state_dict().items() if "num" not in name}, tmp_path / "old.pth")
    read_weights(fresh, tmp_path / "old.pth")
    assert all(torch.equal(value, trained.state_dict()[name]) for name, value in fresh.state_dict().items())


def test_files_that_are_no_weights_are_refused(tmp_path: Path):
    (tmp_path / "w.safetensors").write_text("hello")
    (tmp_path / "w.pth").write_text("hello")
    with pytest.raises(RequestError, match="is text; expected weights"):
        read_weights(network(), tmp_path / "w.safetensors")
    with pytest.raises(RequestError, match="is text; expected weights"):
        read_weights(network(), tmp_path / "w.pth")
    with pytest.raises(RequestError, match=r"none\.safetensors"):
        read_weights(network(), tmp_path / "none.safetensors")


@pytest.mark.parametrize("text", ["{", "{}", '{"format": 99, "adapter": {}, "origin": {"generator": ""}}'])
def test_folders_that_are_no_saved_generators_are_refused(tmp_path: Path, text: str):
    with pytest.raises(RequestError, match="no saved generator"):
        bridgetune.load(tmp_path)
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(RequestError, match=r"config\.json"):
        bridgetune.load(tmp_path)


def test_a_run_that_has_not_ended_is_said_to_be_one(tmp_path: Path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "config.json").write_text('{"stage": "finetune"}')
    with pytest.raises(RequestError, match=r"a run that has not ended, .*--resume"):
        read_saved(tmp_path)
