"""What a sweep's file describes. Nothing here imports torch, so that a wrong file is refused at once."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    model_validator,
)

from bridgetune.config import Alpha, Epochs, PretrainConfig, Steps, TrainConfig, TuneConfig
from bridgetune.config.adapter import whole_fractions
from bridgetune.config.bounds import Processes, Repeats, Seed, ShownSide
from bridgetune.documents import first_fault, unknown
from bridgetune.evaluation.results import TUNED_SUFFIX, Label

Location = Annotated[Path, Strict(False)]
"""A path as the file has it, relative to the file's folder."""

Entry = TypeVar("Entry")
ConfigT = TypeVar("ConfigT", bound=TrainConfig)


def _each_once(values: list[Entry]) -> list[Entry]:
    again = [value for place, value in enumerate(values) if value in values[:place]]
    if again:
        raise ValueError(f"{again[0]!r} stands there twice; give each once")
    return values


Distinct = AfterValidator(_each_once)
Settings = dict[str, Any]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Backbone(_Strict):
    """A network of the sweep.

    Attributes:
        generator: A plugin's name, a saved generator's folder, or `module:factory`.
        name: Its label in tables; default the generator's.
        weights: A file, or `shipped`, for a backbone that is trained already, as a saved generator is: its stage 1
            is left out.
        options: For a plugin's network: widths, blocks.
        symmetric, mirrored, scales: See `AdapterConfig`; by default as a saved generator has it, or else not.
        pretrain, finetune: What differs for this backbone from the tables of those names.
    """

    generator: Annotated[str, Field(min_length=1)]
    name: Label
    weights: Location | None = None
    options: Settings = {}
    symmetric: bool | None = None
    mirrored: bool | None = None
    scales: Annotated[list[float], AfterValidator(whole_fractions)] | None = None
    pretrain: Settings = {}
    finetune: Settings = {}

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_generator(cls, given: Any) -> Any:
        return {"name": given["generator"], **given} if isinstance(given, dict) and "generator" in given else given

    @model_validator(mode="after")
    def _name_is_no_tuned_one(self) -> Self:
        if self.name.casefold().endswith(TUNED_SUFFIX.casefold()):
            raise ValueError(f"name: got {self.name!r}; what ends in {TUNED_SUFFIX} is named so by the sweep")
        return self

    @property
    def asked(self) -> dict[str, bool | list[float]]:
        """Of `symmetric`, `mirrored` and `scales`, what was said."""
        said = {"symmetric": self.symmetric, "mirrored": self.mirrored, "scales": self.scales}
        return {name: value for name, value in said.items() if value is not None}

    @property
    def slug(self) -> str:
        """The name of its folder."""
        return re.sub(r"[^a-z0-9._]+", "-", self.name.casefold()).strip("-.") or "backbone"


class Data(_Strict):
    """What is trained on: photographs and masks, ready pairs, or the demo's photographs.

    Attributes:
        demo: Take scikit-image's photographs; nothing else is then given.
        images, masks: Sharp photographs and object masks of the same stems.
        pairs: Instead, a folder with `A/`, `B/` and `mask/`.
        clear, blurred: References of stage 2.
        val_images, val_masks: Held-out photographs; default a share of the pairs.
    """

    demo: bool = False
    images: Location | None = None
    masks: Location | None = None
    pairs: Location | None = None
    clear: Location | None = None
    blurred: Location | None = None
    val_images: Location | None = None
    val_masks: Location | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = {name for name in type(self).model_fields if getattr(self, name)}
        if self.demo and len(given) > 1:
            raise ValueError(f"demo = true brings all pictures; leave out {', '.join(sorted(given - {'demo'}))}")
        training = given & {"demo", "images", "masks", "pairs"}
        if training not in ({"demo"}, {"images", "masks"}, {"pairs"}):
            raise ValueError("expected images and masks, or pairs, or demo = true")
        for both in ({"clear", "blurred"}, {"val_images", "val_masks"}):
            if len(given & both) == 1:
                raise ValueError(f"expected both of {' and '.join(sorted(both))}")
        return self


