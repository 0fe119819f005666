"""What the two files of a run hold, `config.json` and `metrics.jsonl`, and reading them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    NonNegativeInt,
    PositiveInt,
    ValidationError,
    model_validator,
)

from bridgetune.config import AdapterConfig, PretrainConfig, TrainConfig, TuneConfig
from bridgetune.config.origin import OriginDocument
from bridgetune.documents import Document, Name, Text, fault_of_file, modelled, parse_json, read_json
from bridgetune.errors import RequestError

Record = dict[str, Any]

STAGES: dict[str, type[TrainConfig]] = {"pretrain": PretrainConfig, "finetune": TuneConfig}
"""What decides a stage."""

LONGEST_LINE = 1 << 20
"""Characters of a record; one of fifty losses has 2,000."""

_GROWING = ("augmentation", "term_weights")
"""Settings that name what may be registered: a run is read, too, where it is not."""


class RunGenerator(Document):
    """The generator that a run began with."""

    origin: OriginDocument
    adapter: AdapterConfig


class RunPairs(Document):
    """How many pairs a run has, and where they came from."""

    training: NonNegativeInt
    validation: NonNegativeInt
    source: Text = ""
    unlabelled: Text = ""


class RunDocument(Document):
    """What `config.json` of a run holds.

    Attributes:
        stage: Which was trained.
        config: The stage's settings; those that did not exist by then are missing.
        recipe: As `Recipe` has it.
        steps: That the run was to have.
        generator: What it began with.
        pairs, references: What it learned from.
        discriminator: Which kind; None where there was none.
        device, processes, versions: What it ran on.
    """

    stage: Literal["pretrain", "finetune"]
    config: dict[Name, JsonValue]
    recipe: dict[Name, JsonValue] = Field(default={})
    steps: PositiveInt
    generator: RunGenerator | None = None
    pairs: RunPairs | None = None
    references: Text | None = None
    discriminator: Name | None = None
    device: Name = ""
    processes: PositiveInt = 1
    versions: dict[Name, Name] = Field(default={})

    @model_validator(mode="after")
    def _settings_are_the_stages(self) -> Self:
        known = {name: value for name, value in self.config.items() if name not in _GROWING}
        try:
            STAGES[self.stage].model_validate_json(json.dumps(known), strict=True)
            _Growing.model_validate({name: self.config[name] for name in _GROWING if name in self.config})
        except ValidationError as error:
            raise ValueError(f"config.{fault_of_file(error)}") from None
        return self


class _Growing(Document):
    augmentation: Name = "none"
    term_weights: dict[Name, Annotated[float, Field(ge=0)]] = Field(default={})


class RunRecord(BaseModel):
    """A line of `metrics.jsonl`: a step, and numbers by name; null where one was not finite."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[Name, float | None]

    step: Annotated[int, Field(ge=0, le=10**8)]

    @model_validator(mode="after")
    def _names_are_those_of_terms(self) -> Self:
        for name in self.model_extra or ():
            if not re.fullmatch("[a-z][a-z0-9_]{0,99}", name):
                raise ValueError(f"got the name {name[:60]!r}; expected small letters, digits and _")
        return self


def read_decided(path: Path, expected: str) -> Record:
    """What `config.json` of a run says.

    Raises:
        RequestError: It is not one; the line names the first thing that is wrong.
    """
    content: Record = read_json(path, expected)
    if isinstance(content, dict) and not {"stage", "config", "steps"} & content.keys():
        raise RequestError(f"{path}: says nothing of a stage and its steps, expected {expected}")
    modelled(RunDocument, content, path, expected)
    return content


def read_records(path: Path) -> tuple[list[Record], int]:
    """The records of `metrics.jsonl`, and how many lines were cut off: none or one.

    A run that is killed may leave its last line without an end, and what is being written has none yet; such a line is
    passed over. Anywhere else a line that is no record is damage.

    Raises:
        RequestError: The file cannot be read, or a line that has an end is no record.
    """
    records: list[Record] = []
    try:
        # bytes that are no UTF-8 become halves of characters, which no record has
        with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE), ""), 1):
                try:
                    records.append(_record(line, f"{path}: line {number}"))
                except RequestError:
                    if line.endswith("\n") or len(line) == LONGEST_LINE:
                        raise
                    return records, 1
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror})") from None
    return records, 0


def _record(line: str, where: str) -> Record:
    expected = "a record of a step"
    try:
        record: Record = parse_json(line)
    except ValueError as error:
        mend = "remove that line, or what was done to the file since it was written"
        raise RequestError(f"{where}: not JSON ({error}), expected {expected}; {mend}") from None
    modelled(RunRecord, record, where, expected)
    return record


def with_defaults(stage: str, settings: Mapping[str, Any]) -> Record:
    """A stage's settings as they were written, and those that did not exist by then at what they stand for."""
    defaults = STAGES[stage].model_construct().model_dump(mode="json")  # before terms that are registered by now
    return {**defaults, **settings}
