"""What a user decides, as frozen pydantic models: the adapter, the recipes and the two training stages.

Nothing here imports torch, so that plugins and the command line can be described without paying for it.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bridgetune.errors import RequestError


def _alpha(value: object) -> object:
    if value == "auto" or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf):
        return value
    raise PydanticCustomError("alpha", "expected a number from 0 on, or 'auto'")


Alpha = Annotated[float | Literal["auto"], PlainValidator(_alpha)]
"""The weight of the adversarial loss, or that it be chosen at each step."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AdapterConfig(_Frozen):
    """How one network is called and how its answer is read.

    The adapter converts from and to bridgetune's canonical space: RGB, float, [0, 1], (B, 3, H, W) in;
    mask logits (B, 1, H, W), positive where the first image is in focus, out.

    Attributes:
        call: `pair` for ``net(first, second)``, `concat` for ``net(cat([first, second], dim=1))``.
        prefix: Arguments before the images, as in ``net("fuse", first, second)``.
        keywords: Names that the images are passed by, two for `pair` and one for `concat`; empty passes them
            by position.
        layout: `channels first`, (B, C, H, W), or `channels last`, (B, H, W, C), for images and map alike.
        color: `rgb` for three channels an image, `gray` for one (ITU-R BT.601 luma).
        value_range: Where the network wants 0 and 1 of the canonical space: ``(-1, 1)``, ``(0, 255)`` ...
        mean, std: Subtracted and divided by after `value_range`, one value or one a channel.
        item: Which output where the network returns a tuple or list (index) or a dictionary (key).
        auxiliary: Items that hold coarser maps of the same kind, for deep supervision in stage 1.
        output: What the map's numbers are. `logits`; `probability` in [0, 1]; `tanh` in [-1, 1]; `softmax`,
            two-channel logits of which `channel` belongs to the image that `orientation` names;
            `complementary`, two-channel probabilities (o1, o2) read as (o1 + 1 - o2) / 2.
        channel: Which channel of the output is the map (`softmax`, `complementary`: is the named image's).
        orientation: Which image is in focus where the map is high.
        multiple: Sides are padded by reflection up to a multiple of this, and the map cropped back.
        minimum: The shortest side that the network takes; shorter ones are padded likewise.
        symmetric: Ask the network in both orders, in one pass, and answer with half the difference of the logits:
            (g(first, second) - g(second, first)) / 2. To exchange the images is then to exchange the sign, and nothing
            else; it takes twice the time.
        mirrored: In eval mode, answer with the mean over the pair and its mirror images, left to right, top to bottom
            and both; it takes four times the time.
    """

    call: Literal["pair", "concat"] = "pair"
    prefix: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    layout: Literal["channels first", "channels last"] = "channels first"
    color: Literal["rgb", "gray"] = "rgb"
    value_range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, ...] = (0.0,)
    std: tuple[PositiveFloat, ...] = (1.0,)
    item: int | str | None = None
    auxiliary: tuple[int | str, ...] = ()
    output: Literal["logits", "probability", "tanh", "softmax", "complementary"] = "logits"
    channel: Annotated[int, Field(ge=0)] = 0
    orientation: Literal["first", "second"] = "first"
    multiple: PositiveInt = 1
    minimum: PositiveInt = 1
    symmetric: bool = False
    mirrored: bool = False

    @property
    def channels(self) -> int:
        """Channels of one image as the network sees it."""
        return 3 if self.color == "rgb" else 1

    def asked(self, symmetric: bool | None, mirrored: bool | None) -> Self:
        """The same, but for how often the network is asked; None leaves it."""
        asked = {"symmetric": symmetric, "mirrored": mirrored}
        return self.model_copy(update={name: value for name, value in asked.items() if value is not None})

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.value_range
        if low >= high:
            raise ValueError(f"value_range: got {self.value_range}, expected (low, high) with low < high")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, self.channels):
                raise ValueError(f"{name}: got {len(values)} values, expected 1 or {self.channels} for {self.color}")
        if self.keywords and len(self.keywords) != (2 if self.call == "pair" else 1):
            raise ValueError(f"keywords: got {self.keywords}, expected two for call='pair', one for 'concat'")
        if self.auxiliary and self.item is None:
            raise ValueError(f"auxiliary: got {self.auxiliary} without item, expected item to say which is the map")
        if self.output in ("softmax", "complementary") and self.channel > 1:
            raise ValueError(f"channel: got {self.channel}, expected 0 or 1 for output={self.output!r}")
        return self


