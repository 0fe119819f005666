"""The two stages of Algorithm 1: supervised training, then BridgeTune."""

from bridgetune.training.stages import TrainingResult, finetune, pretrain

__all__ = ["TrainingResult", "finetune", "pretrain"]
