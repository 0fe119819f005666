"""A wrong value is refused at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.support import ROOT


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_no_wrong_value_waits_for_torch():
    told = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.before_torch", "1"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
    found = re.fullmatch(r"(\d+) lines, 0 not refused at once\n", told.stdout)
    assert found is not None
    assert int(found[1]) > 100