class Recipe(_Frozen):
    """Where the paper and the authors' released program do things differently. See `RECIPES`.

    Attributes:
        name: `paper` or `released`.
        focal_gamma: Focusing exponent of the focal loss, Eq. 8.
        focal_balance: Weights of the positive and the negative class in the focal loss.
        dice_over: Dice sums over each `sample` (then the mean), or over the whole `batch`.
        dice_smoothing: Added above and below the fraction of Eq. 10.
        focal_weight_pretrain, focal_weight_finetune: λ of Eq. 11 in either stage.
        order: Which network is updated first in a step of stage 2.
        score: Discriminators answer with one score an `image` (the mean of their logits) or one a `pixel`.
        reference_draws: The reference pasted into and the one shown as real are the `same` draw or `separate`.
        flips: Training pairs are mirrored at random.
    """

    name: Literal["paper", "released"]
    focal_gamma: NonNegativeFloat = 2.0
    focal_balance: tuple[PositiveFloat, PositiveFloat] = (1.0, 1.0)
    dice_over: Literal["sample", "batch"] = "sample"
    dice_smoothing: NonNegativeFloat = 0.0
    focal_weight_pretrain: NonNegativeFloat = 20.0
    focal_weight_finetune: NonNegativeFloat = 20.0
    order: Literal["discriminators first", "generator first"] = "discriminators first"
    score: Literal["image", "pixel"] = "image"
    reference_draws: Literal["same", "separate"] = "same"
    flips: bool = True


RECIPES: dict[str, Recipe] = {
    "paper": Recipe(name="paper"),
    "released": Recipe(
        name="released",
        focal_balance=(0.25, 0.75),
        dice_over="batch",
        dice_smoothing=1.0,
        focal_weight_pretrain=15.0,
        order="generator first",
        score="pixel",
        reference_draws="separate",
        flips=False,
    ),
}
"""The paper's text and the authors' released program, each as one frozen, named set of decisions."""


Share = Annotated[float, Field(ge=0, le=1)]


class Augmentation(_Frozen):
    """How synthesised training pairs go beyond the paper's, towards what lenses and cameras make. See `AUGMENTATIONS`.

    Everything is drawn afresh for every pair.

    Attributes:
        exchange: Either image may come first. In the paper's pairs the first is always the one with its object in
            focus, so that a network may go by what is an object instead of by what is sharp.
        disk: Share of the pairs blurred by a disk, the figure of an open aperture, instead of a Gaussian.
        soft: Share with the boundary of an occluding object: out of focus, it spills over the background; in focus, the
            blur of the background keeps clear of it (the α-matte boundary defocus model, Ma et al., IEEE TIP 2020).
        graded: Share whose blur grows across the picture, as it does on a slanted surface.
        dark_edges: Share whose blur takes what lies beyond the picture for black, as some data sets are made.
        exposure: Largest change of brightness, of contrast and of each channel, as a share of the full scale; most of
            it is common to both images.
        noise: Largest standard deviation of the noise, each image its own, as a share of the full scale.
        jpeg: Share of the pairs whose images have each been JPEG files.
    """

    exchange: bool = False
    disk: Share = 0.0
    soft: Share = 0.0
    graded: Share = 0.0
    dark_edges: Share = 0.0
    exposure: Share = 0.0
    noise: Share = 0.0
    jpeg: Share = 0.0


AugmentationName = Literal["none", "exchange", "lens", "camera"]
NO_AUGMENTATION = Augmentation()
_LENS = Augmentation(exchange=True, disk=0.5, soft=0.5, graded=0.25, dark_edges=0.4)

AUGMENTATIONS: dict[AugmentationName, Augmentation] = {
    "none": NO_AUGMENTATION,
    "exchange": Augmentation(exchange=True),
    "lens": _LENS,
    "camera": _LENS.model_copy(update={"exposure": 0.1, "noise": 0.01, "jpeg": 0.5}),
}
"""`none`: the paper's pairs; `exchange`: in either order; `lens`: with other blurs, too; `camera`: and as files."""


class Epochs(_Frozen):
    """Train for so many passes over the training pairs."""

    epochs: PositiveInt


class Steps(_Frozen):
    """Train for so many updates of the generator."""

    steps: PositiveInt


