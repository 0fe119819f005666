"""What `report=print` prints."""

from __future__ import annotations

import json
import math

from bridgetune.runs.telling import ToldRecord


def test_a_step_is_told_by_its_losses():
    step = {"step": 4, "steps": 20, "seconds": 0.0448, "map_mean": 0.5, "supervised": 3.7590, "adversarial": 2.6598}
    assert str(ToldRecord(step)) == "step 4 of 20: supervised 3.759, adversarial 2.660; 0.04 s"


def test_a_validation_is_told_by_its_errors():
    measured = ToldRecord(step=0, map_error=0.0408203, homogeneous_error=math.nan, homogeneous_share=0.0)
    assert str(measured) == "step 0: held-out map error 4.08%, in homogeneous regions –"


def test_it_is_a_record_like_any():
    record = {"step": 4, "steps": 20, "seconds": 0.5}
    assert ToldRecord(record) == record
    assert json.loads(json.dumps(ToldRecord(record))) == record
