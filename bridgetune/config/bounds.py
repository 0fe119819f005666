"""How large a number may be that a user gives: once for options, settings, sweep files and saved configs.

A bound is far from what anybody needs, and near enough that what lies beyond is a mistake, not a wish.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, TypedDict, TypeVar, get_args

from pydantic import Field, TypeAdapter, ValidationError

from bridgetune.errors import RequestError

Number = TypeVar("Number", int, float)

LARGEST_SIDE = 16384
"""Of any image whose size is asked for, in pixels."""

Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
"""Of all that is drawn: what every generator of random numbers takes, NumPy's older ones, which a network of one's own
may use, included."""
Count = Annotated[int, Field(gt=0, le=10**9)]
"""Steps, epochs, and what is done every so many of them."""
CountOrNone = Annotated[int, Field(ge=0, le=10**9)]
"""The same, where 0 stands for none."""
Batch = Annotated[int, Field(gt=0, le=65536)]
"""Pairs in an update."""
MicroBatch = Annotated[int, Field(ge=0, le=65536)]
"""Pairs at a time; 0 for all of an update's."""
Side = Annotated[int, Field(ge=16, le=LARGEST_SIDE)]
"""Of training images, in pixels."""
SideOrOwn = Annotated[int, Field(ge=0, le=LARGEST_SIDE)]
"""Of images that are written, in pixels; 0 for each one's own."""
ShownSide = Annotated[int, Field(ge=32, le=LARGEST_SIDE)]
"""Of a picture that is shown or measured, in pixels."""
ColumnWidth = Annotated[int, Field(ge=32, le=4096)]
"""Of a column of pictures, in pixels."""
KernelSize = Annotated[int, Field(ge=1, le=1023)]
"""Of a blur, in pixels."""
Workers = Annotated[int, Field(ge=0, le=256)]
"""Threads; 0 for none beside the one there is."""
Processes = Annotated[int, Field(ge=1, le=256)]
"""Or threads that do the work."""
ClusterWorkers = Annotated[int, Field(ge=1, le=10**5)]
"""Processes on a cluster."""
Cores = Annotated[int, Field(ge=1, le=1024)]
"""Of a process."""
Gpus = Annotated[float, Field(ge=0, le=64)]
"""Of a process, which may share one with others: 0.5."""
Repeats = Annotated[int, Field(gt=0, le=10**4)]
"""Times that something is measured."""
Megabytes = Annotated[int, Field(ge=0, le=2**24)]
"""Of memory: up to 16 TB."""
LearningRate = Annotated[float, Field(gt=0, le=10)]
"""Of AdamW."""
LARGEST_WEIGHT = 1e6

Weight = Annotated[float, Field(ge=0, le=LARGEST_WEIGHT)]
"""Of a term of a loss, or an effect's strength."""
PositiveWeight = Annotated[float, Field(gt=0, le=LARGEST_WEIGHT)]
"""The same, where 0 would leave nothing."""
Exponent = Annotated[float, Field(ge=0, le=100)]
"""Of a loss."""
Level = Annotated[float, Field(ge=0.0001, le=0.5)]
"""Of a statistical test."""
Tolerance = Annotated[float, Field(ge=0, le=1)]
"""Of maps in [0, 1]."""
Quiet = Annotated[float, Field(ge=0.5, le=86400)]
"""Seconds that nothing is written for."""
Scaling = Annotated[float, Field(ge=-1e9, le=1e9)]
"""Of values as a network wants them."""
Deviation = Annotated[float, Field(ge=1e-9, le=1e9)]
"""That values are divided by, as a network wants them."""
Place = Annotated[int, Field(ge=-4096, le=4096)]
"""In a list or among channels; negative from its end."""

MOST_PIXELS = 2**32
"""In the first images of an update: with the second ones and their masks, more than 100 GB."""

MOST_SCALES, LEAST_SCALE = 8, 1 / 64
"""How often a network is asked of one pair, and the smallest share of its size."""


class Limits(TypedDict, total=False):
    """Of an option of typer."""

    min: float
    max: float


def limits(kind: Any) -> Limits:
    """What typer is told of a kind of number, so that it refuses others under the option's name.

    Args:
        kind: One of this module's that has its ends within, `Seed` for example.
    """
    marks = [mark for field in get_args(kind)[1:] for mark in field.metadata]
    ends = {name: getattr(mark, name) for mark in marks for name in ("ge", "le") if hasattr(mark, name)}
    return {"min": ends["ge"], "max": ends["le"]}


def within(name: str, value: Number, kind: Any) -> Number:
    """The value, where it is one of the kind.

    Args:
        name: Of the argument.
        value: As it was given.
        kind: One of this module's.

    Raises:
        RequestError: It is beyond.
    """
    try:
        checked: Number = _adapter(kind).validate_python(value)
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"]
        raise RequestError(f"{name}: got {repr(value)[:40]}; {said[0].lower()}{said[1:]}") from None
    return checked


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config={"allow_inf_nan": False})
