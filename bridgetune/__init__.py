"""Fine-tune any decision-map network for multi-focus image fusion, unchanged.

import bridgetune

generator = bridgetune.wrap(network, bridgetune.AdapterConfig(call="concat", output="probability"))
generator = bridgetune.create("bridgemff", weights=None)
bridgetune.pretrain(generator, pairs)
bridgetune.finetune(generator, pairs, references)
fused = generator.fuse(first, second)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bridgetune._lazy import lazy_names
from bridgetune._version import __version__

if TYPE_CHECKING:
    from bridgetune.config import AUGMENTATIONS as AUGMENTATIONS
    from bridgetune.config import RECIPES as RECIPES
    from bridgetune.config import AdapterConfig as AdapterConfig
    from bridgetune.config import Augmentation as Augmentation
    from bridgetune.config import Epochs as Epochs
    from bridgetune.config import PretrainConfig as PretrainConfig
    from bridgetune.config import Recipe as Recipe
    from bridgetune.config import StackConfig as StackConfig
    from bridgetune.config import Steps as Steps
    from bridgetune.config import TuneConfig as TuneConfig
    from bridgetune.errors import BridgetuneError as BridgetuneError
    from bridgetune.errors import RequestError as RequestError
    from bridgetune.errors import WorkError as WorkError
    from bridgetune.exporting import export as export
    from bridgetune.inference import fuse_stack as fuse_stack
    from bridgetune.opening import create as create
    from bridgetune.opening import load as load
    from bridgetune.plugins import list_generators as list_generators
    from bridgetune.protocol import Evaluator as Evaluator
    from bridgetune.protocol import Generator as Generator
    from bridgetune.training import finetune as finetune
    from bridgetune.training import pretrain as pretrain
    from bridgetune.wrapping import Adapter as Adapter
    from bridgetune.wrapping import check_orientation as check_orientation
    from bridgetune.wrapping import probe as probe
    from bridgetune.wrapping import wrap as wrap

_HOMES: dict[str, tuple[str, ...]] = {
    "bridgetune.config": (
        "AUGMENTATIONS",
        "RECIPES",
        "AdapterConfig",
        "Augmentation",
        "Epochs",
        "PretrainConfig",
        "Recipe",
        "StackConfig",
        "Steps",
        "TuneConfig",
    ),
    "bridgetune.errors": ("BridgetuneError", "RequestError", "WorkError"),
    "bridgetune.exporting": ("export",),
    "bridgetune.inference": ("fuse_stack",),
    "bridgetune.opening": ("create", "load"),
    "bridgetune.plugins": ("list_generators",),
    "bridgetune.protocol": ("Evaluator", "Generator"),
    "bridgetune.training": ("finetune", "pretrain"),
    "bridgetune.wrapping": ("Adapter", "check_orientation", "probe", "wrap"),
    "bridgetune.data": (),
    "bridgetune.evaluation": (),
    "bridgetune.metrics": (),
    "bridgetune.pictures": (),
    "bridgetune.testing": (),
}

__all__ = ["__version__", *sorted(name for names in _HOMES.values() for name in names)]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
