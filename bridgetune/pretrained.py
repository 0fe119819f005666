"""Reading a generator's folder: what it says of itself, and its weights into a network, strictly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.documents import read_model
from bridgetune.errors import RequestError
from bridgetune.origin import Origin
from bridgetune.saving import CONFIG, FORMAT, WEIGHTS, SavedGenerator, product_of


@dataclass(frozen=True)
class Saved:
    """What the folder of a saved generator says of it.

    Attributes:
        folder: Where its files are.
        network: Module and name of the network's class.
        config: How the network is called and read.
        origin: How it can be built again.
    """

    folder: Path
    network: str
    config: AdapterConfig
    origin: Origin

    @property
    def weights(self) -> Path:
        """The file of its weights."""
        return self.folder / WEIGHTS


def read_saved(path: Path) -> Saved:
    """Read what `save` wrote beside the weights.

    Args:
        path: The folder; or a run's, whose product is meant.

    Raises:
        RequestError: The folder holds no generator, or one that this version does not read.
    """
    folder = product_of(path)
    file = folder / CONFIG
    if not file.is_file():
        raise RequestError(f"{folder}: no saved generator here, expected a folder with {CONFIG} and {WEIGHTS}")
    read = read_model(SavedGenerator, file, "a generator's config.json, as bridgetune saves it", FORMAT)
    return Saved(folder, read.network, read.adapter, read.origin.origin)


def read_weights(network: nn.Module, path: Path, foreign: Callable[[Path], dict[str, Tensor]] | None = None) -> None:
    """Load weights into `network`, strictly: every tensor, no other, each of its shape.

    Args:
        network: Changed in place, and only where all of the file fits.
        path: A safetensors file, or a checkpoint that `foreign` reads.
        foreign: The reader of files with any other suffix.

    Raises:
        RequestError: A missing or unreadable file, or tensors that do not fit.
    """
    if not path.is_file():
        raise RequestError(f"{path}: no such file; expected weights ({WEIGHTS}, say)")
    if path.suffix == ".safetensors":
        _fit(network, _tensors(path), path)
        load_model(network, str(path))
    elif foreign is None:
        raise RequestError(f"{path}: expected a .safetensors file; this generator reads no other checkpoints")
    else:
        tensors = foreign(path)
        _fit(network, tensors, path)
        network.load_state_dict(tensors)


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """A `state_dict` from a file of `torch.save`, also one level deep and with the prefix of DataParallel.

    Raises:
        RequestError: The file holds none. No code in it is run.
    """
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the bytes make of the unpickler
        raise RequestError(f"{path}: not a PyTorch file of plain tensors ({type(error).__name__})") from None
    for key in ("state_dict", "model", "net", "generator"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise RequestError(f"{path}: expected a state_dict, names of parameters and their tensors")
    return {name.removeprefix("module."): value for name, value in content.items()}


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(str(path))
    except (SafetensorError, OSError) as error:
        raise RequestError(f"{path}: not a readable safetensors file ({error})") from None


def _fit(network: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    own = network.state_dict()
    for name, tensor in tensors.items():
        if name in own and own[name].shape != tensor.shape:
            raise RequestError(
                f"{path}: {name} has shape {tuple(tensor.shape)}, the network's has {tuple(own[name].shape)};"
                " the weights are another network's, or its options differ"
            )
    shared = {own[name].data_ptr() for name in tensors if name in own}
    missing = [name for name in own if name not in tensors and own[name].data_ptr() not in shared]
    _refuse(path, "lacks", missing)
    _refuse(path, "has, beyond what the network takes,", [name for name in tensors if name not in own])


def _refuse(path: Path, what: str, names: Iterable[str]) -> None:
    listed = list(names)
    if listed:
        few = ", ".join(listed[:3]) + (" …" if len(listed) > 3 else "")
        raise RequestError(f"{path}: {what} {len(listed)} tensors ({few}); the weights are another network's")
