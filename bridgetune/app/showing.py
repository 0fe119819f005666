"""The part of the page that fuses: pictures go in, are shown with what came of them, and files come out."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from bridgetune.app.choices import asked, choices, title
from bridgetune.app.desk import FOR_LONG, Desk, description, led, picture, tile
from bridgetune.app.examples import Examples
from bridgetune.app.fusing import Result, fused
from bridgetune.app.sheets import MOST_RESULTS, Sheet
from bridgetune.app.tiles import Pyramid
from bridgetune.app.uploads import received
from bridgetune.app.work import Task
from bridgetune.config import StackConfig
from bridgetune.errors import RequestError
from bridgetune.inference.stacks.depth import coloured


class Showing:
    """Pictures and what came of them.

    Args:
        desk: See there.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._examples = Examples()

    def routes(self) -> list[Route]:
        """Addresses, and what answers at each."""
        return [
            Route("/", self.front),
            Route("/examples", self.examples),
            Route("/examples/{number:int}", self.try_out, methods=["POST"]),
            Route("/examples/{number:int}-{side:int}.png", self.example),
            Route("/fuse", self.send, methods=["POST"]),
            Route("/fuse/{id}", self.sheet),
            Route("/fuse/{id}/state", self.state),
            Route("/fuse/{id}/start", self.start, methods=["POST"]),
            Route("/fuse/{id}/stop", self.stop, methods=["POST"]),
            Route("/fuse/{id}/remove", self.remove, methods=["POST"]),
            Route("/fuse/{id}/preview.png", self.preview),
            Route("/fuse/{id}/thumbnails/{number:int}.png", self.thumbnail),
            Route("/fuse/{id}/{result:int}/files/{name}", self.file),
            Route("/fuse/{id}/{result:int}/{layer}.dzi", self.description),
            Route("/fuse/{id}/{result:int}/{layer}_files/{level:int}/{column:int}_{row:int}.png", self.tile),
        ]

    def front(self, request: Request) -> Response:
        """The page before anything is on it."""
        return self.desk.shown("front.html", limits=self.desk.serving.limits)

    async def send(self, request: Request) -> Response:
        """Take pictures, and begin to read them."""
        with self._placed() as folder:
            sheet = Sheet(folder, await received(request, folder, self.desk.serving.limits))
            self._begin(sheet)
        await run_in_threadpool(self.desk.sheets.add, sheet)
        return led(request, f"/fuse/{sheet.id}")

    def examples(self, request: Request) -> Response:
        """Pairs to try it with: asked for once the page is there, for they take a moment to make."""
        return self.desk.shown("examples.html", examples=self._examples.all())

    def example(self, request: Request) -> Response:
        """A picture of one of them, small."""
        number, side = request.path_params["number"], request.path_params["side"]
        if side > 1:
            raise RequestError("this picture is not there; reload the page")
        return Response(self._examples.find(number).thumbnail(side), media_type="image/png", headers=FOR_LONG)

    def try_out(self, request: Request) -> Response:
        """Take one of them, as if it had been sent."""
        example = self._examples.find(request.path_params["number"])
        with self._placed() as folder:
            sheet = Sheet(folder, example.put(folder))
            self._begin(sheet)
        self.desk.sheets.add(sheet)
        return led(request, f"/fuse/{sheet.id}")

    def sheet(self, request: Request) -> Response:
        """The page with somebody's pictures."""
        sheet = self.desk.find(request)
        number = request.query_params.get("result", "")
        results = _of_results(sheet, int(number) if number.isdecimal() else MOST_RESULTS)
        return self.desk.shown("sheet.html", **self._of(sheet), **results)

    def state(self, request: Request) -> Response:
        """How far the work on it is; the page anew once that has ended, or where it has not seen the last result."""
        sheet, seen = self.desk.find(request), request.query_params.get("seen")
        if not sheet.busy or (seen is not None and seen != str(len(sheet.results))):
            return Response(headers={"HX-Refresh": "true"})
        return self.desk.shown("state.html", **self._of(sheet) | {"seen": seen})

    async def start(self, request: Request) -> Response:
        """Fuse them as the form says, by one method or by several."""
        sheet, form = self.desk.find(request), await request.form()
        methods = [str(method) for method in form.getlist("method")]
        if sheet.busy:
            raise RequestError("these pictures are being worked on; wait, or stop it")
        if len(sheet.frames) < 2:
            raise RequestError("two pictures are needed; choose them anew")
        if not methods:
            raise RequestError("method: none is chosen; choose one or more")
        if len(sheet.results) + len(methods) > MOST_RESULTS:
            raise RequestError(
                f"results: {len(sheet.results)} are there, and {MOST_RESULTS} find room; choose fewer methods, or the"
                " pictures anew"
            )
        for method in methods:
            self.desk.methods.check(method)
        config = asked(form)
        task = Task(lambda task: self._fuse(sheet, methods, config, task), sheet.in_words)
        self.desk.worker.submit(task)
        sheet.task, sheet.method, sheet.config = task, methods[-1], config
        return led(request, f"/fuse/{sheet.id}" + ("/compare" if form.get("to") == "compare" else ""))

    def stop(self, request: Request) -> Response:
        """Stop what is being done."""
        sheet = self.desk.find(request)
        if sheet.task is not None:
            sheet.task.stop()
        return Response(status_code=204) if "hx-request" in request.headers else led(request, f"/fuse/{sheet.id}")

    def remove(self, request: Request) -> Response:
        """Let go of the pictures."""
        self.desk.sheets.remove(self.desk.find(request))
        return led(request, "/")

    def preview(self, request: Request) -> Response:
        """The quick look."""
        return picture(self.desk.find(request).preview)

    def thumbnail(self, request: Request) -> Response:
        """Of a frame."""
        return picture(self.desk.find(request).thumbnail(request.path_params["number"]))

    def file(self, request: Request) -> Response:
        """What is taken away."""
        name = request.path_params["name"]
        return FileResponse(self._result(request).file(name), filename=name)

    def description(self, request: Request) -> Response:
        """Of a layer of a result."""
        return description(self._pyramid(request))

    def tile(self, request: Request) -> Response:
        """Of a layer of a result."""
        return tile(self._pyramid(request), request)

    @contextmanager
    def _placed(self) -> Iterator[Path]:
        """A folder for what is sent, which is gone again where that cannot be taken."""
        folder = self.desk.sheets.place()
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def _begin(self, sheet: Sheet) -> None:
        sheet.task = Task(sheet.read, sheet.in_words)
        self.desk.worker.submit(sheet.task)

    def _result(self, request: Request) -> Result:
        return self.desk.result(self.desk.find(request), request.path_params["result"])

    def _pyramid(self, request: Request) -> Pyramid:
        values = request.path_params
        return self.desk.pyramid(self.desk.find(request), values["result"], values["layer"])

    def _fuse(self, sheet: Sheet, methods: Sequence[str], config: StackConfig, task: Task) -> None:
        for method in methods:
            called = self.desk.methods.called(method)
            task.tell("opening what fuses", 0.0, name=called)
            generator = self.desk.methods.open(method)
            folder = sheet.folder / f"result-{secrets.token_hex(4)}"
            folder.mkdir()
            sheet.results.append(fused(sheet.frames, generator, config, folder, title(called, config), task))

    def _of(self, sheet: Sheet) -> dict[str, Any]:
        """What the page shows of a sheet."""
        return {
            "sheet": sheet,
            "ahead": self.desk.ahead(sheet),
            "seen": None,
            "methods": self.desk.methods.grouped(),
            "method": sheet.method or self.desk.methods.default(len(sheet.frames)),
            "choices": choices(),
            "changed": sheet.config != StackConfig(),
            "limits": self.desk.serving.limits,
            "tunes": self.desk.workshop is not None,
        }


def _of_results(sheet: Sheet, number: int) -> dict[str, Any]:
    """What the page shows of the results, and of the one that is looked at; the last one where there is no such."""
    results = list(sheet.results)
    if not results:
        return {"results": []}
    number = min(number, len(results) - 1)
    result = results[number]
    alike = [other for other, each in enumerate(results) if other != number and each.shape == result.shape]
    colours = coloured(np.arange(len(result.used), dtype=np.float32)[None], len(result.used))[0]
    return {
        "results": results,
        "number": number,
        "result": result,
        "alike": alike,
        "colours": ["#" + bytes(colour).hex() for colour in colours],
    }
