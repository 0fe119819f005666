"""The part of the page that mends: a brush says where another frame is to be taken."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridgetune.app.desk import Desk, description, led, tile
from bridgetune.app.painting import Painting, Stroke
from bridgetune.app.sheets import MOST_RESULTS
from bridgetune.app.tiles import Pyramid
from bridgetune.documents import first_fault
from bridgetune.errors import RequestError

LONGEST = 1_000_000
"""Bytes of a stroke."""


class Mending:
    """Results that are corrected by hand.

    Args:
        desk: See there.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self) -> list[Route]:
        """Addresses, and what answers at each."""
        place = "/fuse/{id}/{result:int}/mend"
        return [
            Route(place, self.page),
            Route(f"{place}/paint", self.paint, methods=["POST"]),
            Route(f"{place}/undo", self.undo, methods=["POST"]),
            Route(f"{place}/redo", self.redo, methods=["POST"]),
            Route(f"{place}/keep", self.keep, methods=["POST"]),
            Route(f"{place}/{{version:int}}/{{layer}}.dzi", self.description),
            Route(f"{place}/{{version:int}}/{{layer}}_files/{{level:int}}/{{column:int}}_{{row:int}}.png", self.tile),
        ]

    def page(self, request: Request) -> Response:
        """A result with a brush."""
        sheet, painting = self.desk.find(request), self._painting(request)
        number = request.path_params["result"]
        return self.desk.shown("mend.html", sheet=sheet, number=number, painting=painting)

    async def paint(self, request: Request) -> Response:
        """One stroke."""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LONGEST:
                raise RequestError("stroke: is too long; lift the brush sooner")
        try:
            stroke = Stroke.model_validate_json(body)
        except ValidationError as error:
            raise RequestError(f"stroke: {first_fault(error)}") from None
        return await run_in_threadpool(self._change, request, lambda painting: painting.paint(stroke))

    def undo(self, request: Request) -> Response:
        """Take the last one back."""
        return self._change(request, Painting.undo)

    def redo(self, request: Request) -> Response:
        """And do it again."""
        return self._change(request, Painting.redo)

    def keep(self, request: Request) -> Response:
        """Have what came of it as a result of its own."""
        sheet, painting = self.desk.find(request), self._painting(request)
        if len(sheet.results) >= MOST_RESULTS:
            raise RequestError(f"there are {MOST_RESULTS} results already; choose the pictures anew for more")
        folder = sheet.folder / f"result-{secrets.token_hex(4)}"
        folder.mkdir()
        sheet.results.append(painting.keep(folder))
        return led(request, f"/fuse/{sheet.id}")

    def description(self, request: Request) -> Response:
        """Of the picture or its map as they are now."""
        return description(self._pyramid(request))

    def tile(self, request: Request) -> Response:
        """Of the picture or its map as they are now."""
        return tile(self._pyramid(request), request)

    def _painting(self, request: Request) -> Painting:
        sheet, number = self.desk.find(request), request.path_params["result"]
        result = self.desk.result(sheet, number)
        with sheet.mending:
            if sheet.painting is None or sheet.painting.result is not result:
                sheet.painting = Painting(result)
            return sheet.painting

    def _change(self, request: Request, how: Callable[[Painting], object]) -> Response:
        sheet, painting = self.desk.find(request), self._painting(request)
        with sheet.mending:
            how(painting)
        self.desk.kept.forget(lambda key: isinstance(key, tuple) and key[:2] == (sheet.id, "mend"))
        done, undone = painting.strokes
        return JSONResponse({"version": painting.version, "done": done, "undone": undone})

    def _pyramid(self, request: Request) -> Pyramid:
        sheet, painting, values = self.desk.find(request), self._painting(request), request.path_params
        key = sheet.id, "mend", values["result"], values["layer"], painting.version
        return self.desk.kept.of(key, lambda: Pyramid(painting.layer(values["layer"])))
