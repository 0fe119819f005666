"""Weights: those that come with this plugin, and the generator that the authors of BridgeMFF released."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from bridgetune.errors import RequestError
from bridgetune.weights import chosen, nearest, read_state_dicts
from bridgetune_bridgemff.network import BridgeMFF

_RELEASED_PREFIXES = {
    **{f"body.encoder.{i}.layer.": f"module.encoder{i + 1}.0." for i in range(5)},
    **{f"body.encoder.{i}.norm.": f"module.ebn{i + 1}." for i in range(5)},
    "body.bottom.layer.": "module.encoder6.0.",
    "body.bridge.spatial.": "module.scab.satt.shared_conv2d.0.",
    "body.bridge.mixing.": "module.scab.catt.get_all_att.",
    **{f"body.bridge.channel.{i}.": f"module.scab.catt.att{i + 1}." for i in range(5)},
    **{f"body.decoder.{i}.layer.": f"module.decoder{i + 1}.0." for i in range(5)},
    **{f"body.decoder.{i}.norm.": f"module.dbn{i + 1}." for i in range(5)},
    "body.head.layer.": "module.final.",
}
_RELEASED_NAMES = {"theta": "skip_scale", "projection.weight": "proj.weight", "projection.bias": "proj.bias"}

_PREFIX = "module."
_EXPECTED = "expected the released BridgeMFF generator"


def shipped() -> Path:
    """The folder of this plugin's own weights, with their model card."""
    return Path(__file__).with_name("weights")


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read the authors' released generator as a `state_dict` of `BridgeMFF`.

    Their network ends with a sigmoid and `BridgeMFF` with its logits, so the weights are the same.

    Args:
        path: 129 tensors `module.*`, as the authors' program writes them, or in other dictionaries; no code in it is
            run.

    Returns:
        129 tensors on the CPU, in the dtype of the file.

    Raises:
        RequestError: The file cannot be read or is no such checkpoint; a tensor is missing, surplus or
            misshapen.
    """
    released = _load(path)
    with torch.device("meta"):
        expected = BridgeMFF().state_dict()
    names = {name: _released_name(name) for name in expected}

    for name in names.values():
        if name not in released:
            raise RequestError(f"{path}: tensor {name!r} is missing, {_EXPECTED}")
    for name in released:
        if name not in names.values():
            raise RequestError(f"{path}: tensor {name!r} is surplus, {_EXPECTED}")
    for ours, theirs in names.items():
        got, wanted = tuple(released[theirs].shape), tuple(expected[ours].shape)
        if got != wanted:
            raise RequestError(f"{path}: tensor {theirs!r} has shape {got}, expected {wanted}")
    return {ours: released[theirs] for ours, theirs in names.items()}


def _load(path: Path) -> dict[str, Tensor]:
    """The file's tensors under the released names, or those that come nearest to them."""
    with torch.device("meta"):
        names = {_released_name(name).removeprefix(_PREFIX) for name in BridgeMFF().state_dict()}
    found = read_state_dicts(path)
    tensors = chosen(path, found, lambda view: view.keys() == names) or nearest(found, names)
    return {_PREFIX + name: tensor for name, tensor in tensors.items()}


def _released_name(name: str) -> str:
    prefix = next(prefix for prefix in _RELEASED_PREFIXES if name.startswith(prefix))
    rest = name.removeprefix(prefix)
    return _RELEASED_PREFIXES[prefix] + _RELEASED_NAMES.get(rest, rest)
