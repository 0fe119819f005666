"""What a user decides, as frozen pydantic models: adapter, recipes, augmentation, the training stages, stacks.

Nothing here imports torch, so that plugins and the command line can be described without paying for it.
"""

from bridgetune.config.adapter import AdapterConfig
from bridgetune.config.augmentation import (
    AUGMENTATIONS,
    NO_AUGMENTATION,
    Augmentation,
    AugmentationName,
    register_augmentation,
)
from bridgetune.config.making import StackMaking
from bridgetune.config.recipes import RECIPES, Recipe
from bridgetune.config.stacking import StackConfig
from bridgetune.config.training import Alpha, Epochs, PretrainConfig, Steps, TrainConfig, TuneConfig

__all__ = [
    "AUGMENTATIONS",
    "NO_AUGMENTATION",
    "RECIPES",
    "AdapterConfig",
    "Alpha",
    "Augmentation",
    "AugmentationName",
    "Epochs",
    "PretrainConfig",
    "Recipe",
    "StackConfig",
    "StackMaking",
    "Steps",
    "TrainConfig",
    "TuneConfig",
    "register_augmentation",
]
