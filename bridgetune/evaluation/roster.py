"""A file that says what is compared: methods of every kind on datasets, and what was published of them.

Nothing here imports torch, so that a wrong file is refused at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, ValidationError, model_validator

from bridgetune.config.adapter import whole_fractions
from bridgetune.config.bounds import Processes
from bridgetune.documents import first_fault, read_toml
from bridgetune.errors import RequestError
from bridgetune.evaluation.results import Label
from bridgetune.paths import is_folder, resolved, shown

DATASET = "{dataset}"
"""What stands for a dataset's name in the folder of a method's saved results."""

Location = Annotated[Path, Strict(False)]
"""A path as the file has it, relative to the file's folder."""

Told = Annotated[str, Field(max_length=2_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class RosterMethod(_Strict):
    """A method: what makes its results, or where they lie.

    Attributes:
        name: Its label in tables.
        generator: A plugin's generator or evaluator, a saved generator's folder, or `module:factory`.
        fused: Instead, the folder of its saved results; `{dataset}` in it stands for the dataset's name.
        told: What is to be known of it: whose weights, in what set-up.
        weights, weights_key, options, symmetric, mirrored, scales, recipe, undecided, smooth: As for `evaluate`.
    """

    name: Label
    generator: Annotated[str, Field(min_length=1)] | None = None
    fused: Annotated[str, Field(min_length=1)] | None = None
    told: Told = ""
    weights: Location | None = None
    weights_key: str = ""
    options: dict[str, Any] = {}
    symmetric: bool | None = None
    mirrored: bool | None = None
    scales: Annotated[list[float], AfterValidator(whole_fractions)] | None = None
    recipe: Literal["paper", "released", "own"] = "paper"
    undecided: Literal["settle", "keep"] = "settle"
    smooth: list[Literal["small-regions", "guided", "paper"]] = []

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.generator is None) == (self.fused is None):
            raise ValueError(f"{self.name}: expected generator, what makes its results, or fused, where they are saved")
        if self.fused is not None and (more := sorted(self.model_fields_set - {"name", "fused", "told"})):
            raise ValueError(f"{self.name}: {more[0]} is for a generator, and its results are saved; leave it out")
        return self

    def saved_results(self, dataset: str) -> Path | None:
        """The folder of its saved results on a dataset; None where they are made."""
        return None if self.fused is None else Path(self.fused.replace(DATASET, dataset))


class RosterDataset(_Strict):
    """What is evaluated on: `sources` holds `A/` and `B/`, `mask/` adds map errors, `clear/` PSNR and SSIM."""

    name: Label
    sources: Location


class Published(_Strict):
    """A table that was published, to be put beside what is measured here.

    Attributes:
        title: Which table it is.
        dataset: The name of the dataset that it is about.
        metrics: Of its columns, as bridgetune calls them.
        told: What is to be known of its set-up.
        scores: Method -> a number for each metric.
    """

    title: Label
    dataset: Label
    metrics: Annotated[list[Label], Field(min_length=1, max_length=64)]
    told: Told = ""
    scores: Annotated[dict[Label, list[float]], Field(min_length=1, max_length=256)]

    @model_validator(mode="after")
    def _as_many_scores(self) -> Self:
        for method, scores in self.scores.items():
            if len(scores) != len(self.metrics):
                raise ValueError(f"{method}: got {len(scores)} scores for {len(self.metrics)} metrics")
        return self


class Roster(_Strict):
    """Methods × datasets.

    Attributes:
        methods, datasets: What is evaluated, in the order of the tables.
        published: What was published of them.
        convention, workers: As for `evaluate`.
    """

    methods: Annotated[list[RosterMethod], Field(min_length=1, max_length=256)]
    datasets: Annotated[list[RosterDataset], Field(min_length=1, max_length=64)]
    published: Annotated[list[Published], Field(max_length=64)] = []
    convention: Literal["toolbox", "paper"] = "toolbox"
    workers: Processes | None = None

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what, names in (
            ("methods", [method.name for method in self.methods]),
            ("datasets", [dataset.name for dataset in self.datasets]),
        ):
            twice = [name for place, name in enumerate(names) if name in names[:place]]
            if twice:
                raise ValueError(f"{what}: two are called {twice[0]!r}; give each its own name")
        known = [dataset.name for dataset in self.datasets]
        for table in self.published:
            if table.dataset not in known:
                raise ValueError(f"published: {table.title} is about {table.dataset!r}, which is none of the datasets")
        return self


KEYS = {
    "": list(Roster.model_fields),
    "methods": list(RosterMethod.model_fields),
    "datasets": list(RosterDataset.model_fields),
    "published": list(Published.model_fields),
}


def read_roster(path: Path) -> Roster:
    """Read a roster; its paths, which are relative to its own folder, are made absolute.

    Raises:
        RequestError: No such file, not TOML, or not a roster; the line names the first thing that is wrong.
    """
    content = read_toml(path, "a roster of methods, a TOML file")
    try:
        roster = Roster.model_validate(content)
    except ValidationError as error:
        raise RequestError(f"{shown(path)}: {first_fault(error, KEYS)}") from None
    folder = resolved(path.parent)
    return roster.model_copy(
        update={
            "methods": [_located(method, folder) for method in roster.methods],
            "datasets": [one.model_copy(update={"sources": folder / one.sources}) for one in roster.datasets],
        }
    )


def _located(method: RosterMethod, folder: Path) -> RosterMethod:
    """With its paths beside the file that names them; a generator that is no such folder is a name."""
    update: dict[str, Any] = {}
    if method.weights is not None:
        update["weights"] = folder / method.weights
    if method.fused is not None:
        update["fused"] = str(folder / method.fused)
    if method.generator is not None and is_folder(folder / method.generator):
        update["generator"] = str(folder / method.generator)
    return method.model_copy(update=update)
