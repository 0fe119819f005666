"""A network's origin as documents have it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from bridgetune.documents import Document, Name
from bridgetune.origin import Origin


class OriginDocument(Document):
    """See `Origin`, whose attributes these are."""

    generator: Name
    factory: Name = ""
    options: Annotated[dict[Name, JsonValue], Field(max_length=1000)] = Field(default={})
    distribution: Name = ""
    version: Name = ""

    @property
    def origin(self) -> Origin:
        """As it is used."""
        return Origin(**dict(self))
