"""The main job on an embedded default: photographs that ship inside scikit-image's wheel."""

from bridgetune.demo.job import DemoResult, run_demo
from bridgetune.demo.photographs import DemoPairs, HeldOut, references, training_pairs

__all__ = ["DemoPairs", "DemoResult", "HeldOut", "references", "run_demo", "training_pairs"]