class Dataset(_Strict):
    """What is evaluated on.

    Attributes:
        sources: Holds `A/` and `B/`; `mask/` adds map metrics, `clear/` PSNR and SSIM.
        demo: Instead, the demo's held-out pairs, which have both.
        longest_side: Of the demo's pairs, in pixels.
        name: Its label in tables; default the folder's.
    """

    sources: Location | None = None
    demo: bool = False
    longest_side: ShownSide = 640
    name: Label

    @model_validator(mode="before")
    @classmethod
    def _named_by_its_folder(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "name" in given:
            return given
        named = "held-out" if given.get("demo") else Path(str(given.get("sources", ""))).name
        return {"name": named, **given} if named else given

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.demo == (self.sources is not None):
            raise ValueError("expected sources, a folder with A/ and B/, or demo = true")
        if not self.demo and "longest_side" in self.model_fields_set:
            raise ValueError("longest_side: shrinks the demo's pairs alone; leave it out")
        return self


class EvaluationSettings(_Strict):
    """How results are measured; see `bridgetune.evaluation.evaluate`."""

    convention: Literal["toolbox", "paper"] = "toolbox"
    recipe: Literal["paper", "released"] = "paper"
    undecided: Literal["settle", "keep"] = "settle"
    workers: Processes | None = None


class CostSettings(_Strict):
    """How a backbone's cost is measured.

    Attributes:
        size: Height and width of the pair; the default is what the paper's FLOPs are for.
        repeats: Times that are taken, after one pair that is not counted.
        device: `auto` takes a GPU where there is one.
    """

    size: Annotated[list[ShownSide], Field(min_length=2, max_length=2)] = [256, 256]
    repeats: Repeats = 5
    device: Literal["auto", "cpu"] = "auto"


class Sweep(_Strict):
    """Backbones × BridgeTune off and on × α × seeds.

    Attributes:
        backbones: See `Backbone`.
        data, datasets: What is trained and evaluated on.
        bridgetune: Which are evaluated: false, after stage 1 alone; true, after stage 2.
        alphas: α of Eq. 12, `auto` for one; the first stands for BridgeTune where it is compared with going without.
        seeds: Of all that is drawn at random; tables show mean and standard deviation over them.
        pretrain, finetune: Of `PretrainConfig` and `TuneConfig`, with `steps` or `epochs`.
        evaluation, cost: How it is measured.
    """

    backbones: Annotated[list[Backbone], Field(min_length=1, max_length=256)]
    data: Data
    datasets: Annotated[list[Dataset], Field(min_length=1, max_length=256)]
    bridgetune: Annotated[list[bool], Field(min_length=1), Distinct] = [False, True]
    alphas: Annotated[list[Alpha], Field(min_length=1, max_length=256), Distinct] = [1e-4]
    seeds: Annotated[list[Seed], Field(min_length=1, max_length=256), Distinct] = [0]
    pretrain: Settings = {}
    finetune: Settings = {}
    evaluation: EvaluationSettings = EvaluationSettings()
    cost: CostSettings = CostSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, names in (
            ("backbones", [backbone.slug for backbone in self.backbones]),
            ("datasets", [dataset.name for dataset in self.datasets]),
        ):
            twice = [name for place, name in enumerate(names) if name in names[:place]]
            if twice:
                raise ValueError(f"{what}: two are called {twice[0]!r}; give each its own name")
        if True not in self.bridgetune and "alphas" in self.model_fields_set:
            raise ValueError("alphas: without BridgeTune there is no α; leave them out")
        _stage(PretrainConfig, "pretrain", self.pretrain, {})
        _stage(TuneConfig, "finetune", self.finetune, {})
        tuning = [self.tuning(*each) for each in product(self.backbones, self.seeds[:1], self.alphas)]
        for backbone in self.backbones:
            self.pretraining(backbone, self.seeds[0])
        wanted = True in self.bridgetune and any(config.needs_references for config in tuning)
        if wanted and not self.data.demo and self.data.clear is None:
            raise ValueError(
                "data: BridgeTune needs references, clear and blurred; or alphas = [0], or bridgetune = [false]"
            )
        return self

    def pretraining(self, backbone: Backbone, seed: int) -> PretrainConfig:
        """Stage 1 of a run."""
        return _stage(PretrainConfig, "pretrain", self.pretrain, backbone.pretrain, seed=seed)

    def tuning(self, backbone: Backbone, seed: int, alpha: Alpha) -> TuneConfig:
        """Stage 2 of a run."""
        return _stage(TuneConfig, "finetune", self.finetune, backbone.finetune, seed=seed, alpha=alpha)


def alpha_name(alpha: Alpha) -> str:
    """1e-4, as the paper writes it; 0, numbers from 1 on, and `auto` as they are."""
    if isinstance(alpha, str):
        return alpha
    return np.format_float_scientific(alpha, trim="-", exp_digits=1) if 0 < alpha < 1 else f"{alpha:g}"


def _stage(model: type[ConfigT], stage: str, common: Settings, own: Settings, **decided: Any) -> ConfigT:
    """A stage's config: the backbone's own settings before the common ones.

    Raises:
        ValueError: One line for the first setting that does not fit.
    """
    durations = ("steps", "epochs")
    for where, table in ((stage, common), (f"backbones.{stage}", own)):
        if set(durations) <= table.keys():
            raise ValueError(f"{where}: expected steps or epochs, not both")
        known = [*model.model_fields.keys() - {"duration", "seed", "alpha"}, *durations]
        for key in table:
            if key not in known:
                elsewhere = {"seed": "seeds = […] at the top", "alpha": "alphas = […] at the top"}.get(key)
                raise ValueError(
                    f"{where}.{key}: {f'the sweep has {elsewhere}' if elsewhere else unknown('key', key, known)}"
                )
    if any(name in own for name in durations):
        common = {key: value for key, value in common.items() if key not in durations}
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in {**common, **own}.items()}
    try:
        for name, kind in (("steps", Steps), ("epochs", Epochs)):
            if name in values:
                values["duration"] = kind.model_validate({name: values.pop(name)}, strict=True)
        return model.model_validate({**values, **decided}, strict=True)
    except ValidationError as error:
        raise ValueError(f"{stage}.{first_fault(error, {})}") from None


KEYS: dict[str, list[str]] = {
    "": list(Sweep.model_fields),
    "backbones": list(Backbone.model_fields),
    "data": list(Data.model_fields),
    "datasets": list(Dataset.model_fields),
    "evaluation": list(EvaluationSettings.model_fields),
    "cost": list(CostSettings.model_fields),
}
"""A table of the file, the file itself being nameless -> the keys that it may have."""
