"""Folders to tune in, in which nothing is trained."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from bridgetune.app.workshop import Workshop
from bridgetune.pictures import write_image
from tests.support import ROOT

_CALLED = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from tests.support.pretended import main; main(sys.argv[1:])"

PRETENDED = (sys.executable, "-c", _CALLED)
"""What is called in the place of `bridgetune`."""


def workshop_in(folder: Path) -> Workshop:
    """With pairs, photographs, masks and references of a picture each."""
    for name in ("ready/A", "ready/B", "ready/mask", "photos", "masks", "clear", "blurred"):
        write_image(folder / name / "1.png", np.zeros((8, 8, 3), np.uint8))
    (folder / "empty").mkdir()
    return Workshop(folder, PRETENDED)
