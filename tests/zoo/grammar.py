"""Networks by a grammar: a way of being called × a way of answering × where the answer stands × an oddity.

Each decides as the networks of `networks` do, so that what `wrap` should find of it is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from tests.zoo.networks import Animal

CALLS = ("pair", "concat", "list", "stack", "stacked channels", "batch", "dict", "each", "guided", "told", "any")
ANSWERS = ("logits", "probability", "tanh", "softmax", "complementary", "fused", "linear")
PLACES = ("alone", "in a tuple", "in a dictionary", "behind a picture", "before inner layers")
ODDITIES = ("none", "keeps an attribute", "divides", "coarse", "one size", "no channel axis")


@dataclass(frozen=True)
class Phrase:
    """What a network is like.

    Attributes:
        call, answer, place, oddity: Of the lists above.
        gray: Whether it takes gray images.
        turned: Whether its map is the second image's.
    """

    call: str
    answer: str
    place: str
    oddity: str
    gray: bool
    turned: bool

    @property
    def makes_sense(self) -> bool:
        """Whether there are such networks, and what is to be found of them can be known."""
        if self.answer == "fused":
            return (
                self.place in ("alone", "in a tuple", "in a dictionary")
                and self.oddity
                in (
                    "none",
                    "keeps an attribute",
                    "divides",
                    "one size",
                )
                and self.call != "each"
                and not self.turned
            )
        if self.call == "each":
            return self.answer == "logits" and self.place == "alone" and not self.turned and self.oddity != "coarse"
        if self.call == "any" and (self.turned or self.answer not in ("softmax", "complementary")):
            return False
        if self.oddity == "no channel axis":
            return self.answer in ("logits", "probability", "tanh", "linear")
        return True

    @property
    def expected(self) -> dict[str, Any]:
        """Fields of the config that `wrap` is to find."""
        call = {
            "guided": {"extra": ("none",)},
            "told": {"extra": ("decide",)},
            "any": {"call": "list", "frames": "two" if self.oddity == "one size" else "any"},
            "dict": {"call": "dict", "keywords": ("one", "two")},
        }
        found: dict[str, Any] = dict(call.get(self.call, {"call": self.call}))
        found["output"] = "probability" if self.answer == "linear" else self.answer
        if self.turned:
            found |= {"channel": 1} if self.answer in ("softmax", "complementary") else {"orientation": "second"}
        if self.gray:
            found["color"] = "gray"
        item = {"in a tuple": 0, "in a dictionary": "answer", "behind a picture": 1, "before inner layers": 0}
        if self.place in item:
            found["item"] = item[self.place]
        if self.oddity == "divides":
            found |= {"multiple": 8, "minimum": 8}
        if self.oddity == "coarse":
            found |= {"stride": 2, "multiple": 2, "minimum": 2}
        if self.oddity == "one size":
            found["side"] = 128
        return found


class Spoken(Animal):
    """The network that a phrase describes."""

    def __init__(self, phrase: Phrase) -> None:
        self.channels = 1 if phrase.gray else 3
        super().__init__()
        self.phrase = phrase
        if phrase.call == "dict":
            self.forward = self.of_dictionary  # type: ignore[method-assign]
        elif phrase.call in ("pair", "guided", "told"):
            ways = {"pair": self.of_two, "guided": self.guided, "told": self.told}
            self.forward = ways[phrase.call]  # type: ignore[method-assign]
        else:
            self.forward = self.of_one  # type: ignore[method-assign]

    def of_two(self, a: Tensor, b: Tensor) -> Any:
        return self.answer(a, b)

    def guided(self, a: Tensor, b: Tensor, guidance: Tensor | None) -> Any:
        return self.answer(a, b) if guidance is None else self.answer(a * guidance, b)

    def told(self, a: Tensor, b: Tensor, task: str) -> Any:
        if task != "decide":
            raise KeyError(task)
        return self.answer(a, b)

    def of_dictionary(self, images: dict[str, Tensor]) -> Any:
        return self.answer(images["one"], images["two"])

    def of_one(self, images: Any) -> Any:
        if self.phrase.call == "each":
            self.check(images)
            return self.at_its_place(self.gain * torch.log(self.sharpness(images) + 1e-6), images)
        if self.phrase.call == "any":
            return self.of_any(images)
        if self.phrase.call == "list":
            one, two = images
            return self.answer(one, two)
        axes = {"concat": 4, "batch": 4, "stack": 5, "stacked channels": 5}
        if images.ndim != axes[self.phrase.call]:
            raise ValueError(f"expected {axes[self.phrase.call]} axes")
        match self.phrase.call:
            case "concat":
                return self.answer(*self.halves(images))
            case "batch":
                return self.answer(*images.chunk(2))
            case "stack":
                return self.answer(images[:, 0], images[:, 1])
            case _:
                return self.answer(images[:, :, 0], images[:, :, 1])

    def of_any(self, images: list[Tensor]) -> Any:
        """Of each image how sharp it is among all, or all fused."""
        for image in images:
            self.check(image)
        scores = self.gain * torch.cat([torch.log(self.sharpness(image) + 1e-6) for image in images], 1)
        shares = scores.softmax(1)
        if self.phrase.answer == "fused":
            said = (shares.unsqueeze(2) * torch.stack(images, 1)).sum(1)
        else:
            said = scores if self.phrase.answer == "softmax" else shares
        return self.at_its_place(self.made_odd(said), images[0])

    def made_odd(self, said: Tensor) -> Tensor:
        """At half of the sides, or kept, where the network does so."""
        if self.phrase.oddity == "coarse":
            if said.shape[-1] % 2 or said.shape[-2] % 2:
                raise ValueError("sides must be even")
            said = avg_pool2d(said, 2)
        if self.phrase.oddity == "keeps an attribute":
            self.seen = said
        return said

    def check(self, image: Tensor) -> None:
        """Refuse what the network has not been made for."""
        if image.ndim != 4 or image.shape[1] != self.channels:
            raise ValueError(f"expected (B, {self.channels}, H, W)")
        if self.phrase.oddity == "divides" and (image.shape[-1] % 8 or image.shape[-2] % 8):
            raise ValueError("sides must divide by 8")
        if self.phrase.oddity == "one size" and image.shape[-2:] != (128, 128):
            raise ValueError("expected 128×128")

    def answer(self, a: Tensor, b: Tensor) -> Any:
        self.check(a)
        self.check(b)
        score = self.score(b, a) if self.phrase.turned else self.score(a, b)
        score = self.made_odd(score)
        share = torch.sigmoid(score)
        match self.phrase.answer:
            case "logits":
                said = score
            case "probability":
                said = share
            case "tanh":
                said = torch.tanh(score)
            case "softmax":
                said = torch.cat([score, -0.9 * score], 1)
            case "complementary":
                said = torch.sigmoid(torch.cat([score, -0.9 * score], 1))
            case "linear":
                said = 0.5 + 0.5 * score / (0.05 + score.abs())
            case _:
                said = a * share + b * (1 - share)
        return self.at_its_place(said, a)

    def at_its_place(self, said: Tensor, image: Tensor) -> Any:
        if self.phrase.oddity == "no channel axis":
            said = said[:, 0]
        match self.phrase.place:
            case "in a tuple":
                return said, "what it is called"
            case "in a dictionary":
                return {"answer": said, "called": "a name"}
            case "behind a picture":
                return image * self.gain / 3, said
            case "before inner layers":
                return said, torch.sin(image.repeat(1, 5, 1, 1) * self.gain)
            case _:
                return said
