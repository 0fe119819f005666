"""Where a network came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Origin:
    """Where a network came from, so that it can be built again.

    Attributes:
        generator: The plugin generator's name; empty for a network that the user brought.
        factory: What builds a network that the user brought, as `module:callable`; empty where nobody said.
        options: What it was called with.
        distribution, version: The plugin's.
    """

    generator: str = ""
    factory: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    distribution: str = ""
    version: str = ""
