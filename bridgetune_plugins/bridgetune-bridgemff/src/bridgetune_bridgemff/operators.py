"""Operators that torch knows, registered so that calling one costs what it does.

`torch.library.custom_op` hides every kernel from the compiler, and imports it for that at the first call: 2 to 3
seconds that a program which compiles nothing need not wait. And where nothing listens to what is called, no compiler,
no tracer and no mode, a kernel is called without torch's dispatcher, whose way through Python takes longer than a small
one.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad

NAMESPACE = "bridgetune"

Shapes = TypeVar("Shapes", bound=Callable[..., Any])

_PLAIN = (Tensor, torch.nn.Parameter)
"""Of all kinds of tensors, those that leave calls alone."""

_functions: dict[str, type[torch.autograd.Function]] = {}
"""Of an operator's qualified name: how autograd calls it without the dispatcher."""


def operator(name: str, schema: str, differentiable: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Decorate the kernel of an operator, for every device; it becomes the operator, whose `overload` is torch's own.

    Args:
        name: Behind `bridgetune::`.
        schema: Of its arguments and results, none of which share memory.
        differentiable: Whether `differentiated` will be told its gradient; else asking for one is an error, where torch
            would answer with none.
    """
    qualified = f"{NAMESPACE}::{name}"

    def register(kernel: Callable[..., Any]) -> Any:
        torch.library.define(qualified, schema, tags=(torch.Tag.pt2_compliant_tag,))
        torch.library.impl(qualified, "default", _unseen(kernel))
        if not differentiable:
            torch.library.register_autograd(qualified, functools.partial(_refuse, qualified))
        overload = getattr(getattr(torch.ops, NAMESPACE), name).default

        @functools.wraps(kernel)
        def called(*arguments: Any) -> Any:
            if torch.compiler.is_compiling() or _listened_to():
                return overload(*arguments)
            tensors = list(_tensors_of(arguments))
            if not all(type(tensor) in _PLAIN for tensor in tensors):
                return overload(*arguments)
            if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
                return kernel(*arguments)
            function = _functions.get(qualified)
            return overload(*arguments) if function is None else function.apply(*arguments)  # type: ignore[no-untyped-call]

        called.overload = overload  # type: ignore[attr-defined]
        return called

    return register


def shapes(name: str) -> Callable[[Shapes], Shapes]:
    """Decorate what makes empty results of the shapes that the operator's have; it stays as it is."""

    def register(made: Shapes) -> Shapes:
        torch.library.register_fake(f"{NAMESPACE}::{name}", made)
        return made

    return register


def differentiated(called: Any, backward: Callable[..., Any], remember: Callable[..., None]) -> None:
    """Tell a differentiable operator's gradient, as `torch.library.register_autograd` takes it.

    Args:
        called: What `operator` has made.
        backward: The gradients of the arguments, of `ctx` and of those of the results.
        remember: What `ctx` keeps for it, of `inputs` and `output`.
    """
    qualified = called.overload.name().removesuffix(".default")
    torch.library.register_autograd(qualified, backward, setup_context=remember)
    if any("List" in str(argument.type) for argument in called.overload._schema.arguments):
        return  # autograd does not look into lists
    kernel = called.__wrapped__

    def forward(ctx: Any, *arguments: Any) -> Any:
        output = kernel(*arguments)
        remember(ctx, arguments, output)
        return output

    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    _functions[qualified] = type(f"{qualified.partition('::')[2]}_backward", (torch.autograd.Function,), members)


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


def _listened_to() -> bool:
    """Whether somebody is to hear of every operator: a mode, a transform, a tracer, a profiler."""
    return bool(
        torch._C._len_torch_dispatch_stack()
        or torch._C._is_torch_function_mode_enabled()
        or torch._C._functorch.peek_interpreter_stack() is not None
        or torch._C._get_tracing_state() is not None
        or torch._C._autograd._profiler_enabled()
        or forward_ad._current_level >= 0
    )


def _tensors_of(arguments: Iterable[Any]) -> Iterator[Tensor]:
    """Of an operator's arguments, those in lists, too."""
    for argument in arguments:
        if isinstance(argument, Tensor):
            yield argument
        elif isinstance(argument, (list, tuple)):
            yield from _tensors_of(argument)


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
