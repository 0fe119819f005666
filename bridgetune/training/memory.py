"""Less memory for more time, with the same gradients: batches in parts, and activations computed twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def in_parts(call: Callable[..., Sequence[Tensor]], size: int, *batches: Tensor) -> list[Tensor]:
    """What `call` returns for whole batches, of which it sees `size` rows at a time.

    The backward pass calls it again, one part after another, with the same random numbers: no more than one part's
    activations are there at a time.

    Args:
        call: Tensors (B, …) in, tensors (B, …) out, each row by itself.
        size: Rows in a part; 0 for all of them.
        batches: (B, …) each.
    """
    if size == 0 or size >= len(batches[0]):
        return list(call(*batches))
    parts = zip(*(torch.split(batch, size) for batch in batches), strict=True)
    if torch.is_grad_enabled():
        answers = [checkpoint(call, *part, use_reentrant=False) for part in parts]
    else:
        answers = [call(*part) for part in parts]
    return [torch.cat(pieces) for pieces in zip(*answers, strict=True)]


@contextmanager
def recomputed(network: nn.Module) -> Iterator[None]:
    """Within, the blocks of `network` keep their inputs alone for the backward pass, and compute the rest again."""
    taken: list[tuple[nn.Module, Any]] = [(block, vars(block).get("forward")) for block in blocks(network)]
    for block, _ in taken:
        block.forward = partial(_recomputing, block, block.forward)
    try:
        yield
    finally:
        for block, own in taken:
            if own is None:
                del vars(block)["forward"]
            else:
                block.forward = own


def blocks(network: nn.Module) -> list[nn.Module]:
    """The largest parts of a network that are called one after another; itself, where it is made of nothing but layers.

    Lists and dictionaries of modules are looked into, as is what has a single such part.
    """
    parts = [part for child in network.children() for part in _listed(child) if _composite(part)]
    if len(parts) == 1:
        return blocks(parts[0])
    return parts or ([network] if any(True for _ in network.parameters()) else [])


def _composite(module: nn.Module) -> bool:
    return any(True for _ in module.parameters()) and any(True for _ in module.children())


def _listed(module: nn.Module) -> list[nn.Module]:
    """What a list or dictionary of modules holds; what else there is, itself."""
    if not isinstance(module, nn.ModuleList | nn.ModuleDict):
        return [module]
    return [part for child in module.children() for part in _listed(child)]


def _recomputing(block: nn.Module, forward: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
    if not (block.training and torch.is_grad_enabled()):
        return forward(*arguments, **keywords)
    return checkpoint(forward, *arguments, use_reentrant=False, **keywords)
