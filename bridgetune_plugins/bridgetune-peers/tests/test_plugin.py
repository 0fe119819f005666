import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import bridgetune_peers as plugin
from bridgetune import create, wrap
from bridgetune.errors import RequestError
from bridgetune.hookspecs import HOOK_API, GeneratorSpec
from bridgetune_peers import ecnn, gacn, ifcnn, mfif_gan, sesf


def specs() -> dict[str, GeneratorSpec]:
    registered: list[GeneratorSpec] = []
    plugin.bridgetune_register_generators(registered.append)
    return {spec.name: spec for spec in registered}


def resolve(target: str):
    module, attribute = target.split(":")
    return getattr(import_module(module), attribute)


def test_plugin_is_written_for_the_present_hooks():
    assert plugin.bridgetune_hook_api == HOOK_API


def test_each_network_has_a_twin_and_a_reader_and_no_weights_of_others():
    registered = specs()
    assert list(registered) == ["sesf", "gacn", "ifcnn", "mfif-gan", "cnn", "ecnn"]
    for spec in registered.values():
        assert callable(resolve(spec.network))
        assert callable(resolve(spec.discriminator))
        assert callable(resolve(spec.read_weights))
        assert spec.weights is None


@pytest.mark.parametrize("name", ["sesf", "gacn"])
def test_gray_is_weighed_as_scikit_image_does(name: str):
    received = []
    network = resolve(specs()[name].network)()
    network.register_forward_pre_hook(lambda module, args: received.append(args[0]))
    red = torch.zeros(1, 3, 16, 16)
    red[:, 0] = 1
    wrap(network, specs()[name].adapter)(red, red)
    mean, deviation = (0.4500517361627943, 0.26465333914691797) if name == "sesf" else (0, 1)
    torch.testing.assert_close(received[0], torch.full((1, 1, 16, 16), (0.2125 - mean) / deviation))


def released(network: nn.Module, rename) -> dict[str, torch.Tensor]:
    """Its weights as the authors' file would have them."""
    torch.manual_seed(1)
    tensors = {name: torch.rand_like(tensor.float()).to(tensor.dtype) for name, tensor in network.state_dict().items()}
    return {rename(name): tensor for name, tensor in tensors.items()}


READ = {
    "sesf": (sesf.SESF, sesf._released_name, "se_f.fc.0.weight"),
    "gacn": (gacn.GACN, gacn._released_name, "decision_path_conv4.decision_path_conv4_BatchNorm.running_var"),
    "ecnn": (ecnn.ECNN, ecnn._released_name, "conv2_3.0.weight"),
    "mfif-gan": (
        mfif_gan.MFIFGAN,
        lambda name: name.replace("encoder.", "line1.0.line.").replace("decoder.", "decode."),
        "line1.0.line.9.se.fc.0.weight",
    ),
}


@pytest.mark.parametrize("name", ["sesf", "gacn", "ecnn"])
def test_files_with_the_authors_names_are_read(name: str, tmp_path: Path):
    kind, rename, known = READ[name]
    tensors = released(kind(), rename)
    assert known in tensors
    torch.save(tensors, tmp_path / "released.pth")
    read = create(name, weights=tmp_path / "released.pth").unwrap().state_dict()
    for ours, tensor in read.items():
        assert torch.equal(tensor, tensors[rename(ours)]), ours


def test_mfif_gans_names_are_the_layers_of_the_authors_program():
    kind, rename, known = READ["mfif-gan"]
    with torch.device("meta"):
        names = {rename(name) for name in kind().state_dict()}
    assert known in names
    assert {"line1.0.line.0.weight", "line1.0.line.17.conv2.weight", "decode.0.weight", "decode.6.weight"} <= names
    assert "line1.0.line.18.conv1.weight" not in names


