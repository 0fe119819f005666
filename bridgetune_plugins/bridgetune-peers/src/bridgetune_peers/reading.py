"""Checkpoints under their authors' names as a `state_dict` of the networks here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from bridgetune.errors import RequestError
from bridgetune.weights import chosen, nearest, read_state_dicts

COUNTER = "num_batches_tracked"
"""Of batch norm, which some files leave out; nothing depends on it here."""


def read_renamed(
    path: Path,
    network: Callable[[], nn.Module],
    released_name: Callable[[str], str],
    released: str,
    beside: tuple[str, ...] = (),
) -> dict[str, Tensor]:
    """Read tensors by other names, all of a network's and no others.

    Args:
        path: What `torch.save` wrote; no code in it is run.
        network: Makes one of its size; only its names are looked at.
        released_name: The network's name of a tensor -> the file's.
        released: What the file should be, for refusals.
        beside: Beginnings of names that the file may have beyond the network's, and that are left.

    Returns:
        On the CPU, in the dtype of the file.

    Raises:
        RequestError: The file cannot be read, or lacks a tensor, or has one too many, which is named.
    """
    with torch.device("meta"):
        names = {name: released_name(name) for name in network().state_dict()}
    asked = {theirs for theirs in names.values() if not theirs.endswith(COUNTER)}
    found = read_state_dicts(path)
    tensors = chosen(path, found, lambda view: asked <= view.keys()) or nearest(found, asked)
    for theirs in asked:
        if theirs not in tensors:
            raise RequestError(f"{path}: tensor {theirs!r} is missing, expected {released}")
    known = set(names.values())
    for theirs in tensors:
        if theirs not in known and not theirs.startswith(beside):
            raise RequestError(f"{path}: tensor {theirs!r} is surplus, expected {released}")
    return {ours: tensors.get(theirs, torch.tensor(0)) for ours, theirs in names.items()}


def renamed(name: str, prefixes: dict[str, str]) -> str:
    """The name with its beginning exchanged: one of ours for the one of theirs."""
    ours = next((ours for ours in prefixes if name.startswith(ours)), "")
    return prefixes[ours] + name.removeprefix(ours) if ours else name
