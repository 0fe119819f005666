"""The part of the page that compares: results of the same pictures under one zoom, with their names or without."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from html import escape
from typing import NamedTuple, get_args

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridgetune.app.choices import changes
from bridgetune.app.desk import Desk, description, led, tile
from bridgetune.app.scoring import SMALLEST, Region, scored
from bridgetune.app.sheets import MOST_RESULTS, Sheet
from bridgetune.app.tiles import Pyramid
from bridgetune.app.voting import Choice
from bridgetune.documents import first_fault
from bridgetune.errors import RequestError
from bridgetune.metrics.registry import FUSION_METRICS, METRICS
from bridgetune.pages import set_formulas

MOST_SHOWN = 4
"""Results side by side."""


class Column(NamedTuple):
    """A column of scores.

    Attributes:
        title: HTML.
        definition: In a line.
        better: `higher` or `lower`.
        cells: A result's score each, as it is shown; a dash where there is none.
        best: Which of them are the best; none where all are alike, or there is nothing to compare.
    """

    title: Markup
    definition: str
    better: str
    cells: list[str]
    best: set[int]


class Comparing:
    """Results beside one another.

    Args:
        desk: See there.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._scoring = threading.Lock()

    def routes(self) -> list[Route]:
        """Addresses, and what answers at each."""
        return [
            Route("/fuse/{id}/compare", self.compare),
            Route("/fuse/{id}/scores", self.scores),
            Route("/fuse/{id}/blind", self.blind),
            Route("/fuse/{id}/blind", self.vote, methods=["POST"]),
            Route("/fuse/{id}/blind/{trial:int}/{side}.dzi", self.description),
            Route("/fuse/{id}/blind/{trial:int}/{side}_files/{level:int}/{column:int}_{row:int}.png", self.tile),
        ]

    def compare(self, request: Request) -> Response:
        """Some results with their names, and what the votes say."""
        sheet = self.desk.find(request)
        shown = _shown(sheet, request)
        return self.desk.shown(
            "compare.html",
            sheet=sheet,
            alike=_alike(sheet),
            shown=shown,
            scores=bool(shown) and all(len(sheet.results[number].used) == 2 for number in shown),
            smallest=SMALLEST,
            ratio=_ratio(sheet, shown[0]) if shown else 1,
            votes=sheet.ballot.table(),
            asked_for=changes(sheet.config),
            ahead=self.desk.ahead(sheet),
            seen=len(sheet.results),
            methods=self.desk.methods.grouped(),
            room=MOST_RESULTS - len(sheet.results),
        )

    def scores(self, request: Request) -> Response:
        """What the metrics say of those that are shown, in a region."""
        sheet = self.desk.find(request)
        try:
            region = Region.model_validate({name: request.query_params.get(name) for name in Region.model_fields})
        except ValidationError as error:
            raise RequestError(f"region: {first_fault(error)}") from None
        numbers = _shown(sheet, request)
        if not numbers:
            raise RequestError("there is no result yet; fuse first")
        with self._scoring:  # of several who ask, one after the other: it takes memory
            found = scored([sheet.results[number] for number in numbers], region)
        columns = [_column(name, [scores[name] for scores in found.scores]) for name in FUSION_METRICS]
        rows = [(number, sheet.results[number], first) for number, first in zip(numbers, found.first, strict=True)]
        return self.desk.shown("scores.html", region=region, found=found, rows=rows, columns=columns)

    def blind(self, request: Request) -> Response:
        """Two of them without their names."""
        sheet = self.desk.find(request)
        trial = sheet.ballot.draw(_alike(sheet), lambda number: self._small(sheet, number))
        return self.desk.shown(
            "blind.html", sheet=sheet, trial=trial, ratio=_ratio(sheet, trial.left), votes=len(sheet.ballot)
        )

    async def vote(self, request: Request) -> Response:
        """Count a vote, and show the next two."""
        sheet, form = self.desk.find(request), await request.form()
        choice, number = form.get("choice"), str(form.get("trial"))
        if choice not in get_args(Choice) or not number.isdecimal():
            raise RequestError(f"vote: expected one of {', '.join(get_args(Choice))}; go back, and press a button")
        sheet.ballot.vote(int(number), choice)  # type: ignore[arg-type]
        return led(request, f"/fuse/{sheet.id}/blind")

    def description(self, request: Request) -> Response:
        """Of one of the two."""
        return description(self._pyramid(request))

    def tile(self, request: Request) -> Response:
        """Of one of the two."""
        return tile(self._pyramid(request), request)

    def _pyramid(self, request: Request) -> Pyramid:
        sheet, values = self.desk.find(request), request.path_params
        trial = sheet.ballot.find(values["trial"])
        sides = {"left": trial.left, "right": trial.right}
        if values["side"] not in sides:
            raise RequestError("vote: it has a left and a right side; reload the page")
        return self.desk.pyramid(sheet, sides[values["side"]], "fused")

    def _small(self, sheet: Sheet, number: int) -> NDArray[np.uint8]:
        return self.desk.pyramid(sheet, number, "fused").small()


def _shown(sheet: Sheet, request: Request) -> list[int]:
    """Results that are asked for, or the last ones."""
    alike = _alike(sheet)
    asked = [int(one) for one in request.query_params.getlist("show") if one.isdecimal()]
    return [number for number in asked if number in alike][:MOST_SHOWN] or alike[-MOST_SHOWN:]


def _ratio(sheet: Sheet, number: int) -> float:
    """Width of a result as a share of its height."""
    height, width = sheet.results[number].shape
    return width / height


def _column(name: str, scores: Sequence[float]) -> Column:
    metric = METRICS[name]
    known = [score for score in scores if not math.isnan(score)]
    cells = ["–" if math.isnan(score) else f"{score:.4f}" for score in scores]
    best = f"{max(known) if metric.higher_is_better else min(known):.4f}" if known else ""
    winners = {place for place, cell in enumerate(cells) if cell == best}
    title = set_formulas(f"${metric.title}$") if metric.is_math else escape(metric.title)
    better = "higher" if metric.higher_is_better else "lower"
    return Column(Markup(title), metric.definition, better, cells, winners if len(winners) < len(known) else set())


def _alike(sheet: Sheet) -> list[int]:
    """Results that can be laid upon the last one: they have its size."""
    return [number for number, each in enumerate(sheet.results) if each.shape == sheet.results[-1].shape]
