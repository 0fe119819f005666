"""What all settings have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Share = Annotated[float, Field(ge=0, le=1)]


class Frozen(BaseModel):
    """Settings that never change, each described by the text below it: the documentation and `--help` read it there."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)


@dataclass(frozen=True, eq=False)
class OneOf:
    """Marks a setting as a name in a table that may grow: what is in it when a value is checked counts.

    Attributes:
        table: Name -> whatever it stands for.
    """

    table: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._known, handler(source))

    def _known(self, name: str) -> str:
        if name not in self.table:
            raise PydanticCustomError("one_of", "expected one of {names}", {"names": ", ".join(self.table)})
        return name
