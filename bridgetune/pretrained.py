"""A generator on disk: `config.json`, `model.safetensors` and a model card."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model, save_model
from torch import Tensor, nn

from bridgetune.config import AdapterConfig, checked
from bridgetune.errors import RequestError
from bridgetune.files import replaced
from bridgetune.wrapping import Adapter, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"

PRODUCT = "generator"
"""Where a run's folder holds its generator."""

FORMAT = 1
"""Version of the folder's layout."""


def save(generator: Adapter, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write `generator` into `folder`; see `Adapter.save_pretrained`."""
    from bridgetune import __version__

    if folder.exists() and not folder.is_dir():
        raise RequestError(f"{folder}: is a file, expected a folder to save the generator in")
    folder.mkdir(parents=True, exist_ok=True)
    network = generator.unwrap()
    described = {
        "format": FORMAT,
        "bridgetune": __version__,
        "origin": asdict(generator.origin),
        "network": f"{type(network).__module__}.{type(network).__qualname__}",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "adapter": generator.config.model_dump(mode="json"),
    }
    with replaced(folder / WEIGHTS) as partial:
        save_model(network, str(partial))
    with replaced(folder / CONFIG) as partial:
        partial.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
    with replaced(folder / CARD) as partial:
        partial.write_text(_card(described, facts), encoding="utf-8")


def load(path: str | Path, network: nn.Module | None = None) -> Adapter:
    """Read back what `save_pretrained` wrote, in eval mode.

    Args:
        path: The folder; or a run's, whose product is meant.
        network: A fresh network of the same class, for one that was wrapped by hand without naming its factory;
            a plugin's generator is built by its plugin.

    Raises:
        RequestError: The folder is not one, its plugin is missing, a network is needed, or the weights do not fit.
    """
    from bridgetune.plugins import create, resolve_own

    folder = product(Path(path))
    described = _described(folder)
    origin = described["origin"]
    if network is None and origin.get("factory"):
        network = resolve_own(origin["factory"])()
    if network is not None:
        adapter = checked(AdapterConfig, **described["adapter"])
        generator = wrap(network, adapter, factory=origin.get("factory", ""))
        read_weights(generator.unwrap(), folder / WEIGHTS)
    elif origin["generator"]:
        generator = create(origin["generator"], weights=folder)
    else:
        raise RequestError(
            f"{folder}: holds a network that was wrapped by hand ({described['network']});"
            " pass a fresh one: bridgetune.load(path, network=...), or name its factory= when wrapping"
        )
    return generator.eval()


def saved(path: Path, name: str, options: Mapping[str, Any]) -> tuple[AdapterConfig, dict[str, Any]]:
    """How a saved generator of a plugin is called and read, and what its network was built with.

    Args:
        path: Its folder, or its run's.
        name: The generator that is wanted.
        options: For its network, beyond those that it was saved with.

    Raises:
        RequestError: The folder holds none, or another one, or one that other options were meant for.
    """
    described = _described(product(path))
    origin = described["origin"]
    if origin["generator"] != name:
        raise RequestError(f"{path}: holds {origin['generator'] or described['network']}, expected {name}")
    built = origin["options"]
    if differing := [option for option in options if built.get(option, options[option]) != options[option]]:
        raise RequestError(f"{path}: was saved with {built}, not with {differing[0]}={options[differing[0]]!r}")
    return checked(AdapterConfig, **described["adapter"]), {**built, **options}


def product(folder: Path) -> Path:
    """The folder of a generator; a run's is where its product lies."""
    return folder / PRODUCT if (folder / PRODUCT / CONFIG).is_file() else folder


def open_generator(
    name_or_path: str,
    weights: str | Path | None = "shipped",
    symmetric: bool | None = None,
    mirrored: bool | None = None,
    options: Mapping[str, Any] | None = None,
) -> Adapter:
    """What `--generator` means: a plugin's generator by name, a saved one's folder, or `module:factory`.

    A network of the user's own, made by a factory, is wrapped by the probe; `weights` is then a state_dict's file.

    Args:
        name_or_path: See above.
        weights: For a name or a factory; see `create`.
        symmetric, mirrored: See `AdapterConfig`. None: as it was saved, or else not.
        options: For the network of a name.
    """
    generator = _opened(name_or_path, weights, options or {})
    return generator.reconfigured(generator.config.asked(symmetric, mirrored))


def _opened(name_or_path: str, weights: str | Path | None, options: Mapping[str, Any]) -> Adapter:
    from bridgetune.plugins import create, registry, resolve_own

    path = Path(name_or_path)
    if name_or_path in registry().names():
        return create(name_or_path, weights=weights, **options)
    own = ":" in name_or_path and not path.exists()
    if not own and not path.is_dir() and path.name == name_or_path:
        return create(name_or_path, weights=weights, **options)  # which says what it knows instead
    if options:
        raise RequestError(f"--option: is for a plugin's generator, which {name_or_path} is not; leave it out")
    if own:
        network = resolve_own(name_or_path)()
        if weights not in ("shipped", None):
            read_weights(network, Path(str(weights)), foreign=read_state_dict)
        return wrap(network, factory=name_or_path)
    if weights not in ("shipped", None):
        raise RequestError(f"--weights: {path} brings its own weights; give one or the other")
    return load(path)


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


def _described(folder: Path) -> dict[str, Any]:
    path = folder / CONFIG
    if not path.is_file():
        raise RequestError(f"{folder}: no saved generator here, expected a folder with {CONFIG} and {WEIGHTS}")
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version, _, _ = described["format"], described["adapter"], described["origin"]["generator"]
    except (ValueError, KeyError, TypeError):
        raise RequestError(f"{path}: not a generator's config.json; was this folder saved by bridgetune?") from None
    if version > FORMAT:
        raise RequestError(f"{path}: written in format {version}, this bridgetune reads {FORMAT}; upgrade bridgetune")
    return described


def _card(described: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    from huggingface_hub import ModelCard, ModelCardData

    origin = described["origin"]
    name = origin["generator"] or described["network"].rpartition(".")[2]
    card = ModelCard.from_template(
        ModelCardData(library_name="bridgetune", tags=["multi-focus-image-fusion", "decision-map"]),
        template_path=str(Path(__file__).with_name("model_card.md")),
        title=name,
        version=described["bridgetune"],
        network=described["network"],
        parameters=f"{described['parameters']:,}",
        plugin=f"{origin['distribution']} {origin['version']}".strip() or "none (wrapped by hand)",
        asked=_asked(described["adapter"]),
        facts=list(facts.items()),
        loadable=bool(origin["generator"] or origin["factory"]),
        load_arguments='"THIS_FOLDER"'
        if origin["generator"] or origin["factory"]
        else '"THIS_FOLDER", network=fresh_network',
    )
    return str(card)


def _asked(adapter: Mapping[str, Any]) -> str:
    orders = "in both orders" if adapter.get("symmetric") else "in one order"
    return orders + (", of the pair and its three mirror images" if adapter.get("mirrored") else "")
