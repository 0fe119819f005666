"""Before tuning: does a loss on the map reach every parameter that is to be trained, and is the map alive?"""

from __future__ import annotations

import logging
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from bridgetune.data import PairSource, UnlabelledPairs
from bridgetune.devices import device_of
from bridgetune.errors import RequestError
from bridgetune.modes import batch_norms
from bridgetune.synthesis import decision_map
from bridgetune.wrapping.adapter import Adapter
from bridgetune.wrapping.observing import Observation, undisturbed

logger = logging.getLogger("bridgetune")

SATURATED = 1e-3
"""A pixel this near to probability 0 or 1 learns hardly anything."""

MOSTLY = 0.9
"""From this share of saturated pixels on, a warning is due."""


WORSE, WORSE_BY = 2.0, 0.05
"""Of the share of wrong decisions by a batch's statistics to that by a network's own, and beyond it, from which on a
warning is due."""


class Orientation(NamedTuple):
    """How a generator's decisions agree with known maps."""

    agreement: float
    """Share of right decisions, in [0, 1]."""
    verdict: str
    """`first` as it should be, `second` where the map is the wrong way round, `unknown` near chance."""


def preflight(
    generator: Adapter, pairs: PairSource | UnlabelledPairs, batch: int, keeps_statistics: bool = False
) -> list[str]:
    """Refuse what cannot be tuned, and warn of what will be hard to.

    The generator is called in eval mode on some of the pairs and left as it was.

    Args:
        generator: About to be tuned.
        pairs: What it will be tuned on.
        batch: Pairs in one update.
        keeps_statistics: Whether its BatchNorm goes by those that it came with.

    Returns:
        Names of the parameters that are to be trained and that a loss on the map does not reach: image heads, code
        that is never run. They stay as they are, and a line says so.

    Raises:
        RequestError: No gradient comes back from the map, or it reaches nothing that is to be trained.
    """
    network = generator.unwrap()
    name = type(network).__name__
    first, second, *masks = _some(pairs, 2, device_of(generator))
    observed = Observation()
    try:
        with undisturbed(network), observed.observing():
            maps = generator.maps(first, second)
    except RequestError:
        raise
    except Exception as error:  # whatever the network makes of input that is not for it
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise RequestError(
            f"{name} failed when called as its AdapterConfig says (call={generator.config.call!r},"
            f" color={generator.config.color!r}): {said[:200]}"
        ) from error
    if observed.optimised:
        raise RequestError(f"{name} cannot be tuned: {observed.excuse()}; BridgeTune tunes one network for all images")
    if not maps[0].requires_grad:
        reason = observed.excuse() or "the graph is cut"
        raise RequestError(
            f"{name} cannot be tuned: no gradient comes back from its map, since {reason};"
            " return the map from before that"
        )
    unreached = _unreached(network, maps)
    if len(unreached) == sum(parameter.requires_grad for parameter in network.parameters()):
        raise RequestError(
            f"{name} cannot be tuned: a loss on the map reaches none of its trainable parameters; unfreeze those that"
            " it depends on (requires_grad_(True))"
        )
    if unreached:
        modules = sorted({parameter.rpartition(".")[0] or parameter for parameter in unreached})
        few = ", ".join(modules[:3]) + (" …" if len(modules) > 3 else "")
        logger.warning(
            "%s: a loss on the map does not reach %d of its parameter tensors (%s), which stay as they are",
            name,
            len(unreached),
            few,
        )
    _warn(name, maps[0].detach())
    if not keeps_statistics:
        _warn_of_batches(network, batch)
        if masks:
            _warn_of_statistics(generator, first, second, masks[0])
    return unreached


def check_orientation(generator: Adapter, pairs: PairSource, most: int = 16) -> Orientation:
    """Whether a trained generator's map stands for the image that it is taken to stand for.

    Args:
        generator: In eval mode or not; it is left as it was.
        pairs: Pairs with known maps.
        most: How many of them are looked at.
    """
    right: list[float] = []
    device = device_of(generator)
    for index in range(min(most, len(pairs))):
        first, second, mask = (image[None].to(device) for image in pairs.sample(index, np.random.default_rng(index)))
        with undisturbed(generator), torch.no_grad():
            decision = decision_map(generator(first, second))
        right.append(float((decision == mask).float().mean()))
    agreement = sum(right) / len(right)
    verdict = "unknown" if 0.3 < agreement < 0.7 else "first" if agreement >= 0.7 else "second"
    if verdict == "second":
        logger.warning(
            "only %.0f %% of the decisions are right: the map is the wrong way round; wrap with"
            " AdapterConfig(orientation=...) turned",
            100 * agreement,
        )
    return Orientation(agreement, verdict)


def has_batch_norm(network: nn.Module) -> bool:
    """Whether what the network says of an image depends on the others in the batch."""
    return bool(batch_norms(network))


def _some(pairs: PairSource | UnlabelledPairs, most: int, device: torch.device) -> list[Tensor]:
    """The first pairs as a batch: both images, and where there are masks, these."""
    drawn = [pairs.sample(index, np.random.default_rng(index)) for index in islice(range(len(pairs)), most)]
    return [torch.stack(images).to(device) for images in zip(*drawn, strict=True)]


def _unreached(network: nn.Module, maps: list[Tensor]) -> list[str]:
    """Names of the trainable parameters to which no gradient comes from the sum of the maps."""
    named = [(name, parameter) for name, parameter in network.named_parameters() if parameter.requires_grad]
    total = torch.stack([map_.sum() for map_ in maps]).sum()
    gradients = torch.autograd.grad(total, [parameter for _, parameter in named], allow_unused=True)
    return [name for (name, _), gradient in zip(named, gradients, strict=True) if gradient is None]


def _warn_of_statistics(generator: Adapter, first: Tensor, second: Tensor, mask: Tensor) -> None:
    """Where a trained network decides much worse by a batch's statistics than by its BatchNorm's own."""
    network = generator.unwrap()
    layers = batch_norms(network)
    if not layers:
        return
    wrong = []
    for trains in (False, True):
        with undisturbed(network), torch.no_grad():
            for layer in layers:
                layer.train(trains)
            wrong.append(float((decision_map(generator(first, second)) != mask).float().mean()))
    own, of_batch = wrong
    if of_batch > max(WORSE * own, own + WORSE_BY):
        logger.warning(
            "%s decides %.0f %% of the pixels wrong by the statistics of a batch, as it is trained, and %.0f %% by"
            " those that its BatchNorm came with; keep these (--batch-norm keep, batch_norm='keep')",
            type(network).__name__,
            100 * of_batch,
            100 * own,
        )


def _warn_of_batches(network: nn.Module, batch: int) -> None:
    if batch == 1 and has_batch_norm(network):
        logger.warning(
            "%s has BatchNorm, whose statistics mean little in a batch of one; use a batch of 4 or more",
            type(network).__name__,
        )


def _warn(name: str, logits: Tensor) -> None:
    probability = torch.sigmoid(logits)
    saturated = float(((probability < SATURATED) | (probability > 1 - SATURATED)).float().mean())
    if saturated >= MOSTLY:
        logger.warning(
            "%s: %.0f %% of the map's pixels are within %g of 0 or 1, where hardly any gradient is left;"
            " wrap the map from before its last, steep activation if there is one",
            name,
            100 * saturated,
            SATURATED,
        )