class TrainConfig(_Frozen):
    """What both stages decide. Use `PretrainConfig` or `TuneConfig`.

    Attributes:
        recipe: A name of `RECIPES`.
        duration: `Epochs(epochs=...)` or `Steps(steps=...)`; the cosine schedule falls to 0 over it.
        batch: Pairs in one update, over all processes together.
        size: Side of the square training images, in pixels.
        fit: How an image comes to that size: `resize`d whole, as in the paper, or `crop`ped at native scale.
        learning_rate, betas, weight_decay: AdamW's, the same for every network in the stage.
        kernel_sizes: Smallest and largest kernel (odd) that blurs a training image.
        augmentation: A name of `AUGMENTATIONS`; of effect on pairs that are made of images and masks. Held-out pairs
            from folders of their own stay as the paper has them.
        validation_share: Share of the pairs held out to measure the map error on, where no own set is given ...
        validation_most: ... but at most so many of them.
        validate_every, checkpoint_every: In steps; both also happen at the end.
        checkpoints_kept: How many checkpoints stay on disk, the newest ones.
        patience: After so many validations in a row without a lower map error the run ends, and the generator is
            the best one; 0 runs to the end, and the generator is the last one.
        average: Decay of an exponential moving average of the generator's weights, which is validated and saved in
            their place; 0 averages nothing.
        micro_batch: Pairs that the networks see at a time; 0 is the batch of a process as a whole. Smaller takes
            less memory and, for what is computed twice, more time; the update stays the same, but for BatchNorm.
        checkpoint_activations: Keep of the networks' blocks their inputs alone, and compute the rest again in the
            backward pass: less memory, more time, the same update.
        compile: Have torch.compile translate the networks first.
        seed: Of everything drawn at random. The same seed gives the same run.
        precision: Mixed precision as accelerate names it.
        device: `auto` takes what accelerate finds; `cpu` insists.
        workers: Threads that prepare training images ahead; 0 prepares none ahead.
        tensorboard: Write scalars and pictures for TensorBoard into the run's folder.
    """

    recipe: Literal["paper", "released"] = "paper"
    duration: Epochs | Steps
    batch: PositiveInt
    size: Annotated[int, Field(ge=16)] = 256
    fit: Literal["resize", "crop"] = "resize"
    learning_rate: PositiveFloat
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    weight_decay: NonNegativeFloat = 0.01
    kernel_sizes: tuple[PositiveInt, PositiveInt] = (3, 21)
    augmentation: AugmentationName = "none"
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    validation_most: PositiveInt = 64
    validate_every: PositiveInt = 200
    checkpoint_every: PositiveInt = 100
    checkpoints_kept: PositiveInt = 3
    patience: NonNegativeInt = 0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    micro_batch: NonNegativeInt = 0
    checkpoint_activations: bool = False
    compile: bool = False
    seed: NonNegativeInt = 0
    precision: Literal["no", "bf16", "fp16"] = "no"
    device: Literal["auto", "cpu"] = "auto"
    workers: NonNegativeInt = 1
    tensorboard: bool = False

    @model_validator(mode="after")
    def _kernels_are_odd(self) -> Self:
        low, high = self.kernel_sizes
        if low > high or low % 2 == 0 or high % 2 == 0:
            raise ValueError(f"kernel_sizes: got {self.kernel_sizes}, expected two odd sizes, the smaller first")
        return self


class PretrainConfig(TrainConfig):
    """Stage 1 (Algorithm 1, lines 1-8): supervised training of the generator; defaults are the paper's."""

    duration: Epochs | Steps = Epochs(epochs=100)
    batch: PositiveInt = 32
    learning_rate: PositiveFloat = 1e-3


class TuneConfig(TrainConfig):
    """Stage 2 (Algorithm 1, lines 9-26): BridgeTune; defaults are the paper's.

    Attributes:
        alpha: α of Eq. 12, the weight of the adversarial loss; `auto` holds it at what makes the adversarial part of
            the gradient at the map `adversarial_share` of the supervised one.
        adversarial_share: Norm of the one gradient over norm of the other; 0.1 is the paper's "about 1:10". Of no
            effect unless α is `auto`.
        adversarial: `non-saturating`, -log D(s) (Algorithm 1, line 21), or `saturating`, log(1 - D(s)) (Eq. 7).
        discriminator: `twin`, the generator's own architecture (the paper's advice), which its plugin must bring;
            `patch`, the built-in fallback; `auto`, the twin where there is one.
        unlabelled_share: Share of a batch that is drawn from the unlabelled pairs, where there are both kinds.
        swap_weight, binary_weight, variation_weight: Weights of the regularisers on unlabelled pairs:
            `swap_consistency`, `binarisation` and `total_variation` of `bridgetune.losses`.
    """

    duration: Epochs | Steps = Epochs(epochs=50)
    batch: PositiveInt = 16
    learning_rate: PositiveFloat = 6e-4
    alpha: Alpha = 1e-4
    adversarial_share: PositiveFloat = 0.1
    adversarial: Literal["non-saturating", "saturating"] = "non-saturating"
    discriminator: Literal["auto", "twin", "patch"] = "auto"
    unlabelled_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    swap_weight: NonNegativeFloat = 1.0
    binary_weight: NonNegativeFloat = 0.1
    variation_weight: NonNegativeFloat = 0.1


Config = TypeVar("Config", bound=_Frozen)


def checked(model: type[Config], **values: Any) -> Config:
    """Build a config, or raise `RequestError` with one line for the first value that does not fit."""
    try:
        return model(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        if not where:
            raise RequestError(said) from None
        raise RequestError(f"{where}: got {first['input']!r}; {said[0].lower()}{said[1:]}") from None