def test_ifcnns_file_has_no_counters_of_batch_norm(tmp_path: Path):
    tensors = released(ifcnn.IFCNN(), str)
    torch.save({name: each for name, each in tensors.items() if "num_batches" not in name}, tmp_path / "released.pth")
    read = create("ifcnn", weights=tmp_path / "released.pth").unwrap().state_dict()
    assert torch.equal(read["conv3.bn.running_var"], tensors["conv3.bn.running_var"])


def test_the_decoder_of_sesf_is_left_and_anything_else_is_refused(tmp_path: Path):
    tensors = released(sesf.SESF(), sesf._released_name)
    torch.save({**tensors, "conv_decode_1.0.bias": torch.zeros(64)}, tmp_path / "whole.pth")
    create("sesf", weights=tmp_path / "whole.pth")
    torch.save({**tensors, "conv_extra.0.bias": torch.zeros(64)}, tmp_path / "more.pth")
    with pytest.raises(RequestError, match=r"more.pth: tensor 'conv_extra.0.bias' is surplus, expected the released"):
        create("sesf", weights=tmp_path / "more.pth")
    del tensors["features.0.bias"]
    torch.save(tensors, tmp_path / "less.pth")
    with pytest.raises(RequestError, match=r"less.pth: tensor 'features.0.bias' is missing, expected the released"):
        create("sesf", weights=tmp_path / "less.pth")


def test_weights_of_the_cnn_are_columns_of_a_matlab_file(tmp_path: Path):
    scipy_io = pytest.importorskip("scipy.io")
    rng, wide = np.random.default_rng(0), 2
    shapes = {
        "weights_b1_1": (9, wide),
        "weights_b1_2": (wide, 9, 2 * wide),
        "weights_b1_3": (2 * wide, 9, 4 * wide),
        "weights_feature": (8 * wide, 64, 4 * wide),
        "weights_output": (4 * wide, 1, 2),
        "biases_b1_1": (wide, 1),
        "biases_b1_2": (2 * wide, 1),
        "biases_b1_3": (4 * wide, 1),
    }
    content = {name: rng.random(shape).astype(np.float32) for name, shape in shapes.items()}
    scipy_io.savemat(tmp_path / "model.mat", content)
    network = create("cnn", weights=tmp_path / "model.mat", width=wide).unwrap()
    # MATLAB's reshape fills columns first: element 3·column + row of a kernel stands at (row, column).
    kernel = network.state_dict()["branch.2.weight"]
    assert kernel[3, 1, 2, 0] == content["weights_b1_2"][1, 3 * 0 + 2, 3]
    assert network.state_dict()["feature.weight"][5, 9, 7, 2] == content["weights_feature"][9, 8 * 2 + 7, 5]
    assert network.state_dict()["branch.5.bias"][4] == content["biases_b1_3"][4, 0]
    scipy_io.savemat(tmp_path / "other.mat", {"weights_b1_1": content["weights_b1_1"]})
    with pytest.raises(RequestError, match=r"other.mat: 'biases_b1_1' is missing, expected the weights of the CNN"):
        create("cnn", weights=tmp_path / "other.mat", width=wide)
    (tmp_path / "cut.mat").write_bytes((tmp_path / "model.mat").read_bytes()[:500])
    (tmp_path / "no.mat").write_bytes(bytes(range(256)))
    for name, said in (("cut.mat", "a MATLAB file that SciPy cannot read"), ("no.mat", "not a MATLAB file")):
        with pytest.raises(RequestError, match=f"{name}: {said}"):
            create("cnn", weights=tmp_path / name, width=wide)


def test_without_scipy_the_weights_of_the_cnn_are_refused_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "model.mat").write_bytes(b"MATLAB 5.0 MAT-file".ljust(128) + bytes(64))
    monkeypatch.setitem(sys.modules, "scipy.io", None)
    with pytest.raises(RequestError, match=r"model.mat: reading MATLAB files needs SciPy; pip install"):
        create("cnn", weights=tmp_path / "model.mat", width=2)
