"""The order in which people count files."""

from __future__ import annotations

import re


def natural_order(name: str) -> tuple[list[str | int], str]:
    """A sorting key by which 2 comes before 10, without regard to case."""
    # Odd places hold the digits, so text is never compared with a number.
    parts = re.split(r"([0-9]+)", name.casefold())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], name
