"""The document in which an evaluation is kept: one method on one dataset, a number an image and metric.

`bridgetune evaluate` writes it and `bridgetune compare` reads it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, computed_field, model_validator

from bridgetune._version import __version__
from bridgetune.documents import Document, Name, Text, modelled, read_json, refuse_newer
from bridgetune.errors import RequestError
from bridgetune.files import write_whole

FORMAT = 1
"""The version of the document that is written, and the newest that is read."""

TUNED_SUFFIX = "+BridgeTune"
"""A method of this ending, in any case, is the one without it after tuning."""

BY_ORDER = "matched by natural order"
"""In `Evaluation.settings`: the folders whose files have other stems than the first sources'; absent where none is."""

WITHOUT_MAP = "left out, without a map"
"""In `Evaluation.settings`: the metrics that an evaluator cannot have; absent for a generator."""

JPEG = "fused images stored as JPEG"
"""In `Evaluation.settings`: how many; absent where none is."""

JPEG_COSTS = "which alone costs up to 0.06 in Q^AB/F at quality 90; store them without loss, as PNG"
"""The mean over microscopy, whose sources are stored without loss; less where these are JPEG themselves."""

IDENTICAL = "identical to the all-in-focus image"
"""In `Evaluation.settings`: the stems of such fused images, which have no PSNR; absent where none is."""

Label = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^\S(.*\S)?$")]
Score = float | None


class MetricInfo(Document):
    """What a metric's numbers are.

    Attributes:
        higher_is_better: Which way is up.
        title: How it was called in print. A metric that is registered has its title from there; that of any other
            is plain text, whatever it holds.
        unit: `dB`, say; empty for a pure number.
    """

    higher_is_better: bool
    title: Label
    unit: Annotated[str, Field(max_length=40)] = ""


class Evaluation(Document):
    """One method on one dataset.

    Attributes:
        format: Of the document, `FORMAT`.
        bridgetune: The version that measured.
        method, dataset: Labels, as they are to stand in tables.
        convention: Of the fusion metrics; see `bridgetune.metrics`.
        definitions: What was measured, in words, by metric or by the name of what several metrics share (a
            region, say). Evaluations whose definitions differ are not compared.
        metrics: Name -> what its numbers are, in the order of the tables' columns.
        images: Stem of an image -> metric -> value; None where the metric has none (no ground truth, an empty
            region, the PSNR of identical images). Every image has every metric.
        settings: Facts of any kind beside: weights, recipe, date, device.
    """

    format: Annotated[int, Field(ge=1, le=FORMAT)] = FORMAT
    bridgetune: Name = __version__
    method: Label
    dataset: Label
    convention: Literal["toolbox", "paper"] = "toolbox"
    definitions: dict[Label, Text] = Field(default={})
    metrics: Annotated[dict[Label, MetricInfo], Field(min_length=1)]
    images: Annotated[dict[Label, dict[str, Score]], Field(min_length=1)]
    settings: dict[str, JsonValue] = Field(default={})

    @model_validator(mode="after")
    def _every_image_has_every_metric(self) -> Self:
        for stem, scores in self.images.items():
            if scores.keys() != self.metrics.keys():
                apart = ", ".join(sorted(scores.keys() ^ self.metrics.keys()))
                raise ValueError(f"images: {stem} and the list of metrics differ in {apart}; write null for no value")
        return self

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mean(self) -> dict[str, Score]:
        """Metric -> mean over the images that have a value; None where none has."""
        return {name: mean_of([scores[name] for scores in self.images.values()]) for name in self.metrics}

    def named(self, setting: str) -> list[str]:
        """What a setting lists by name: the stems of `IDENTICAL`, say; nothing where it is absent."""
        listed = self.settings.get(setting)
        return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a document.

        Raises:
            RequestError: No such file, or not an evaluation; the line names the first thing that is wrong.
        """
        expected = "an evaluation, as bridgetune evaluate writes it"
        content = read_json(path, expected)
        if not isinstance(content, dict) or not {"format", "method", "images"} <= content.keys():
            raise RequestError(f"{path}: not an evaluation; expected what bridgetune evaluate writes")
        refuse_newer(content, path, FORMAT)
        claimed = content.pop("mean", None)
        read = modelled(cls, content, path, expected)
        if claimed is not None and not _same(claimed, read.mean):
            raise RequestError(f"{path}: mean is not the mean of its images; was it edited? evaluate again")
        return read

    def write(self, path: Path) -> None:
        """Write the document, whole or not at all; folders are made.

        Raises:
            WorkError: It cannot be written there.
        """
        write_whole(path, json.dumps(self.model_dump(), indent=2) + "\n")


def mean_of(values: list[Score]) -> Score:
    """The mean of the values that are there; None where there are none."""
    there = [value for value in values if value is not None]
    return math.fsum(there) / len(there) if there else None


def _same(claimed: Any, mean: Mapping[str, Score]) -> bool:
    if not isinstance(claimed, dict) or claimed.keys() != mean.keys():
        return False
    return all(
        claimed[name] is value
        if value is None
        else isinstance(claimed[name], int | float) and math.isclose(claimed[name], value, rel_tol=1e-9, abs_tol=1e-12)
        for name, value in mean.items()
    )
