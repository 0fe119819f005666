"""How one network is called and how its answer is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, Strict, model_validator

from bridgetune.config._model import Frozen, Share
from bridgetune.config.bounds import LEAST_SCALE, MOST_SCALES, Deviation, Place, Scaling
from bridgetune.documents import checked

Scales = TypeVar("Scales", bound=Sequence[float])

LUMA = (0.299, 0.587, 0.114)
"""Weights of R, G and B in gray, ITU-R BT.601."""

Call = Literal["pair", "concat", "list", "tuple", "stack", "stacked channels", "batch", "dict", "each"]
"""How a network takes a pair of images (B, C, H, W):

- `pair`, ``net(first, second)``
- `concat`, one (B, 2C, H, W)
- `list` and `tuple`, one argument that holds both
- `stack`, one (B, 2, C, H, W); `stacked channels`, one (B, C, 2, H, W)
- `batch`, one (2B, C, H, W), the first images before the second
- `dict`, one dictionary, whose keys `keywords` names
- `each`, one image at a time; the map is what the answers differ by
"""

Word = (
    Annotated[bool, Strict()]
    | Annotated[int, Strict(), Field(ge=-(10**9), le=10**9)]
    | Annotated[Scaling, Strict()]
    | Annotated[str, Strict(), Field(max_length=200)]
)
"""An argument that says how, and is no image."""

Extra = Literal["none", "zeros", "black"] | Word
"""An argument that the network insists on, though it can do without: `none`, None; `zeros`, a map (B, 1, H, W) of 0;
`black`, an image (B, C, H, W) of 0. Or what it is to be told: any other word, a number or a truth value."""


def whole_fractions(scales: Scales) -> Scales:
    """Raise `ValueError` unless they are 1 and then whole fractions of it, each once, or these behind a 2."""
    if len(scales) > MOST_SCALES or any(0 < scale < LEAST_SCALE for scale in scales):
        raise ValueError(f"got {_shown(scales)}; expected at most {MOST_SCALES}, none below 1/{round(1 / LEAST_SCALE)}")
    fractions = scales[1:] if _enlarged(scales) else scales
    reductions = [round(1 / scale) if scale > 0 else 0 for scale in fractions]
    whole = all(math.isclose(scale * by, 1, rel_tol=1e-6) for scale, by in zip(fractions, reductions, strict=True))
    if not whole or reductions[:1] != [1] or len(set(reductions)) < len(reductions):
        raise ValueError(
            f"got {_shown(scales)}; expected 1, then whole fractions of it, each once, and at most a 2 in front:"
            " 2, 1, 1/2, 1/4, say"
        )
    return scales


def _enlarged(scales: Sequence[float]) -> bool:
    return len(scales) > 0 and scales[0] == 2


def _shown(scales: Sequence[float]) -> str:
    first = ", ".join(f"{scale:g}" for scale in scales[:MOST_SCALES])
    return f"{first}, …" if len(scales) > MOST_SCALES else first or "none"


class AdapterConfig(Frozen):
    """How one network is called and how its answer is read.

    The adapter converts from and to bridgetune's canonical space: RGB, float, [0, 1], (B, 3, H, W) in;
    mask logits (B, 1, H, W), positive where the first image is in focus, out.
    """

    call: Call = "pair"
    """How the pair is handed over, see `Call`."""
    prefix: tuple[Word, ...] = ()
    """Arguments before the images, as in ``net("fuse", first, second)``."""
    keywords: tuple[str, ...] = ()
    """Names that the images are passed by, two for `pair`, else one; empty passes them by position. Of `dict` they are
    the two keys."""
    extra: tuple[Extra, ...] = ()
    """What else the network insists on behind the images, see `Extra`: ``("test",)`` as in
    ``net(first, second, "test")``."""
    frames: Literal["two", "any"] = "two"
    """How many images the network takes at once: `two`; or `any` number, for each of which it has a channel or an
    output (`softmax`, `complementary`), or all of which it fuses (`fused`). All frames of a stack are then shown to it
    together."""
    layout: Literal["channels first", "channels last"] = "channels first"
    """`channels first`, (B, C, H, W), or `channels last`, (B, H, W, C), for images and map alike."""
    color: Literal["rgb", "gray"] = "rgb"
    """`rgb` for three channels an image, `gray` for one, see `luma`."""
    luma: tuple[Share, Share, Share] = LUMA
    """What R, G and B count for in gray; default ITU-R BT.601. scikit-image has (0.2125, 0.7154, 0.0721)."""
    value_range: tuple[Scaling, Scaling] = (0.0, 1.0)
    """Where the network wants 0 and 1 of the canonical space: ``(-1, 1)``, ``(0, 255)`` ..."""
    mean: tuple[Scaling, ...] = (0.0,)
    """Subtracted after `value_range`, one value or one a channel."""
    std: tuple[Deviation, ...] = (1.0,)
    """Divided by after that, one value or one a channel."""
    item: Place | str | tuple[Place | str, Place | str] | None = None
    """Which output where the network returns a tuple or list (index), a dictionary (key) or a dataclass (name); in a
    container in another, as in ``"maps.0"``. Two of them are the two images' own, read as two channels are:
    `complementary` or `softmax`."""
    auxiliary: Annotated[tuple[Place | str, ...], Field(max_length=64)] = ()
    """Items that hold coarser maps of the same kind, for deep supervision in stage 1."""
    output: Literal["logits", "probability", "tanh", "softmax", "complementary", "fused"] = "logits"
    """What the map's numbers are. `logits`; `probability` in [0, 1]; `tanh` in [-1, 1]; `softmax`, two-channel logits
    of which `channel` belongs to the image that `orientation` names; `complementary`, two-channel probabilities
    (o1, o2) read as (o1 + 1 - o2) / 2. `fused` is no map, but the fused image of an end-to-end network in the values
    of its input, from `channel` on; what it takes from either source is the map, see
    `bridgetune.wrapping.projection`."""
    channel: Annotated[int, Field(ge=0, le=4096)] = 0
    """Which channel of the output is the map (`softmax`, `complementary`: is the named image's)."""
    orientation: Literal["first", "second"] = "first"
    """Which image is in focus where the map is high."""
    multiple: Annotated[int, Field(gt=0, le=4096)] = 1
    """Sides are padded by reflection up to a multiple of this, and the map cropped back."""
    minimum: Annotated[int, Field(gt=0, le=16384)] = 1
    """The shortest side that the network takes; shorter ones are padded likewise."""
    side: Annotated[int, Field(gt=0, le=4096)] | None = None
    """The only side that the network takes, of square images; pictures of others come to it as `fit` says."""
    fit: Literal["tiles", "resize", "patches"] = "tiles"
    """`tiles`, the picture is cut into tiles of `side` that overlap, whose maps are blended; `resize`, it is resized to
    `side`, and the map back. `patches`, the network answers once for a patch of `side`, and is asked for patches that
    lie `step` apart."""
    step: Annotated[int, Field(gt=0, le=4096)] = 8
    """Pixels between patches, of `fit="patches"`."""
    stride: Annotated[int, Field(gt=0, le=256)] = 1
    """Pixels of the image for one of the map, along each side: a map of lower resolution is enlarged."""
    overlap: Annotated[int, Field(ge=0, le=2048)] = 0
    """Pixels around each tile that the network is shown and that do not count, where a picture is too large to be shown
    it whole: at least as far as the network sees. 0 has that measured."""
    symmetric: bool = False
    """Ask the network in both orders, in one pass, and answer with half the difference of the logits:
    (g(first, second) - g(second, first)) / 2. To exchange the images is then to exchange the sign, and nothing else; it
    takes twice the time."""
    mirrored: bool = False
    """In eval mode, answer with the mean over the pair and its mirror images, left to right, top to bottom and both; it
    takes four times the time."""
    scales: Annotated[tuple[float, ...], AfterValidator(whole_fractions)] = (1.0,)
    """Sizes at which the pair is shown: 1, then whole fractions, ``(1, 1/2, 1/4)``. Where the network is unsure of a
    region at full size, what it says of it at the others counts, see `bridgetune.wrapping.scales`; in training, too. A
    half and a quarter take 1.31 times the time. With a 2 in front, ``(2, 1, 1/2, 1/4)``, the pair is in eval mode shown
    enlarged twice, too, and the mean of what the network says of it so and at full size stands for the latter: a
    network whose map is coarser than the picture draws seams more finely. It takes four times the time on top."""

    @property
    def paired(self) -> bool:
        """Whether the map is read from two channels or outputs, one for each image."""
        return self.output in ("softmax", "complementary")

    @property
    def together(self) -> bool:
        """Whether the network says of each of any number of images how much it is in focus."""
        return (self.frames == "any" or self.call == "each") and self.side is None

    @property
    def local(self) -> bool:
        """Whether the map is read from one call of the network on images of any size, and from its answer alone."""
        return self.side is None and self.call != "each" and self.output != "fused" and self.stride == 1

    @property
    def channels(self) -> int:
        """Channels of one image as the network sees it."""
        return 3 if self.color == "rgb" else 1

    @property
    def enlarged(self) -> bool:
        """Whether the pair is shown enlarged twice in eval mode: whether `scales` have a 2 in front."""
        return _enlarged(self.scales)

    @property
    def reductions(self) -> tuple[int, ...]:
        """By how much each of `scales` from 1 on is reduced: 1, 2, 4 for 1, 1/2, 1/4."""
        return tuple(round(1 / scale) for scale in self.scales[self.enlarged :])

    def asked(self, symmetric: bool | None, mirrored: bool | None, scales: Sequence[float] | None = None) -> Self:
        """The same, but for how often the network is asked; None leaves it.

        Raises:
            RequestError: The scales are not 1 and then whole fractions, with at most a 2 in front.
        """
        asked = {"symmetric": symmetric, "mirrored": mirrored, "scales": scales}
        return checked(type(self), **{**dict(self), **{name: one for name, one in asked.items() if one is not None}})

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.value_range
        if low >= high:
            raise ValueError(f"value_range: got {self.value_range}, expected (low, high) with low < high")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.channels):
                raise ValueError(f"{name}: got {len(values)} values, expected 1 or {self.channels} for {self.color}")
        several = self.call in ("pair", "dict")
        if (self.keywords or self.call == "dict") and len(self.keywords) != (2 if several else 1):
            raise ValueError(
                f"keywords: got {self.keywords}, expected {'two' if several else 'one'} for call={self.call!r}"
            )
        if self.auxiliary and self.item is None:
            raise ValueError(f"auxiliary: got {self.auxiliary} without item, expected item to say which is the map")
        if self.paired and self.channel > 1:
            raise ValueError(f"channel: got {self.channel}, expected 0 or 1 for output={self.output!r}")
        if isinstance(self.item, tuple) and not self.paired:
            raise ValueError(f"output: got {self.output!r} for two items, expected 'complementary' or 'softmax'")
        if self.output == "fused" and (self.auxiliary or self.call == "each"):
            raise ValueError("output: got 'fused', expected a call that has both images, and no auxiliary maps")
        if self.frames == "any" and not (self.output == "fused" or (self.paired and self.channel == 0)):
            raise ValueError("frames: got 'any', expected output='softmax', 'complementary' or 'fused', and channel=0")
        if self.side is not None and self.auxiliary:
            raise ValueError("auxiliary: expected none for a network that takes one side only")
        if self.fit == "patches" and self.side is None:
            raise ValueError("side: got none, expected the side of a patch for fit='patches'")
        return self
