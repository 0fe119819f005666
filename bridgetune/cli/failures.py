"""What is told at the end of items that were handed out: those that failed, by name."""

from __future__ import annotations

from collections.abc import Mapping

from bridgetune.cli.console import ERRORS
from bridgetune.errors import WorkError

NAMED_AT_MOST = 5
"""Of those that failed, in the last line; each has a line of its own before."""


def tell_failures(failed: Mapping[str, str], count: int, what: str, *, kept: bool = True) -> None:
    """Name what failed, if anything did.

    Args:
        failed: Name -> why.
        count: How many items there were.
        what: They are, and could not be: `pairs could not be fused`.
        kept: Whether the same command leaves the others alone.

    Raises:
        WorkError: Some did.
    """
    if not failed:
        return
    for name, reason in failed.items():
        ERRORS.print(f"{name}: {reason}", style="yellow", markup=False)
    more = f" and {len(failed) - NAMED_AT_MOST} more" if len(failed) > NAMED_AT_MOST else ""
    again = "; the same command tries them again, and leaves the others alone" if kept else ""
    raise WorkError(f"{len(failed)} of {count} {what}: {', '.join(list(failed)[:NAMED_AT_MOST])}{more}{again}")
