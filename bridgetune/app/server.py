"""The page as a whole: who answers at which address, and how it is served."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from bridgetune.app.comparing import Comparing
from bridgetune.app.desk import Desk, Serving
from bridgetune.app.guard import LOOPBACK, Guard, admitted
from bridgetune.app.mending import Mending
from bridgetune.app.settings import FieldError
from bridgetune.app.showing import Showing
from bridgetune.app.tuning import TuningPages
from bridgetune.app.wording import at_field, in_words
from bridgetune.app.work import Worker
from bridgetune.errors import BridgetuneError, RequestError

PATIENCE = 3.0
"""Seconds that work has to stop in, once the page does."""

STOPPED = 130
"""The exit code of what was stopped, as the command line has it."""


class Page(Desk):
    """The page."""

    def application(self) -> Guard:
        """As an ASGI server takes it."""
        app = Starlette(
            routes=[
                *Showing(self).routes(),
                *Comparing(self).routes(),
                *Mending(self).routes(),
                *TuningPages(self).routes(),
                Route("/token", self.token, methods=["GET", "POST"]),
                Mount("/static", StaticFiles(packages=[("bridgetune.app", "static"), ("bridgetune.pages", "assets")])),
            ],
            lifespan=self._open,
            exception_handlers={BridgetuneError: self._told, 404: self._told},
        )
        hosts = LOOPBACK if self.serving.local else ()
        return Guard(app, hosts, self.serving.token, self._ask)

    @asynccontextmanager
    async def _open(self, app: Starlette) -> AsyncIterator[None]:
        tidying = asyncio.create_task(self._tidy())
        try:
            yield
        finally:
            tidying.cancel()
            self.worker.close()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(self.serving.tidied)
            await run_in_threadpool(self.sheets.tidy)

    async def token(self, request: Request) -> Response:
        """Take the token that was asked for."""
        form = await request.form() if request.method == "POST" else {}
        token = str(form.get("token", ""))
        if self.serving.token and not secrets.compare_digest(token.encode(), self.serving.token.encode()):
            return self._ask(request, bool(form))
        return admitted(RedirectResponse("/", 303), token)

    def _ask(self, request: Request, wrong: bool = False) -> Response:
        return self.shown("token.html", status=401, wrong=wrong)

    def _told(self, request: Request, error: Exception) -> Response:
        """A refusal, as one line: in place on a page that is there, at the field that it is of, or as a page."""
        known = isinstance(error, BridgetuneError)
        line = " ".join(str(error).split()) if known else "there is nothing here; go back to the front page"
        pictures = next((each for each in self.sheets.all() if each.id == request.path_params.get("id")), None)
        line = in_words(line) if pictures is None else pictures.in_words(line)
        line = at_field(error.field, line) if isinstance(error, FieldError) else line
        status = 422 if isinstance(error, RequestError) else 500 if known else 404
        name = "line.html" if "hx-request" in request.headers else "refusal.html"
        answer = self.shown(name, status=status, line=line)
        if isinstance(error, FieldError) and error.field:
            answer.headers["HX-Retarget"] = f"#at-{error.field}"
        return answer


def serve(serving: Serving, ready: Callable[[str], None]) -> None:
    """Serve the page until the process is asked to stop; then nothing is left of what was sent.

    Args:
        serving: See there.
        ready: Called with the page's address when it can be asked for.

    Raises:
        RequestError: The host or the port cannot be had.
    """
    with (
        ExitStack() as last,
        listening(serving.host, serving.port) as heard,
        tempfile.TemporaryDirectory(prefix="bridgetune-", ignore_cleanup_errors=True) as folder,
    ):
        page = Page(serving, Path(folder))
        last.callback(_leave, page.worker)
        config = uvicorn.Config(page.application(), log_level="warning", access_log=False, timeout_graceful_shutdown=2)
        ready(address(serving, heard.getsockname()[1]))
        try:
            uvicorn.Server(config).run(sockets=[heard])
        finally:
            page.worker.rests(PATIENCE)


def _leave(worker: Worker) -> None:
    """End the process at once where work goes on that was asked to stop: it would abort where a library computes."""
    if not worker.rests(0):
        print("bridgetune: stopped", file=sys.stderr, flush=True)
        os._exit(STOPPED)


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
