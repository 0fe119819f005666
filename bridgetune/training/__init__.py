"""The two stages of Algorithm 1: supervised training, then BridgeTune."""

from bridgetune.training.stage import TrainingResult
from bridgetune.training.stages import finetune, pretrain

__all__ = ["TrainingResult", "finetune", "pretrain"]
