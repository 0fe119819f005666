"""How large a network would be, before any memory is taken for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from bridgetune.errors import RequestError

LARGEST_OPTION = 4096
"""What a number among a network's options is at most: channels, blocks, a patch's side."""

SMALL_OPTION = 16
"""Numbers up to this make no network large: its shapes, which take torch's compiler to make, are not asked for."""

MOST_ENTRIES = 256
"""Of a list among them."""

MOST_PARAMETERS = 10**9
"""4 GB of weights, which training takes several times."""


def refuse_huge(what: str, factory: Callable[..., nn.Module], options: Mapping[str, Any]) -> None:
    """Raise `RequestError` for options with which a network is larger than any; only its shapes are made.

    Args:
        what: The network, for the refusal.
        factory: Makes it.
        options: What it is called with.
    """
    for name, value in options.items():
        beyond = _beyond(value)
        if beyond is not None:
            raise RequestError(
                f"{what}: option {name}: got {beyond}; expected numbers up to {LARGEST_OPTION}, {MOST_ENTRIES} a list"
            )
    if all(_beyond(value, SMALL_OPTION) is None for value in options.values()):
        return
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            count = sum(parameter.numel() for parameter in factory(**options).parameters())
    except Exception:
        return  # which its making in earnest tells of; or it cannot be made of shapes alone
    if count > MOST_PARAMETERS:
        given = ", ".join(f"{name}={value}" for name, value in options.items())[:80]
        raise RequestError(
            f"{what}: with {given} it has {count:.1e} parameters; expected {MOST_PARAMETERS:.0e} at most"
        )


def _beyond(value: Any, largest: int = LARGEST_OPTION) -> str | None:
    """What in a value is no number up to `largest`, shown; None where there is nothing."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        found = (_beyond(entry, largest) for entry in value[:MOST_ENTRIES])
        return f"{len(value)} numbers" if len(value) > MOST_ENTRIES else next((one for one in found if one), None)
    if isinstance(value, int | float) and not -largest <= value <= largest:
        return repr(value)[:40]
    return None
