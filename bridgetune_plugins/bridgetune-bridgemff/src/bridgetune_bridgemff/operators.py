"""Operators that torch knows, registered so that calling one does not import torch's compiler.

`torch.library.custom_op` hides every kernel from the compiler, and imports it for that at the first call: 2 to 3
seconds that a program which compiles nothing need not wait.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import torch

NAMESPACE = "bridgetune"

Shapes = TypeVar("Shapes", bound=Callable[..., Any])


def operator(name: str, schema: str, differentiable: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Decorate the kernel of an operator, for every device; it becomes the operator.

    Args:
        name: Behind `bridgetune::`.
        schema: Of its arguments and results, none of which share memory.
        differentiable: Whether `torch.library.register_autograd` will be told its gradient; else asking for one is
            an error, where torch would answer with none.
    """
    qualified = f"{NAMESPACE}::{name}"

    def register(kernel: Callable[..., Any]) -> Any:
        torch.library.define(qualified, schema, tags=(torch.Tag.pt2_compliant_tag,))
        torch.library.impl(qualified, "default", _unseen(kernel))
        if not differentiable:
            torch.library.register_autograd(qualified, functools.partial(_refuse, qualified))
        return getattr(getattr(torch.ops, NAMESPACE), name).default

    return register


def shapes(name: str) -> Callable[[Shapes], Shapes]:
    """Decorate what makes empty results of the shapes that the operator's have; it stays as it is."""

    def register(made: Shapes) -> Shapes:
        torch.library.register_fake(f"{NAMESPACE}::{name}", made)
        return made

    return register


def asked_for(ctx: Any, place: int) -> bool:
    """Whether a backward pass that is running wants the gradient of an operator's tensor, the one of that place.

    `ctx.needs_input_grad` knows which could be wanted; a pass towards images leaves those of the weights out.
    """
    node, _ = ctx.next_functions[place]
    if node is None:
        return False
    try:
        return bool(torch._C._will_engine_execute_node(node))
    except RuntimeError:  # it is a leaf that `torch.autograd.grad` was given, or no engine runs
        return True


def _unseen(kernel: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel, which a compiler that is there is not to look into."""

    @functools.cache
    def hidden() -> Callable[..., Any]:
        disabled: Callable[..., Any] = torch.compiler.disable(kernel)  # type: ignore[no-untyped-call]
        return disabled

    @functools.wraps(kernel)
    def called(*arguments: Any) -> Any:
        return hidden()(*arguments) if "torch._dynamo" in sys.modules else kernel(*arguments)

    return called


def _refuse(name: str, *_: Any) -> NoReturn:
    raise RuntimeError(f"{name}: has no autograd formula, it cannot be differentiated")
