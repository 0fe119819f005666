"""What a network keeps as plain attributes when it is called, attention maps and the like: noted, and put back."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

DEPTH = 4
"""How deep lists and dictionaries in one another are looked into."""

STATE = ("_parameters", "_buffers", "_modules")
"""Attributes of a module in which torch keeps what belongs to it."""

Contents = list[tuple[Any, Any]]
"""Lists, dictionaries and sets, each with a shallow copy of what was in it."""


@contextmanager
def attributes_kept(network: nn.Module) -> Iterator[None]:
    """Afterwards the modules have the attributes that they had: others are gone, and what was in lists is in them.

    Parameters, buffers and modules are again those that were there, under their names; their values are not looked at.
    """
    before = [(module, dict(vars(module)), _contents(vars(module), DEPTH)) for module in network.modules()]
    try:
        yield
    finally:
        for module, attributes, contents in before:
            for container, content in contents:
                _refill(container, content)
            own = vars(module)
            if own.keys() != attributes.keys() or any(own[name] is not value for name, value in attributes.items()):
                own.clear()
                own.update(attributes)


@contextmanager
def without_leftovers(network: nn.Module) -> Iterator[None]:
    """Afterwards no attribute is left that was not there before, and none of the others holds a graph.

    Unlike after `attributes_kept` what was changed stays so: the network may have learnt in between.
    """
    before = {module: set(vars(module)) for module in network.modules()}
    try:
        yield
    finally:
        for module, names in before.items():
            own = vars(module)
            for name in [name for name in own if name not in names]:
                del own[name]
            for name, value in own.items():
                if isinstance(value, Tensor) and value.grad_fn is not None:
                    own[name] = value.detach()


def needs_completing(network: nn.Module) -> bool:
    """Whether a network has layers whose shapes it learns when it is first called."""
    return any(is_lazy(tensor) for tensor in [*network.parameters(), *network.buffers()])


def copied(network: nn.Module) -> nn.Module:
    """A deep copy, also of a network that holds tensors with a graph, which have none in the copy."""
    memo: dict[int, Any] = {}
    for module in network.modules():
        for value in _leaves({name: one for name, one in vars(module).items() if name not in STATE}, DEPTH):
            if value.grad_fn is not None:
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(network, memo)


def _leaves(value: Any, depth: int) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif depth and isinstance(value, dict | list | tuple | set):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one, depth - 1)


def _contents(value: Any, depth: int) -> Contents:
    """Of containers in `value`, itself left out at the top."""
    found: Contents = []
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, dict | list | set):
            found.append((one, copy.copy(one)))
        if depth and isinstance(one, dict | list | tuple):
            found += _contents(one, depth - 1)
    return found


def _refill(container: Any, content: Any) -> None:
    """Only where something else is in it: a dictionary that is being looked through is not to change."""
    same = len(container) == len(content)
    if isinstance(container, list):
        if not (same and all(one is other for one, other in zip(container, content, strict=True))):
            container[:] = content
    elif isinstance(container, dict):
        if not (same and all(name in container and container[name] is value for name, value in content.items())):
            container.clear()
            container.update(content)
    elif not (same and container == content):
        container.clear()
        container.update(content)
