"""What the two stages of training decide."""

from __future__ import annotations

from typing import Annotated, Literal, Self, get_args

from pydantic import (
    AfterValidator,
    Field,
    PlainValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from bridgetune.config._model import Frozen
from bridgetune.config.augmentation import AugmentationName
from bridgetune.config.bounds import (
    LARGEST_WEIGHT,
    MOST_PIXELS,
    Batch,
    Count,
    CountOrNone,
    KernelSize,
    LearningRate,
    MicroBatch,
    PositiveWeight,
    Seed,
    Side,
    Weight,
    Workers,
)
from bridgetune.terms import term_weights


def _alpha(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= LARGEST_WEIGHT:
        return float(value)
    if value == "auto":
        return value
    raise PydanticCustomError(
        "alpha", "expected a number from 0 to {largest}, or 'auto'", {"largest": f"{LARGEST_WEIGHT:.0f}"}
    )


Alpha = Annotated[float | Literal["auto"], PlainValidator(_alpha)]
"""The weight of the adversarial loss, or that it be chosen at each step."""


AdversarialForm = Literal["non-saturating", "saturating"]
"""Of the adversarial loss, see `bridgetune.losses.adversarial_loss`."""

Labelling = Literal["votes", "pseudo", "smoothed"]
"""Whose labels unlabelled pairs have in place of an adversarial loss, see `bridgetune.training.labels`."""

LABELLINGS: tuple[Labelling, ...] = get_args(Labelling)


def _papers_own(form: str) -> str:
    return "non-saturating" if form == "paper" else form


class Epochs(Frozen):
    """Train for so many passes over the training pairs."""

    epochs: Count


class Steps(Frozen):
    """Train for so many updates of the generator."""

    steps: Count


class TrainConfig(Frozen):
    """What both stages decide. Use `PretrainConfig` or `TuneConfig`."""

    recipe: Literal["paper", "released"] = "paper"
    """As the paper has it, or the authors' program.

    A name of `RECIPES`."""
    duration: Epochs | Steps
    """`Epochs(epochs=...)` or `Steps(steps=...)`; the cosine schedule falls to 0 over it."""
    batch: Batch
    """Pairs in one update, over all processes together."""
    size: Side = 256
    """Side of the square training images, in pixels."""
    fit: Literal["resize", "crop"] = "resize"
    """How an image comes to that size: `resize`d whole, as in the paper, or `crop`ped at native scale."""
    learning_rate: LearningRate
    """AdamW's, the same for every network in the stage; it falls to 0 by a cosine."""
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.999)
    """AdamW's decays of its two moments."""
    weight_decay: Weight = 0.01
    """AdamW's decay of the weights."""
    kernel_sizes: tuple[KernelSize, KernelSize] = (3, 21)
    """Smallest and largest kernel (odd) that blurs a training image."""
    augmentation: AugmentationName = "none"
    """Pairs as the paper has them (`none`), in either order (`exchange`), with other blurs, too (`lens`), as cameras
    store them (`camera`), as the world has them (`world`): of any blur, of even and backlit scenes and of cells, from
    two images that differ in more than focus; also as neighbours in a stack are (`graded`); or as the world has
    them and, a third of them, the paper (`all`). Of effect on pairs that are made of images and masks; held-out pairs
    from folders of their own stay as the paper has them.

    A name of `AUGMENTATIONS`."""
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.05
    """Share of the pairs that is held out to measure the map error on, where no pairs of their own are given for it."""
    validation_most: Count = 64
    """Of the pairs, at most so many are held out so."""
    validate_every: Count = 200
    """Steps between validations; there is one at the end, too."""
    checkpoint_every: Count = 100
    """Steps between checkpoints; there is one at the end, too."""
    checkpoints_kept: Count = 3
    """How many checkpoints stay on disk, the newest ones."""
    patience: CountOrNone = 0
    """After so many validations in a row without a lower map error the run ends, and the generator is the best one; 0
    runs to the end, and the generator is the last one."""
    average: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Decay of an exponential moving average of the generator's weights, of 0.999, say, which is validated and saved in
    their place; 0 averages nothing."""
    micro_batch: MicroBatch = 0
    """Pairs that the networks see at a time; 0 is the batch of a process as a whole. Smaller takes less memory and, for
    what is computed twice, more time; the update stays the same, but for BatchNorm."""
    checkpoint_activations: bool = False
    """Keep of the networks' blocks their inputs alone, and compute the rest again in the backward pass: less memory,
    more time, the same update."""
    batch_norm: Literal["train", "keep"] = "train"
    """What the generator's BatchNorm goes by: `train`, the statistics of each batch, which it follows; `keep`, those
    that it came with, where a batch's own make another network of it. A line says where they do."""
    compile: bool = False
    """Have torch.compile translate the networks first."""
    seed: Seed = 0
    """Of everything drawn at random. The same seed gives the same run."""
    precision: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision as accelerate names it."""
    device: Literal["auto", "cpu"] = "auto"
    """`auto` takes what accelerate finds; `cpu` insists."""
    workers: Workers = 1
    """Threads that prepare training images ahead; 0 prepares none ahead."""
    tensorboard: bool = False
    """Write scalars and pictures for TensorBoard into the run's folder."""

    @field_validator("kernel_sizes")
    @classmethod
    def _odd(cls, sizes: tuple[int, int]) -> tuple[int, int]:
        low, high = sizes
        if low > high or low % 2 == 0 or high % 2 == 0:
            raise ValueError(f"got {sizes}, expected two odd sizes, the smaller first")
        return sizes

    @model_validator(mode="after")
    def _of_a_machine(self) -> Self:
        if self.batch * self.size**2 > MOST_PIXELS:
            most = max(MOST_PIXELS // self.size**2, 1)
            raise ValueError(
                f"batch: got {self.batch} pairs of {self.size}×{self.size}; expected at most {most} of them"
            )
        return self


class PretrainConfig(TrainConfig):
    """Stage 1 (Algorithm 1, lines 1-8): supervised training of the generator; defaults are the paper's."""

    duration: Epochs | Steps = Epochs(epochs=100)
    """`Epochs(epochs=...)` or `Steps(steps=...)`; the cosine schedule falls to 0 over it."""
    batch: Batch = 32
    """Pairs in one update, over all processes together."""
    learning_rate: LearningRate = 1e-3
    """AdamW's; it falls to 0 by a cosine."""


class TuneConfig(TrainConfig):
    """Stage 2 (Algorithm 1, lines 9-26): BridgeTune; defaults are the paper's."""

    duration: Epochs | Steps = Epochs(epochs=50)
    """`Epochs(epochs=...)` or `Steps(steps=...)`; the cosine schedule falls to 0 over it."""
    batch: Batch = 16
    """Pairs in one update, over all processes together."""
    learning_rate: LearningRate = 6e-4
    """AdamW's, the same for all three networks; it falls to 0 by a cosine."""
    alpha: Alpha = 1e-4
    """α of Eq. 12, the weight of the adversarial loss; `auto` holds it at what makes the adversarial part of the
    gradient at the map `adversarial_share` of the supervised one. At 0 there are no discriminators, which takes a
    fraction of the time and was as good on all that was measured."""
    adversarial_share: PositiveWeight = 0.1
    """Norm of the one gradient over norm of the other; 0.1 is the paper's "about 1:10". Of no effect unless α is
    `auto`."""
    adversarial: Annotated[Literal["paper", AdversarialForm, Labelling], AfterValidator(_papers_own)] = "non-saturating"
    """`non-saturating`, -log D(s) (Algorithm 1, line 21), which `paper` is another name for; or `saturating`,
    log(1 - D(s)) (Eq. 7). Experimental, and in place of the adversarial loss L_SUP on unlabelled pairs with labels that
    nobody gave: `votes`, the network's own decisions where a judge of pairs does not overrule them; and two controls,
    `pseudo`, its own decisions, and `smoothed`, its own decisions where those around do not overrule them."""
    discriminator: Literal["auto", "twin", "patch", "pair"] = "auto"
    """`twin`, the generator's own architecture (the paper's advice), which its plugin must bring; `patch`, the built-in
    fallback; `auto`, the twin where there is one. Experimental: `pair`, the judge of pairs, whose votes are labels
    (`adversarial` is `votes`; there it is what `auto` stands for)."""
    pseudo_weight: Weight = 1.0
    """Of L_SUP on unlabelled pairs with labels that nobody gave. Of no effect unless `adversarial` asks for them."""
    judge_steps: Count = 300
    """Updates of the judge of pairs, on clear references and copies of them blurred whole, before it is frozen and the
    generator's first one."""
    unlabelled_share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Share of a batch that is drawn from the unlabelled pairs, where there are both kinds."""
    swap_weight: Weight = 1.0
    """Of `bridgetune.losses.swap_consistency`, on unlabelled pairs: the map does not depend on their order."""
    binary_weight: Weight = 0.1
    """Of `bridgetune.losses.binarisation`, on unlabelled pairs: the map is 0 or 1."""
    variation_weight: Weight = 0.1
    """Of `bridgetune.losses.total_variation`, on unlabelled pairs: the map has few edges."""
    fidelity_weight: Weight = 1.0
    """Of an end-to-end network's picture being made of its sources: the mean of what in it is of neither, in [0, 1]. It
    keeps what is tuned by its map a network that fuses; of no effect on networks that draw a map."""
    term_weights: dict[str, Weight] = Field(default={}, validate_default=True)
    """Weights of registered terms that have no setting of their own, see `bridgetune.terms.register_term`; of a term
    that is not named, its default."""

    @field_validator("term_weights")
    @classmethod
    def _of_every_term(cls, given: dict[str, float]) -> dict[str, float]:
        return term_weights(given)

    @property
    def form(self) -> AdversarialForm:
        """Of the adversarial loss, where there is one."""
        return "saturating" if self.adversarial == "saturating" else "non-saturating"

    @property
    def labelling(self) -> Labelling | None:
        """Whose labels unlabelled pairs have in place of an adversarial loss; None where there is that loss."""
        return next((labelling for labelling in LABELLINGS if labelling == self.adversarial), None)

    @property
    def needs_references(self) -> bool:
        """Whether there is something that completely clear and completely blurred images are shown to."""
        return self.alpha != 0 or self.labelling is not None

    @model_validator(mode="after")
    def _judged(self) -> Self:
        if self.discriminator == "pair" and self.adversarial != "votes":
            raise ValueError("discriminator: got 'pair', whose votes are labels; expected adversarial='votes' with it")
        if self.labelling and self.discriminator in ("twin", "patch"):
            raise ValueError(
                f"discriminator: got {self.discriminator!r}, but adversarial={self.adversarial!r} has no adversarial"
                " loss; leave one of the two out"
            )
        return self
