"""The document in which an evaluation is kept: one method on one dataset, a number an image and metric."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, computed_field

from bridgetune import __version__
from bridgetune.errors import RequestError, WorkError
from bridgetune.files import replaced

FORMAT = 1

Score = float | None


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class MetricInfo(_Strict):
    """What a metric's numbers are: the better way, the label in print, the unit."""

    higher_is_better: bool
    title: str
    unit: str = ""


class Evaluation(_Strict):
    """One method on one dataset.

    Attributes:
        format, bridgetune: Versions of the document and of what wrote it.
        method, dataset: Labels.
        convention: Of the fusion metrics.
        definitions: What was measured, in words, by metric or by the name of what several share.
        metrics: Name -> what its numbers are.
        images: Stem -> metric -> value; None where there is none.
        settings: Facts of any kind beside.
    """

    format: Literal[1] = 1
    bridgetune: str = __version__
    method: str
    dataset: str
    convention: Literal["toolbox", "paper"] = "toolbox"
    definitions: dict[str, str] = {}
    metrics: dict[str, MetricInfo]
    images: dict[str, dict[str, Score]]
    settings: dict[str, Any] = {}

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mean(self) -> dict[str, Score]:
        """Metric -> mean over the images that have a value; None where none has."""
        return {name: mean_of([scores[name] for scores in self.images.values()]) for name in self.metrics}

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a document.

        Raises:
            RequestError: No such file, or not an evaluation.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            content.pop("mean", None)
            return cls.model_validate(content)
        except OSError as error:
            raise RequestError(f"{path}: {error.strerror}; expected an evaluation") from None
        except (ValueError, AttributeError, ValidationError):
            raise RequestError(f"{path}: not an evaluation; expected what bridgetune evaluate writes") from None

    def write(self, path: Path) -> None:
        """Write the document, whole or not at all; folders are made.

        Raises:
            WorkError: It cannot be written there.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with replaced(path) as partial:
                partial.write_text(json.dumps(self.model_dump(), indent=2) + "\n", encoding="utf-8")
        except OSError as error:
            raise WorkError(f"{path}: cannot be written ({error.strerror}); name another place") from error


def mean_of(values: list[Score]) -> Score:
    """The mean of the values that are there; None where there are none."""
    there = [value for value in values if value is not None]
    return math.fsum(there) / len(there) if there else None
