"""What every part of the page works at: pictures that are there, what is being done, how answers are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from bridgetune._version import __version__
from bridgetune.app.choices import Methods
from bridgetune.app.fusing import Result
from bridgetune.app.guard import LOOPBACK
from bridgetune.app.scoring import homogeneous
from bridgetune.app.sheets import Sheet, Sheets
from bridgetune.app.tiles import Kept, Outline, Pyramid
from bridgetune.app.uploads import Limits
from bridgetune.app.wording import in_words
from bridgetune.app.work import Worker
from bridgetune.app.workshop import Workshop
from bridgetune.errors import RequestError

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
        tune: A folder to tune in, see `Workshop`; none where there is to be none.
        queue: Pieces of work that may wait.
        limits: Of what is sent.
        idle: Seconds after which pictures that nobody looks at are removed.
        tidied: Seconds between two looks for such.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    token: str = ""
    generators: Sequence[str] = ()
    trust: bool = False
    tune: Path | None = None
    queue: int = 8
    limits: Limits = field(default_factory=Limits)
    idle: float = 7200.0
    tidied: float = 60.0

    @property
    def local(self) -> bool:
        """Whether only programs of this machine can reach it."""
        return self.host in LOOPBACK


class Desk:
    """What the page works at.

    Args:
        serving: How it is served.
        folder: An empty one, for what is sent and what comes of it.

    Attributes:
        workshop: Where is tuned, if anywhere.
        methods: What fuses.
        worker: Does it.
        sheets: What is there.
        kept: What is looked at.
    """

    def __init__(self, serving: Serving, folder: Path) -> None:
        self.serving = serving
        self.workshop = None if serving.tune is None else Workshop(serving.tune)
        self.methods = Methods(serving.generators, serving.trust, self.workshop.tuned if self.workshop else dict)
        self.worker = Worker(serving.queue)
        self.kept = Kept()
        self.sheets = Sheets(
            folder, idle=serving.idle, removed=lambda sheet: self.kept.forget(lambda key: _of(key, sheet))
        )
        self._templates = Environment(
            loader=PackageLoader("bridgetune.app"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["version"] = __version__
        self._templates.filters["in_words"] = in_words

    def find(self, request: Request) -> Sheet:
        """The sheet that an address names.

        Raises:
            RequestError: It is no longer there.
        """
        return self.sheets.find(request.path_params["id"])

    def result(self, sheet: Sheet, number: int) -> Result:
        """One of a sheet's results.

        Raises:
            RequestError: It is not there.
        """
        if not 0 <= number < len(sheet.results):
            raise RequestError("this result is not there; reload the page")
        return sheet.results[number]

    def pyramid(self, sheet: Sheet, number: int, layer: str) -> Pyramid:
        """A layer of a result, to be looked at; see `Result.layer`, and `homogeneous`, where its frames are that."""
        result = self.result(sheet, number)
        if layer == "homogeneous":
            return self.kept.of((sheet.id, layer, result.lies), lambda: Outline(homogeneous(result)))
        return self.kept.of((sheet.id, number, layer), lambda: Pyramid(result.layer(layer)))

    def ahead(self, sheet: Sheet) -> int:
        """How many come before what waits to be done with a sheet."""
        task = sheet.task
        return self.worker.ahead(task) if task is not None and task.state == "waiting" else 0

    def shown(self, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A template with values in it, whatever is in them escaped."""
        text = self._templates.get_template(name).render(**values)
        return HTMLResponse(text, status, {"Cache-Control": "no-store"})


def description(pyramid: Pyramid) -> Response:
    """What a viewer reads first of a layer."""
    return Response(pyramid.description(), media_type="application/xml", headers=FOR_LONG)


def tile(pyramid: Pyramid, request: Request) -> Response:
    """A part of a layer at one of its sizes, as the address names it."""
    place = (request.path_params[name] for name in ("level", "column", "row"))
    return Response(pyramid.tile(*place), media_type="image/png", headers=FOR_LONG)


def picture(path: Path) -> Response:
    """A picture that is shown as it is.

    Raises:
        RequestError: It is not there.
    """
    if not path.is_file():
        raise RequestError("this picture is not there; reload the page")
    return FileResponse(path, headers=FOR_LONG)


def led(request: Request, to: str) -> Response:
    """Lead a browser to a page, whether a form or a script has sent it."""
    if "hx-request" in request.headers:
        return Response(headers={"HX-Redirect": to})
    return RedirectResponse(to, 303)


def _of(key: object, sheet: Sheet) -> bool:
    return isinstance(key, tuple) and key[0] == sheet.id
