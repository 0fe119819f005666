import os
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from bridgetune.errors import RequestError
from bridgetune_bridgemff.checkpoint import _released_name, read_weights
from bridgetune_bridgemff.network import BridgeMFF

REPOSITORY = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("BRIDGETUNE_SHARED", REPOSITORY.parent / "shared"))
RELEASED = SHARED / "reference" / "bridgemff" / "generator.pth"

needs_the_released_weights = pytest.mark.skipif(
    not RELEASED.is_file(),
    reason="BRIDGETUNE_SHARED/reference/bridgemff/generator.pth, the authors' release, is not here",
)


@pytest.fixture
def checkpoint() -> dict[str, Tensor]:
    """A fresh network's weights under the authors' names."""
    return {_released_name(name): tensor for name, tensor in BridgeMFF().state_dict().items()}


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "generator.pth"


@needs_the_released_weights
def test_released_weights_load_strictly():
    weights = read_weights(RELEASED)
    assert len(weights) == 129
    assert sum(tensor.numel() for tensor in weights.values()) == 49_673
    BridgeMFF().load_state_dict(weights, strict=True)


@needs_the_released_weights
def test_released_weights_find_the_sharp_half():
    torch.manual_seed(0)
    sharp = avg_pool2d(torch.rand(1, 3, 258, 258), 3, stride=1)
    blurred = avg_pool2d(sharp, 9, stride=1, padding=4, count_include_pad=False)
    left = (torch.arange(256) < 128).float()
    first = left * sharp + (1 - left) * blurred
    second = left * blurred + (1 - left) * sharp
    generator = BridgeMFF().eval()
    generator.load_state_dict(read_weights(RELEASED))
    with torch.no_grad():
        focused = generator(first * 2 - 1, second * 2 - 1) >= 0
    assert (focused == left.bool()).float().mean() > 0.95


def test_tensors_arrive_under_this_networks_names(checkpoint, path):
    torch.save(checkpoint, path)
    weights = read_weights(path)
    for ours, theirs in {
        "body.encoder.3.layer.theta": "module.encoder4.0.skip_scale",
        "body.bottom.layer.mamba.A_log": "module.encoder6.0.mamba.A_log",
        "body.bridge.channel.4.bias": "module.scab.catt.att5.bias",
        "body.decoder.0.layer.projection.weight": "module.decoder1.0.proj.weight",
        "body.decoder.4.norm.weight": "module.dbn5.weight",
        "body.head.layer.weight": "module.final.weight",
    }.items():
        assert torch.equal(weights[ours], checkpoint[theirs])


def test_missing_tensor_is_named(checkpoint, path):
    del checkpoint["module.ebn3.bias"]
    torch.save(checkpoint, path)
    with pytest.raises(RequestError, match=r"generator\.pth: tensor 'module\.ebn3\.bias' is missing"):
        read_weights(path)


def test_surplus_tensor_is_named(checkpoint, path):
    torch.save(checkpoint | {"module.encoder7.0.weight": torch.zeros(1)}, path)
    with pytest.raises(RequestError, match=r"'module\.encoder7\.0\.weight' is surplus"):
        read_weights(path)


def test_misshapen_tensor_is_named_with_both_shapes(checkpoint, path):
    torch.save(checkpoint | {"module.final.weight": torch.zeros(1, 4, 1, 1)}, path)
    with pytest.raises(
        RequestError, match=r"'module\.final\.weight' has shape \(1, 4, 1, 1\), expected \(1, 8, 1, 1\)"
    ):
        read_weights(path)


class Surprise:
    """Code that a careless reader of pickles would run."""

    def __reduce__(self):
        return (pytest.fail, ("code in the checkpoint was run",))


@pytest.mark.parametrize("content", [torch.zeros(3), {"epoch": 7}, {"module.final.bias": Surprise()}])
def test_anything_but_a_dictionary_of_tensors_is_refused(content, path):
    torch.save(content, path)
    with pytest.raises(RequestError, match=r"generator\.pth: .*(expected weights|never runs)"):
        read_weights(path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"\x89PNG\r\n\x1a\n", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(content, path):
    path.write_bytes(content)
    with pytest.raises(RequestError, match=r"generator\.pth: (is|not) .*expected weights") as refusal:
        read_weights(path)
    assert "\n" not in str(refusal.value)


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "absent.pth", tmp_path):
        with pytest.raises(RequestError, match=f"{path.name}: "):
            read_weights(path)
