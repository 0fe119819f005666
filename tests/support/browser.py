"""The browser in which pages are tested."""

from __future__ import annotations

import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str:
    """Its program; whatever needs it is skipped, by its name, where there is none."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    return found or pytest.skip("needs Chromium (make browser)")
