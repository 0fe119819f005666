"""Weights from files of others: what is read, whatever stands around it, and what the file is otherwise."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from bridgetune import RequestError
from bridgetune.pretrained import read_weights
from bridgetune.weights import PREFIXES
from tests.support import ROOT
from tests.support.generators import network

SHARED = Path(os.environ.get("BRIDGETUNE_SHARED", ROOT.parent / "shared"))

torch.manual_seed(0)
TRAINED = {name: torch.rand_like(value.float()).to(value.dtype) for name, value in network().state_dict().items()}
OTHER = {name: value + 1 for name, value in TRAINED.items()}
IMAGES = {"layer.weight": torch.zeros(2, 3), "layer.bias": torch.zeros(2)}


def under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in tensors.items()}


def loaded(path: Path, key: str = "") -> dict[str, Tensor]:
    fresh = network()
    read_weights(fresh, path, key=key)
    return fresh.state_dict()


def is_trained(state: dict[str, Tensor]) -> bool:
    return all(torch.equal(state[name], value) for name, value in TRAINED.items())


def fault_of(content: Any, folder: Path) -> str:
    """Why the file is refused, in a line; the network is as it was."""
    path = folder / "w.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    fresh = network()
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    with pytest.raises(RequestError, match=r"^.*w\.pth: ") as refused:
        read_weights(fresh, path)
    assert "\n" not in str(refused.value)
    assert all(torch.equal(value, before[name]) for name, value in fresh.state_dict().items())
    return str(refused.value)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    prefixes=st.lists(st.sampled_from(PREFIXES), max_size=4),
    place=st.lists(
        st.sampled_from(["state_dict", "model", "net", "generator", "params", "params_ema", "netG"]), max_size=2
    ),
    safe=st.booleans(),
)
def test_whatever_stands_around_a_state_dict_it_is_read(
    tmp_path: Path, prefixes: list[str], place: list[str], safe: bool
):
    tensors = under("".join(prefixes), TRAINED)
    content: Any = tensors
    for name in place:
        content = {"epoch": 3, "optimizer": {"state": {0: {"step": torch.ones(1)}}, "param_groups": []}, name: content}
    path = tmp_path / "w.any"
    if safe:
        save_file(tensors, path)
    else:
        torch.save(content, path)
    assert is_trained(loaded(path))


def test_compiled_parts_are_read(tmp_path: Path):
    torch.save({name.replace("0.", "0._orig_mod."): value for name, value in TRAINED.items()}, tmp_path / "w.pth")
    assert is_trained(loaded(tmp_path / "w.pth"))


def test_a_network_whose_own_names_begin_with_a_prefix_is_read(tmp_path: Path):
    class Wrapping(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = network()

    for prefix in ("model.", "module.model.", "model.model."):
        torch.save(under(prefix, TRAINED), tmp_path / "w.pth")
        fresh = Wrapping()
        read_weights(fresh, tmp_path / "w.pth")
        assert is_trained(fresh.model.state_dict())


def test_of_a_gans_parts_the_one_that_fits_is_read(tmp_path: Path):
    torch.save({"generator": TRAINED, "discriminator": IMAGES}, tmp_path / "w.pth")
    assert is_trained(loaded(tmp_path / "w.pth"))
    lightning = under("generator.", TRAINED) | under("discriminator.", IMAGES)
    torch.save({"state_dict": lightning, "pytorch-lightning_version": "2.1"}, tmp_path / "w.pth")
    assert is_trained(loaded(tmp_path / "w.pth"))


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"generator": TRAINED, "discriminator": OTHER}, "generator"),
        ({"discriminator": OTHER, "generator": {"state_dict": under("module.", TRAINED)}}, "generator"),
        ({"params": OTHER, "params_ema": TRAINED}, "params_ema"),
        ({"state_dict": under("generator.", TRAINED) | under("student.", OTHER)}, "generator"),
        ({"state_dict": under("sharp.", TRAINED) | under("blurred.", OTHER)}, "sharp"),
    ],
)
def test_of_several_parts_that_fit_one_is_named(tmp_path: Path, content: Any, key: str):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(RequestError, match=r"w\.pth: "):
        loaded(tmp_path / "w.pth")
    assert is_trained(loaded(tmp_path / "w.pth", key))
    with pytest.raises(RequestError, match=r"holds nothing called 'none'; it has "):
        loaded(tmp_path / "w.pth", "none")


def test_which_parts_fit_is_said(tmp_path: Path):
    said = fault_of({"generator": TRAINED, "discriminator": OTHER}, tmp_path)
    assert said.endswith(
        "2 parts fit the network, generator, discriminator; say which: --weights-key NAME (weights_key=)"
    )


class Surprise:
    """Code that a careless reader of pickles would run."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("code in the checkpoint was run",))


