"""What the settings are called on the command line: as their fields, but for a few."""

from __future__ import annotations

FLAGS = {
    "augmentation": ("--augment",),
    "learning_rate": ("--learning-rate", "--lr"),
    "term_weights": ("--term-weight",),
}
"""Of the fields whose options are not simply called as they are."""


def flags(name: str) -> tuple[str, ...]:
    """What may be typed for a field."""
    return FLAGS.get(name, (f"--{name.replace('_', '-')}",))
