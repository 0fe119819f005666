"""The two stages of Algorithm 1: supervised training, then BridgeTune."""

from bridgetune.training.algorithm import finetune, pretrain
from bridgetune.training.stage import TrainingResult

__all__ = ["TrainingResult", "finetune", "pretrain"]