def archive(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name in names:
            file.writestr(name, b"0")
    return made.getvalue()


def bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("w/data.pkl", b"")
        file.writestr("w/data/0", bytes(10_000_000))
    return made.getvalue()


def whole() -> bytes:
    made = io.BytesIO()
    torch.save(TRAINED, made)
    return made.getvalue()


def safe(shape: list[int], end: int, dtype: str = "F32") -> bytes:
    header = json.dumps({"0.weight": {"dtype": dtype, "shape": shape, "data_offsets": [0, end]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(16)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"\n<!DOCTYPE html>\n<html></html>", "an HTML page"),
        (b'{"message": "Not Found"}', "is text"),
        ("nicht gefunden: Gewicht für den Gärtner".encode(), "is text"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"PK\x03\x04 cut short", "cut off or damaged"),
        (whole()[:-40], "cut off or damaged"),
        (archive("w/data.pkl", "w/constants.pkl", "w/code/__torch__.py"), "a TorchScript archive"),
        (archive("a/b.npy"), "a zip archive of NumPy arrays"),
        (archive("weights/w.pth"), "a zip archive of checkpoints"),
        (archive("readme.md"), "a zip archive of other files"),
        (bomb(), "claims more than its bytes can hold"),
        (pickle.dumps({"a": 1}), "not a PyTorch file of plain tensors"),
        (b"\x00\x01\x02\x03", "not a PyTorch file of plain tensors"),
        (safe([4, 6, 3, 3], 864), "not a readable safetensors file"),
        (safe([1 << 40, 1 << 20], 16), "not a readable safetensors file"),
        (safe([4], 16, "X9"), "not a readable safetensors file"),
        (struct.pack("<Q", 1 << 60) + b"{", "cut off"),
    ],
)
def test_what_a_file_is_otherwise_is_said(tmp_path: Path, content: bytes, said: str):
    assert said in fault_of(content, tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({1: torch.zeros(1)}, "has the key 1, a int, where the name of a tensor should be"),
        ({"epoch": 7}, "'epoch' in it is a int, neither a tensor nor a dictionary"),
        ({}, "is an empty dictionary"),
        (torch.zeros(3), "holds a Tensor"),
        ([TRAINED], "holds a list"),
        ({"a": Surprise()}, "which bridgetune never runs; save its state_dict"),
        (nn.Conv2d(1, 1, 1), "which bridgetune never runs; save its state_dict"),
        (TRAINED | {"2.bias": torch.full((1,), float("nan"))}, "2.bias holds values that are not finite"),
        (TRAINED | {"2.bias": torch.full((1,), float("inf"))}, "2.bias holds values that are not finite"),
        (TRAINED | {"2.bias": torch.zeros(1, dtype=torch.int8)}, "2.bias is of int8, the network's of float32"),
        (TRAINED | {"2.bias": torch.zeros(1, dtype=torch.complex64)}, "2.bias is of complex64"),
        (TRAINED | {"2.bias": torch.zeros(1, device="meta")}, "2.bias has no values"),
        (TRAINED | {"2.bias": torch.zeros(1).to_sparse()}, "2.bias is a sparse tensor"),
        (TRAINED | {"2.bias": torch.zeros(1).expand(1 << 40)}, "2.bias has shape (1099511627776,)"),
        (TRAINED | {"2.bias": torch.zeros(0)}, "2.bias has shape (0,)"),
        (TRAINED | {"extra\x1b": torch.zeros(1)}, r"beyond what the network takes, 1 tensors (extra\x1b)"),
        (under("module." * 3000, TRAINED), "lacks 8 tensors"),
    ],
)
def test_what_is_no_networks_weights_is_refused_by_name(tmp_path: Path, content: Any, said: str):
    assert said in fault_of(content, tmp_path)


def test_a_dictionary_that_holds_itself_is_read_once(tmp_path: Path):
    content: dict[str, Any] = {"epoch": 1}
    content["state_dict"] = content
    assert "'epoch' in it is a int" in fault_of(content, tmp_path)


def test_half_precision_is_taken(tmp_path: Path):
    torch.save({name: v.half() if v.is_floating_point() else v for name, v in TRAINED.items()}, tmp_path / "w.pth")
    assert torch.allclose(loaded(tmp_path / "w.pth")["0.weight"], TRAINED["0.weight"], atol=1e-3)


def test_a_buffer_may_be_infinite(tmp_path: Path):
    fresh = nn.Conv2d(1, 1, 1)
    fresh.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
    torch.save(fresh.state_dict(), tmp_path / "w.pth")
    read_weights(fresh, tmp_path / "w.pth")


@pytest.mark.skipif(not (SHARED / "cases/files").is_dir(), reason="needs the shared cases")
def test_the_shared_case_of_integer_keys_is_refused():
    with pytest.raises(RequestError, match="has the key 1, a int"):
        read_weights(network(), SHARED / "cases/files/p2-weights-11/intkey.pth")
