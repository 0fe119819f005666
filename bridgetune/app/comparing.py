"""The part of the page that compares: results of the same pictures under one zoom, with their names or without."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridgetune.app.desk import Desk, description, led, tile
from bridgetune.app.sheets import MOST_RESULTS, Sheet
from bridgetune.app.tiles import Pyramid
from bridgetune.app.voting import Choice
from bridgetune.errors import RequestError

MOST_SHOWN = 4
"""Results side by side."""


class Comparing:
    """Results beside one another.

    Args:
        desk: See there.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self) -> list[Route]:
        """Addresses, and what answers at each."""
        return [
            Route("/fuse/{id}/compare", self.compare),
            Route("/fuse/{id}/blind", self.blind),
            Route("/fuse/{id}/blind", self.vote, methods=["POST"]),
            Route("/fuse/{id}/blind/{trial:int}/{side}.dzi", self.description),
            Route("/fuse/{id}/blind/{trial:int}/{side}_files/{level:int}/{column:int}_{row:int}.png", self.tile),
        ]

    def compare(self, request: Request) -> Response:
        """Some results with their names, and what the votes say."""
        sheet = self.desk.find(request)
        alike = _alike(sheet)
        asked = [int(one) for one in request.query_params.getlist("show") if one.isdecimal()]
        shown = [number for number in asked if number in alike][:MOST_SHOWN] or alike[-MOST_SHOWN:]
        return self.desk.shown(
            "compare.html",
            sheet=sheet,
            alike=alike,
            shown=shown,
            votes=sheet.ballot.table(),
            methods=self.desk.methods.listed(),
            room=MOST_RESULTS - len(sheet.results),
        )

    def blind(self, request: Request) -> Response:
        """Two of them without their names."""
        sheet = self.desk.find(request)
        trial = sheet.ballot.draw(_alike(sheet), lambda number: self._small(sheet, number))
        return self.desk.shown("blind.html", sheet=sheet, trial=trial, votes=len(sheet.ballot))

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


def _alike(sheet: Sheet) -> list[int]:
    """Results that can be laid upon the last one: they have its size."""
    return [number for number, each in enumerate(sheet.results) if each.shape == sheet.results[-1].shape]
