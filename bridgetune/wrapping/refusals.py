"""What is said of a network that cannot be called, or whose answer is no map that could be tuned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.errors import RequestError
from bridgetune.wrapping.reading import outline
from bridgetune.wrapping.styles import argument_names

HINTS = (
    (
        ("t", "time", "times", "timestep", "timesteps"),
        "; its argument {} looks like a diffusion model's time step: wrap one step of it",
    ),
    (
        ("flag", "is_test", "is_train", "mode", "phase", "stage", "state", "status", "task", "test", "train"),
        "; its argument {} looks like a word: extra=('test',) behind the images, prefix=('test',) before them",
    ),
)
"""Names of arguments, and what one of them says about a network that could not be called."""


@dataclass(frozen=True)
class Attempt:
    """A way of calling that does not work.

    Attributes:
        config: See `Call`.
        side: Of the images.
        operations: How many the network had carried out when it failed.
        complaint: What it failed with.
    """

    config: AdapterConfig
    side: int
    operations: int
    complaint: str


def uncallable(network: nn.Module, attempts: Sequence[Attempt]) -> RequestError:
    """No way of calling it works; a note has a module to paste."""
    refusal = RequestError(_of_attempts(network, attempts))
    refusal.add_note(_wrapper_of(network))
    return refusal


def of_one_image(network: nn.Module) -> RequestError:
    """It takes one image and tells nothing of its focus; a note has a module to paste."""
    refusal = RequestError(
        f"{type(network).__name__} takes one image at a time; the fusion happens outside it. Wrap a module that has"
        " both images; or, if what it says of an image is how much of it is in focus, pass AdapterConfig(call='each',"
        " ...)"
    )
    refusal.add_note(_wrapper_of(network))
    return refusal


def optimising(network: nn.Module, excuse: str) -> RequestError:
    """It trains something for each pair."""
    name = type(network).__name__
    return RequestError(
        f"{name} cannot be tuned: {excuse}, and BridgeTune tunes one network for all images; to measure and compare it,"
        f" make it an evaluator: bridgetune.Evaluator({name!r}, network, optimises=True), which --generator"
        " MODULE:FACTORY takes, too; or, to have it by name, a plugin's bridgetune_register_evaluators"
    )


def mapless(network: nn.Module, answer: object, excuse: str) -> RequestError:
    """No tensor is in its answer."""
    reason = excuse or f"it returned {outline(answer)}"
    return RequestError(
        f"{type(network).__name__} cannot be tuned: {reason}, and no gradient comes back; return the map as a tensor"
    )


def shapeless(network: nn.Module, outputs: Iterable[Tensor], side: int) -> RequestError:
    """No output has the size of a map."""
    shapes = ", ".join(str(tuple(output.shape)) for output in outputs)
    return RequestError(
        f"{type(network).__name__} returns no decision map: got {shapes} for a pair of {side}×{side}, expected a map of"
        " the pair's size, or of a whole fraction of it, with at most four channels, of floats"
    )


def of_whole_numbers(network: nn.Module, excuse: str) -> RequestError:
    """It says which image, and not how much."""
    since = f", since {excuse}" if excuse else ""
    return RequestError(
        f"{type(network).__name__} cannot be tuned: it answers with whole numbers, which image, not how much: no"
        f" gradient comes back{since}; return the scores from before that"
    )


def of_no_numbers(network: nn.Module) -> RequestError:
    """All that could be maps are NaN."""
    return RequestError(
        f"{type(network).__name__} answers a sharp and a blurred picture with what is no number (NaN): its training had"
        " diverged, or its input is scaled otherwise (value_range=, mean=, std=); look at its weights"
    )


def undifferentiable(network: nn.Module, excuse: str) -> RequestError:
    """No gradient comes back from what could be its map."""
    name, parameters = type(network).__name__, list(network.parameters())
    if not parameters:
        return RequestError(f"{name} has no parameters: there is nothing to tune; pass a network that has some")
    if not any(parameter.requires_grad for parameter in parameters):
        return RequestError(f"{name} has no trainable parameter; unfreeze it with requires_grad_(True)")
    return RequestError(
        f"{name} cannot be tuned: no gradient comes back from its map, since {excuse or 'the graph is cut'};"
        " return the map from before that"
    )


def in_a_line(error: Exception) -> str:
    """What a network failed with, without the numbers of tensors that some put into it."""
    said, tensor, _ = " ".join(f"{type(error).__name__}: {error}".split()).partition("tensor([")
    return f"{said}a tensor" if tensor else said[:200]


def _of_attempts(network: nn.Module, attempts: Sequence[Attempt]) -> str:
    name = type(network).__name__
    if not attempts:
        return (
            f"{name} could not be called with a source pair: its forward takes no images that could be found; wrap a"
            " module whose forward takes two images"
        )
    kinds = {parameter.dtype for parameter in network.parameters() if parameter.is_floating_point()}
    if others := kinds - {torch.float32}:
        named = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in others))
        return (
            f"{name} could not be called with a source pair: it has parameters of {named}, expected float32, which its"
            " images are; convert it first: network.float()"
        )
    furthest = max(attempts, key=lambda attempt: attempt.operations)
    said = furthest.complaint
    if "CUDA" in said or "NVIDIA" in said:
        return f"{name} moves its images to a GPU by itself, and there is none here ({said}); take .cuda() out of it"
    hint = "".join(
        hint.format(repr(name)) for name in argument_names(network) for names, hint in HINTS if name in names
    )
    return (
        f"{name} could not be called with a source pair: it came furthest as {_described(furthest)} ({said}){hint}; say"
        " how with AdapterConfig(call=..., color=..., side=...), or wrap a module whose forward takes two images"
    )


def _described(attempt: Attempt) -> str:
    color = "gray" if attempt.config.color == "gray" else "RGB"
    return f"call={attempt.config.call!r} with {color} images of {attempt.side}×{attempt.side}"


def _wrapper_of(network: nn.Module) -> str:
    """Lines to paste: a module that takes a pair and calls the network as that wants it."""
    name = type(network).__name__
    given = ", ".join(argument_names(network))
    return (
        f"Such a module, to be wrapped in the network's place; its last line is yours to mend, which {name} has as"
        f" forward({given}):\n"
        "class Pair(torch.nn.Module):\n"
        "    def __init__(self, network): super().__init__(); self.network = network\n"
        "    def forward(self, first, second): return self.network(first, second)"
    )
