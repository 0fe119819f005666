"""Tables whose numbers are the paper's."""

from __future__ import annotations

from bridgetune.evaluation import MetricInfo
from bridgetune.evaluation.tables import Cell, Table, score_table

METRICS = {
    "qabf_weighted": MetricInfo(higher_is_better=True, title="Q^{AB/F}"),
    "q_s": MetricInfo(higher_is_better=True, title="Q_S"),
    "q_w": MetricInfo(higher_is_better=True, title="Q_W"),
    "map_error": MetricInfo(higher_is_better=False, title="map error"),
    "psnr": MetricInfo(higher_is_better=True, title="PSNR", unit="dB"),
}


def rows(**methods: tuple[float | None, ...]) -> dict[str, list[Cell]]:
    return {name: [Cell(value) for value in values] for name, values in methods.items()}


def three() -> Table:
    # Q^AB/F, Q_S and Q_W are Table 1's of the paper
    scores = rows(
        DRPL=(0.7574, 0.9449, 0.9397, 0.020, 35.0),
        GACN=(0.7581, 0.9461, 0.9405, 0.030, None),
        Proposed=(0.7586, 0.9452, 0.9406, 0.010, 36.0),
    )
    return score_table("scores", "On Lytro.", METRICS, scores, "Proposed")
