"""What all tests share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

# As the command line does: see bridgetune.cli.process.
os.environ.setdefault("GOMP_SPINCOUNT", "6000")

import pytest
from hypothesis import settings

# On a shared machine an example takes what it takes; and whether a change passes is to depend on the change alone.
settings.register_profile("the same everywhere", deadline=None, derandomize=True)
settings.register_profile("drawn anew", deadline=None)
settings.load_profile("drawn anew" if os.environ.get("ANEW") else "the same everywhere")

# What is started in the background or by nohup ignores them, and tests send them.
for number, handler in {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL}.items():
    if hasattr(signal, number) and signal.getsignal(getattr(signal, number)) is signal.SIG_IGN:
        signal.signal(getattr(signal, number), handler)

SHARED = Path(os.environ.get("BRIDGETUNE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
"""Research data and reference results, which are not part of the product."""


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """The path of something in the shared folder; the test is skipped, by its name, where it is missing."""

    def find(name: str) -> Path:
        path = SHARED / name
        if not path.exists():
            pytest.skip(f"needs {name} of the shared folder (BRIDGETUNE_SHARED)")
        return path

    return find
