"""Reading a generator's folder: what it says of itself, and its weights into a network, strictly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.documents import read_model
from bridgetune.errors import RequestError
from bridgetune.origin import Origin
from bridgetune.paths import is_file, is_there, shown
from bridgetune.saving import CONFIG, FORMAT, WEIGHTS, SavedGenerator, product_of
from bridgetune.targets import cause
from bridgetune.weights import check_values, chosen, nearest, read_state_dicts

OF_A_RUN = ("checkpoints", "metrics.jsonl")
"""What lies in a run's folder, and in no saved generator's."""

COUNTER = "num_batches_tracked"
"""What BatchNorm counts, and did not before torch 0.4.1: weights from before lack it, and fit."""


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
    if not is_file(file):
        raise RequestError(f"{folder}: no saved generator here, expected a folder with {CONFIG} and {WEIGHTS}")
    if any(is_there(folder / name) for name in OF_A_RUN):
        raise RequestError(
            f"{folder}: a run that has not ended, expected a saved generator; go on with it (--resume, resume=True)"
        )
    read = read_model(SavedGenerator, file, "a generator's config.json, as bridgetune saves it", FORMAT)
    return Saved(folder, read.network, read.adapter, read.origin.origin)


def read_weights(
    network: nn.Module, path: Path, foreign: Callable[[Path], dict[str, Tensor]] | None = None, key: str = ""
) -> None:
    """Load weights into `network`, strictly: every tensor, no other, each of its shape.

    Args:
        network: Changed in place, and only where all of the file fits.
        path: Safetensors, or what `torch.save` wrote: a state_dict, plain or in other dictionaries, with or without the
            prefixes of `weights.PREFIXES`.
        foreign: The reader of checkpoints whose names are others; asked where nothing in the file fits.
        key: Which part of the file, where several fit: `generator`, `params_ema`.

    Raises:
        RequestError: A missing or unreadable file, or tensors that do not fit.
    """
    own = network.state_dict()
    tensors = _found(path, own, foreign, key)
    if fault := _misfit(own, tensors):
        raise RequestError(f"{shown(path)}: {fault}")
    check_values(path, tensors, network)
    network.load_state_dict(tensors, strict=False)  # what is missing shares its memory with what is there, or counts


def fits(
    network: nn.Module, path: Path, foreign: Callable[[Path], dict[str, Tensor]] | None = None, key: str = ""
) -> bool:
    """Whether `read_weights` would find a network's own names and shapes in a file; nothing is loaded."""
    own = network.state_dict()
    try:
        return bool(own) and not _misfit(own, _found(path, own, foreign, key))
    except RequestError:
        return False


def _found(
    path: Path, own: Mapping[str, Tensor], foreign: Callable[[Path], dict[str, Tensor]] | None, key: str
) -> dict[str, Tensor]:
    """What in the file is the network's, or comes nearest to it."""
    try:
        found = read_state_dicts(path)
    except RequestError as error:
        if foreign is None or not is_file(path):
            raise
        try:
            return foreign(path)
        except RequestError:
            raise
        except Exception:  # a file of no kind that either knows
            raise error from None
    tensors = chosen(path, found, lambda view: not _misfit(own, view), key)
    if tensors is not None:
        return tensors
    return nearest(found, own, key) if foreign is None else _foreign(path, foreign)


def _foreign(path: Path, foreign: Callable[[Path], dict[str, Tensor]]) -> dict[str, Tensor]:
    try:
        return foreign(path)
    except RequestError:
        raise
    except Exception as error:  # of the plugin
        raise RequestError(f"{shown(path)}: the plugin cannot read it ({cause(error)})") from None


def _misfit(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> str:
    """Why tensors are not a network's, in a line; empty where they are."""
    for name, tensor in tensors.items():
        if name in own and own[name].shape != tensor.shape:
            return (
                f"{shown(name)} has shape {tuple(tensor.shape)}, the network's has {tuple(own[name].shape)};"
                " the weights are another network's, or its options differ"
            )
    shared = {own[name].data_ptr() for name in tensors if name in own}
    missing = [
        name
        for name in own
        if name not in tensors and own[name].data_ptr() not in shared and not name.endswith(COUNTER)
    ]
    surplus = [name for name in tensors if name not in own]
    return _listed("lacks", missing) or _listed("has, beyond what the network takes,", surplus)


def _listed(what: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    few = ", ".join(map(shown, names[:3])) + (" …" if len(names) > 3 else "")
    return f"{what} {len(names)} tensors ({few}); the weights are another network's"
