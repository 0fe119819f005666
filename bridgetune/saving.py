"""A generator's folder on disk, and writing one: `config.json`, `model.safetensors` and a model card."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, NonNegativeInt
from safetensors import SafetensorError
from safetensors.torch import save_model
from torch import nn

from bridgetune._version import __version__
from bridgetune.config import AdapterConfig
from bridgetune.config.origin import OriginDocument
from bridgetune.destinations import check_absent, check_folder
from bridgetune.documents import Document, Name
from bridgetune.errors import WorkError
from bridgetune.files import replaced
from bridgetune.markdown import markdown_text, one_line
from bridgetune.origin import Origin
from bridgetune.paths import is_file

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"

PRODUCT = "generator"
"""Where a run's folder holds its generator."""

FORMAT = 1
"""Version of the folder's layout."""


class SavedGenerator(Document):
    """What `config.json` of a saved generator holds.

    Attributes:
        format: Of the folder, `FORMAT`.
        bridgetune: The version that saved it.
        origin: How it can be built again.
        network: Module and name of the network's class.
        parameters: How many numbers its weights are.
        adapter: How it is called and read.
    """

    format: Annotated[int, Field(ge=1, le=FORMAT)]
    bridgetune: Name = ""
    origin: OriginDocument
    network: Name = ""
    parameters: NonNegativeInt = 0
    adapter: AdapterConfig


def save(network: nn.Module, config: AdapterConfig, origin: Origin, folder: Path, facts: Mapping[str, Any]) -> None:
    """Write a generator into `folder`, the card last; see `Adapter.save_pretrained`.

    Args:
        network: As it was wrapped.
        config: How it is called and read.
        origin: How it can be built again.
        folder: Made where it is missing.
        facts: What the card tells of its training: name -> value.

    Raises:
        RequestError: `folder` is a file, or cannot be written to, or holds files of these names that no generator
            has; nothing is written.
        WorkError: It cannot be written there.
    """
    space = sum(parameter.nbytes for parameter in network.parameters())
    check_folder(folder, "the generator", space=space)
    own = is_file(folder / WEIGHTS)  # which are written first
    check_absent([folder / name for name in (WEIGHTS, CONFIG, CARD)], force=own)
    described = {
        "format": FORMAT,
        "bridgetune": __version__,
        "origin": asdict(origin),
        "network": f"{type(network).__module__}.{type(network).__qualname__}",
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "adapter": config.model_dump(mode="json"),
    }
    card = _card(described, facts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replaced(folder / WEIGHTS) as partial:
            save_model(network, str(partial))
        with replaced(folder / CONFIG) as partial:
            partial.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")
        with replaced(folder / CARD) as partial:
            partial.write_text(card, encoding="utf-8")
    except (OSError, SafetensorError) as error:
        cause = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise WorkError(
            f"{folder}: the generator cannot be written there ({cause}); free some space or name another place"
        ) from error


def product_of(folder: Path) -> Path:
    """The folder of a generator; a run's is where its product lies."""
    return folder / PRODUCT if is_file(folder / PRODUCT / CONFIG) else folder


def _card(described: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    from huggingface_hub import ModelCard, ModelCardData

    origin = described["origin"]
    loadable = bool(origin["generator"] or origin["factory"])
    card = ModelCard.from_template(
        ModelCardData(library_name="bridgetune", tags=["multi-focus-image-fusion", "decision-map"]),
        template_path=str(Path(__file__).with_name("model_card.md")),
        title=markdown_text(origin["generator"] or described["network"].rpartition(".")[2]),
        version=described["bridgetune"],
        network=re.sub(r"[`|]", "", one_line(described["network"])),
        parameters=f"{described['parameters']:,}",
        plugin=markdown_text(f"{origin['distribution']} {origin['version']}".strip() or "none (wrapped by hand)"),
        asked=_asked(described["adapter"]),
        facts=[(markdown_text(name), markdown_text(str(value))) for name, value in facts.items()],
        loadable=loadable,
        load_arguments=_load_arguments(origin),
    )
    return str(card)


def _load_arguments(origin: Mapping[str, Any]) -> str:
    if origin["generator"]:
        return '"THIS_FOLDER"'
    return f'"THIS_FOLDER", {"trust=True" if origin["factory"] else "network=fresh_network"}'


def _asked(adapter: Mapping[str, Any]) -> str:
    orders = "in both orders" if adapter.get("symmetric") else "in one order"
    views = ", of the pair and its three mirror images" if adapter.get("mirrored") else ""
    scales = adapter.get("scales", [1])
    reduced = [f"1/{round(1 / scale)}" for scale in scales if scale < 1]
    sizes = ["enlarged twice"] * (scales[0] == 2) + ["at full size"]
    sizes += [f"at {' and '.join(reduced)} of it"] if reduced else []
    return orders + views + (f", {', '.join(sizes[:-1])} and {sizes[-1]}" if len(sizes) > 1 else "")
