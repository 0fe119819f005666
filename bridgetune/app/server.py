"""The page itself: what it answers, and how it is served."""

from __future__ import annotations

import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bridgetune._version import __version__
from bridgetune.app.choices import Methods, asked, choices
from bridgetune.app.fusing import fused
from bridgetune.app.guard import LOOPBACK, Guard, admitted
from bridgetune.app.sheets import MOST_RESULTS, Sheet, Sheets
from bridgetune.app.tiles import Kept, Pyramid
from bridgetune.app.uploads import Limits, received
from bridgetune.app.work import Task, Worker
from bridgetune.errors import BridgetuneError, RequestError
from bridgetune.inference.stacks.depth import coloured

FOR_LONG = {"Cache-Control": "private, max-age=86400"}
"""Of what never changes under its name."""


@dataclass(frozen=True)
class Serving:
    """How the page is served.

    Attributes:
        host, port: Where it listens; port 0 is any that is free.
        token: That a browser has to have; none where it is empty.
        generators: Offered beside those of plugins, as `--generator` takes them.
        trust: Whether code that they name is run.
        queue: Pieces of work that may wait.
        limits: Of what is sent.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str = ""
    generators: Sequence[str] = ()
    trust: bool = False
    queue: int = 8
    limits: Limits = field(default_factory=Limits)

    @property
    def local(self) -> bool:
        """Whether only programs of this machine can reach it."""
        return self.host in LOOPBACK


class Page:
    """What is behind the page.

    Args:
        serving: See there.
        folder: An empty one, for what is sent and what comes of it.
    """

    def __init__(self, serving: Serving, folder: Path) -> None:
        self.serving = serving
        self.methods = Methods(serving.generators, serving.trust)
        self.worker = Worker(serving.queue)
        self.kept = Kept()
        self.sheets = Sheets(folder, removed=lambda sheet: self.kept.forget(lambda key: _of(key, sheet)))
        self._templates = Environment(
            loader=PackageLoader("bridgetune.app"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["version"] = __version__

    def application(self) -> Guard:
        """As an ASGI server takes it."""
        routes = [
            Route("/", self.front),
            Route("/token", self.token, methods=["GET", "POST"]),
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
            Mount("/static", StaticFiles(packages=[("bridgetune.app", "static")])),
        ]
        app = Starlette(
            routes=routes,
            lifespan=self._open,
            exception_handlers={BridgetuneError: self._told, 404: self._told},
        )
        hosts = LOOPBACK if self.serving.local else ()
        return Guard(app, hosts, self.serving.token, self._ask)

    @asynccontextmanager
    async def _open(self, app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self.worker.close()

    def front(self, request: Request) -> Response:
        """The page before anything is on it."""
        return self._shown("front.html", limits=self.serving.limits)

    async def token(self, request: Request) -> Response:
        """Take the token that was asked for."""
        form = await request.form() if request.method == "POST" else {}
        token = str(form.get("token", ""))
        if self.serving.token and not secrets.compare_digest(token.encode(), self.serving.token.encode()):
            return self._ask(request, bool(form))
        return admitted(RedirectResponse("/", 303), token)

    async def send(self, request: Request) -> Response:
        """Take pictures, and begin to read them."""
        folder = self.sheets.place()
        try:
            sheet = Sheet(folder, await received(request, folder, self.serving.limits))
            sheet.task = Task(sheet.read)
            self.worker.submit(sheet.task)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        await run_in_threadpool(self.sheets.add, sheet)
        return _led(request, f"/fuse/{sheet.id}")

    def sheet(self, request: Request) -> Response:
        """The page with somebody's pictures."""
        sheet = self._find(request)
        number = request.query_params.get("result", "")
        results = _of_results(sheet, int(number) if number.isdecimal() else MOST_RESULTS)
        return self._shown("sheet.html", **self._of(sheet), **results)

    def state(self, request: Request) -> Response:
        """How far the work on it is; once that has ended, the page anew."""
        sheet = self._find(request)
        if not sheet.busy:
            return Response(headers={"HX-Refresh": "true"})
        return self._shown("state.html", **self._of(sheet))

    async def start(self, request: Request) -> Response:
        """Fuse them as the form says."""
        sheet, form = self._find(request), await request.form()
        if sheet.busy:
            raise RequestError("these pictures are being worked on; wait, or stop it")
        if len(sheet.frames) < 2:
            raise RequestError("two pictures are needed; choose them anew")
        if len(sheet.results) >= MOST_RESULTS:
            raise RequestError(f"there are {MOST_RESULTS} results already; choose the pictures anew for more")
        sheet.config, sheet.method = asked(form), str(form.get("method", ""))
        self.methods.check(sheet.method)
        task = Task(lambda task: self._fuse(sheet, task))
        self.worker.submit(task)
        sheet.task = task
        return _led(request, f"/fuse/{sheet.id}")

    def stop(self, request: Request) -> Response:
        """Stop what is being done."""
        sheet = self._find(request)
        if sheet.task is not None:
            sheet.task.stop()
        return Response(status_code=204) if "hx-request" in request.headers else _led(request, f"/fuse/{sheet.id}")

    def remove(self, request: Request) -> Response:
        """Let go of the pictures."""
        self.sheets.remove(self._find(request))
        return _led(request, "/")

    def preview(self, request: Request) -> Response:
        """The quick look."""
        return self._file(self._find(request).preview)

    def thumbnail(self, request: Request) -> Response:
        """Of a frame."""
        return self._file(self._find(request).thumbnail(request.path_params["number"]))

    def file(self, request: Request) -> Response:
        """What is taken away."""
        name = request.path_params["name"]
        return FileResponse(self._result(request).file(name), filename=name)

    def description(self, request: Request) -> Response:
        """What a viewer reads first of a layer."""
        return Response(self._pyramid(request).description(), media_type="application/xml", headers=FOR_LONG)

    def tile(self, request: Request) -> Response:
        """A part of a layer at one of its sizes."""
        place = (request.path_params[name] for name in ("level", "column", "row"))
        return Response(self._pyramid(request).tile(*place), media_type="image/png", headers=FOR_LONG)

    def _fuse(self, sheet: Sheet, task: Task) -> None:
        task.tell("opening what fuses", 0.0)
        generator = self.methods.open(sheet.method)
        folder = sheet.folder / f"result-{secrets.token_hex(4)}"
        folder.mkdir()
        title = f"{sheet.method}, {sheet.config.quality}"
        sheet.results.append(fused(sheet.frames, generator, sheet.config, folder, title, task))

    def _find(self, request: Request) -> Sheet:
        return self.sheets.find(request.path_params["id"])

    def _result(self, request: Request) -> Any:
        results, number = self._find(request).results, request.path_params["result"]
        if number >= len(results):
            raise RequestError("this result is not there; reload the page")
        return results[number]

    def _pyramid(self, request: Request) -> Pyramid:
        result, layer = self._result(request), request.path_params["layer"]
        key = request.path_params["id"], request.path_params["result"], layer
        return self.kept.of(key, lambda: result.layer(layer))

    def _of(self, sheet: Sheet) -> dict[str, Any]:
        """What the page shows of a sheet."""
        waiting = sheet.task is not None and sheet.task.state == "waiting"
        return {
            "sheet": sheet,
            "ahead": self.worker.ahead(sheet.task) if waiting and sheet.task else 0,
            "methods": self.methods.listed(),
            "method": sheet.method or self.methods.default(len(sheet.frames)),
            "choices": choices(),
            "limits": self.serving.limits,
        }

    @staticmethod
    def _file(path: Path) -> Response:
        if not path.is_file():
            raise RequestError("this picture is not there; reload the page")
        return FileResponse(path, headers=FOR_LONG)

    def _ask(self, request: Request, wrong: bool = False) -> Response:
        return self._shown("token.html", status=401, wrong=wrong)

    def _told(self, request: Request, error: Exception) -> Response:
        """A refusal, as one line: in place on a page that is there, or as a page."""
        known = isinstance(error, BridgetuneError)
        line = " ".join(str(error).split()) if known else "there is nothing here; go back to the front page"
        status = 422 if isinstance(error, RequestError) else 500 if known else 404
        name = "line.html" if "hx-request" in request.headers else "refusal.html"
        return self._shown(name, status=status, line=line)

    def _shown(self, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        text = self._templates.get_template(name).render(**values)
        return HTMLResponse(text, status, {"Cache-Control": "no-store"})


def serve(serving: Serving, ready: Callable[[str], None]) -> None:
    """Serve the page until the process is asked to stop; then nothing is left of what was sent.

    Args:
        serving: See there.
        ready: Called with the page's address when it can be asked for.

    Raises:
        RequestError: The host or the port cannot be had.
    """
    with (
        listening(serving.host, serving.port) as heard,
        tempfile.TemporaryDirectory(prefix="bridgetune-", ignore_cleanup_errors=True) as folder,
    ):
        application = Page(serving, Path(folder)).application()
        config = uvicorn.Config(application, log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        ready(address(serving, heard.getsockname()[1]))
        uvicorn.Server(config).run(sockets=[heard])


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        RequestError: It cannot.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        raise RequestError(
            f"--host {host} --port {port}: cannot listen there ({error.strerror or error}); is the page open already?"
            " --port 0 takes any port that is free"
        ) from None


def address(serving: Serving, port: int) -> str:
    """Where a browser finds the page, with the token where there is one."""
    host = serving.host.strip("[]")
    anywhere = host in ("0.0.0.0", "::")
    shown = socket.gethostname() if anywhere else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}/" + (f"?token={serving.token}" if serving.token else "")


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


def _led(request: Request, to: str) -> Response:
    """Lead a browser to a page, whether a form or a script has sent it."""
    if "hx-request" in request.headers:
        return Response(headers={"HX-Redirect": to})
    return RedirectResponse(to, 303)


def _of(key: object, sheet: Sheet) -> bool:
    return isinstance(key, tuple) and key[0] == sheet.id
