"""Networks that take any number of images: found by showing them three, and asked about all of a stack at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bridgetune.config import AdapterConfig
from bridgetune.devices import device_of
from bridgetune.wrapping.adapter import MIRRORINGS, Adapter
from bridgetune.wrapping.candidates import SURE, Candidate
from bridgetune.wrapping.inputs import alone, arguments
from bridgetune.wrapping.known_pair import blurred, half_and_half, sides_of, texture
from bridgetune.wrapping.observing import undisturbed
from bridgetune.wrapping.projection import nearest
from bridgetune.wrapping.reading import read_logits, read_picture, read_scores


def asked_together(adapter: Adapter, images: Sequence[Tensor]) -> Tensor:
    """How much each of some images is in focus: what the network says when it is shown all of them.

    It is asked of mirror images and with the last image first, where its config asks for either, and at full size.

    Args:
        adapter: Whose config is `AdapterConfig.together`.
        images: Two or more, (B, 3, H, W) each, in [0, 1].

    Returns:
        (B, N, H, W) logits, of which the differences count.

    Raises:
        RequestError: The network's answer is not what its config says.
    """
    mirrorings = MIRRORINGS if adapter.config.mirrored else MIRRORINGS[:1]
    answers = []
    for axes in mirrorings:
        seen = [image.flip(axes) for image in images]
        scores = _asked(adapter, seen)
        if adapter.config.symmetric:
            scores = (scores + _asked(adapter, seen[::-1]).flip(1)) / 2
        answers.append(scores.flip(axes))
    return torch.stack(answers).mean(0)


def _asked(adapter: Adapter, images: Sequence[Tensor]) -> Tensor:
    config, network = adapter.config, adapter.network
    seen = [adapter.domain(image) for image in images]
    if config.call == "each":
        calls = (alone(image, config) for image in seen)
        scores = torch.cat([read_logits(network(*given, **named), config, config.item) for given, named in calls], 1)
    else:
        given, named = arguments(seen, config)
        answer = network(*given, **named)
        if config.output == "fused":
            picture = adapter.domain.restored(read_picture(answer, config))
            scores = nearest(picture, [adapter.domain.restored(image) for image in seen])
        else:
            scores = read_scores(answer, config, len(seen))
    return adapter.at_size(scores, images[0].shape)


def for_any_number(network: nn.Module, side: int, candidate: Candidate) -> AdapterConfig:
    """The reading for any number of images, where a network answers as well for a pair and a third, wherever it stands.

    The third is out of focus all over. Of a network that tells sharp from blurred, the pair's sides have to be found
    as they were; of any other, the answer has to depend on the third.

    Args:
        network: Left as it was.
        side: Of the images.
        candidate: How it is called and read.
    """
    config = _of_each(candidate.config)
    if config is None:
        return candidate.config
    adapter = Adapter(network, config)
    device = device_of(network)
    shown = [*half_and_half(side, device), blurred(texture(side)).to(device)]
    try:
        with undisturbed(network), torch.no_grad():
            answers = [asked_together(adapter, [*shown[place:], *shown[:place]]) for place in range(3)]
            other = asked_together(adapter, [*shown[:2], texture(side, 2, device)])
    except Exception:  # whatever a network makes of more images than it is for
        return candidate.config
    right = [
        float((half == (in_focus - place) % 3).float().mean())
        for place, scores in enumerate(answers)
        for in_focus, half in enumerate(sides_of(scores[0].argmax(0)))
    ]
    fits = sum(right) / len(right) >= SURE if candidate.responds else not torch.equal(answers[0], other)
    return config if fits else candidate.config


def _of_each(config: AdapterConfig) -> AdapterConfig | None:
    """How a network would be read that answers for each of any number of images; None where it does not."""
    if config.output == "fused" or (config.paired and config.channel == 0):
        return config.model_copy(update={"frames": "any"})
    kinds = {"probability": "complementary", "logits": "softmax"}
    if not isinstance(config.item, int) or config.output not in kinds or config.orientation == "second":
        return None
    items = config.item, config.item + 1  # of one map in each of several outputs the first was chosen
    return config.model_copy(update={"frames": "any", "item": items, "output": kinds[config.output]})
