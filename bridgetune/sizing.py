"""How large a network would be, before any memory is taken for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook
from torch.overrides import TorchFunctionMode

from bridgetune.errors import RequestError

LARGEST_OPTION = 4096
"""What a number among a network's options is at most: channels, blocks, a patch's side."""

SMALL_OPTION = 16
"""Numbers up to this make no network large: its shapes are not asked for."""

MOST_ENTRIES = 256
"""Of a list among them."""

MOST_PARAMETERS = 10**9
"""4 GB of weights, which training takes several times."""

MOST_TENSORS = 5_000
"""That these may lie in: networks that are used have hundreds, and each takes its time to be made."""

DRAWN = frozenset(
    (
        *("bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "normal_", "random_", "uniform_"),
        "kaiming_uniform_",  # of torch.nn.init, which hands it to modes as a whole
    )
)
"""What fills a tensor with random numbers: for shapes alone torch's compiler would be imported, which takes seconds."""


class _TooLarge(Exception):
    """A network is, with what it has too much of."""


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
        with torch.random.fork_rng(devices=[]), torch.device("meta"), _Undrawn(), _bounded():
            factory(**options)
    except _TooLarge as found:
        given = ", ".join(f"{name}={value}" for name, value in options.items())[:80]
        raise RequestError(
            f"{what}: with {given} it has more than {found}; expected {MOST_PARAMETERS:.0e} parameters at most, in"
            f" {MOST_TENSORS:,} tensors"
        ) from None
    except Exception:
        return  # which its making in earnest tells of; or it cannot be made of shapes alone


class _Undrawn(TorchFunctionMode):
    """Within, no tensor is filled with random numbers."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        filled = args[0] if args else given.get("tensor")  # so in torch.nn.init
        if getattr(func, "__name__", "") in DRAWN and isinstance(filled, torch.Tensor) and filled.is_meta:
            return filled
        return func(*args, **given)


@contextlib.contextmanager
def _bounded() -> Iterator[None]:
    """Within, a module that is given a parameter too many raises `_TooLarge`; modules of other threads do not count."""
    maker, count = threading.get_ident(), 0
    made: dict[int, nn.Parameter] = {}

    def weigh(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        nonlocal count
        if parameter is None or id(parameter) in made or threading.get_ident() != maker:
            return
        made[id(parameter)] = parameter  # kept, so that no other one is taken for it
        count += parameter.numel()
        if count > MOST_PARAMETERS:
            raise _TooLarge(f"{MOST_PARAMETERS:.0e} parameters")
        if len(made) > MOST_TENSORS:
            raise _TooLarge(f"{MOST_TENSORS:,} tensors of them")

    hook = register_module_parameter_registration_hook(weigh)
    try:
        yield
    finally:
        hook.remove()


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
