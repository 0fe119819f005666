"""Fine-tune any decision-map network for multi-focus image fusion, unchanged.

import bridgetune

generator = bridgetune.wrap(network, bridgetune.AdapterConfig(call="concat", output="probability"))
generator = bridgetune.create("bridgemff", weights=None)
bridgetune.pretrain(generator, pairs)
bridgetune.finetune(generator, pairs, references)
fused = generator.fuse(first, second)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from bridgetune.config import AUGMENTATIONS as AUGMENTATIONS
    from bridgetune.config import RECIPES as RECIPES
    from bridgetune.config import AdapterConfig as AdapterConfig
    from bridgetune.config import Augmentation as Augmentation
    from bridgetune.config import Epochs as Epochs
    from bridgetune.config import PretrainConfig as PretrainConfig
    from bridgetune.config import Recipe as Recipe
    from bridgetune.config import Steps as Steps
    from bridgetune.config import TuneConfig as TuneConfig
    from bridgetune.errors import BridgetuneError as BridgetuneError
    from bridgetune.errors import RequestError as RequestError
    from bridgetune.errors import WorkError as WorkError
    from bridgetune.exporting import export as export
    from bridgetune.plugins import create as create
    from bridgetune.plugins import list_generators as list_generators
    from bridgetune.pretrained import load as load
    from bridgetune.protocol import Generator as Generator
    from bridgetune.training import finetune as finetune
    from bridgetune.training import pretrain as pretrain
    from bridgetune.wrapping import Adapter as Adapter
    from bridgetune.wrapping import check_orientation as check_orientation
    from bridgetune.wrapping import probe as probe
    from bridgetune.wrapping import wrap as wrap

_HOMES = {
    "bridgetune.config": (
        "AUGMENTATIONS",
        "RECIPES",
        "AdapterConfig",
        "Augmentation",
        "Epochs",
        "PretrainConfig",
        "Recipe",
        "Steps",
        "TuneConfig",
    ),
    "bridgetune.errors": ("BridgetuneError", "RequestError", "WorkError"),
    "bridgetune.exporting": ("export",),
    "bridgetune.plugins": ("create", "list_generators"),
    "bridgetune.pretrained": ("load",),
    "bridgetune.protocol": ("Generator",),
    "bridgetune.training": ("finetune", "pretrain"),
    "bridgetune.wrapping": ("Adapter", "check_orientation", "probe", "wrap"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: `import bridgetune` costs no torch import."""
    if name in ("data", "testing", "wrapping", "inference", "metrics", "evaluation"):
        return importlib.import_module(f"bridgetune.{name}")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'bridgetune' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
