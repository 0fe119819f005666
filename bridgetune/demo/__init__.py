"""The main job on an embedded default: photographs that ship inside scikit-image's wheel."""

from bridgetune.demo.job import DemoResult, run_demo
from bridgetune.demo.scenes import DemoPairs, held_out_pairs, references, training_pairs

__all__ = ["DemoPairs", "DemoResult", "held_out_pairs", "references", "run_demo", "training_pairs"]
