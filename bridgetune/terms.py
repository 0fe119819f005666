"""What training minimises, by the names that records, reports and figures know it by."""

from __future__ import annotations

from typing import Literal

Domain = Literal["clear", "blurred"]
DOMAINS: tuple[Domain, ...] = ("clear", "blurred")
"""Of the syntheses, the references and the discriminators, Eq. 1-6."""
