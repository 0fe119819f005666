"""The part of the page that tunes: runs are begun, looked at, stopped and gone on with."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from bridgetune.app import settings
from bridgetune.app.desk import FOR_LONG, Desk, led, picture
from bridgetune.app.workshop import MAIN, OF_ADAPTER, PLACES, Run, Tuning, Workshop
from bridgetune.config import AdapterConfig, TuneConfig
from bridgetune.errors import RequestError
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.history import History
from bridgetune.runs.maps import BESIDE, PARTS

if TYPE_CHECKING:
    from bridgetune.runs.curves import Chart

LABELLED = "mended"
"""The folder of pairs that were mended here."""

FIRST = ("duration", "batch", "size", "alpha")
"""Settings of training that are asked for first."""

PATIENCE, TIMES = 10.0, 10
"""Seconds for which charts of a run that goes on are good enough, and how many times as long as they took to draw."""

REPORT_POLICY = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; form-action 'none'"
    )
}
"""A report has all that it needs in itself, and may ask nobody."""


class TuningPages:
    """Runs.

    Args:
        desk: See there.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._drawing = threading.Lock()
        self._drawn = _Drawn("", -1, 0.0, 0.0, [])
        self._reported: dict[str, _Written] = {}

    def routes(self) -> list[Route]:
        """Addresses, and what answers at each."""
        return [
            Route("/tune", self.front),
            Route("/tune", self.begin, methods=["POST"]),
            Route("/tune/{name}", self.run),
            Route("/tune/{name}/state", self.state),
            Route("/tune/{name}/stop", self.stop, methods=["POST"]),
            Route("/tune/{name}/resume", self.resume, methods=["POST"]),
            Route("/tune/{name}/report", self.report),
            Route("/tune/{name}/report/made", self.make_report),
            Route("/tune/{name}/maps", self.maps),
            Route("/tune/{name}/maps/{done:int}/{number:int}-{part}.png", self.map),
            Route("/tune/{name}/files", self.files),
            Route("/tune/{name}/files/{path:path}", self.file),
            Route("/tune/{name}/curves", self.curves),
            Route("/tune/{name}/curves/{done:int}-{number:int}.png", self.curve),
            Route("/fuse/{id}/{result:int}/label", self.label, methods=["POST"]),
        ]

    def front(self, request: Request) -> Response:
        """What can be tuned on, and the runs that there are."""
        shop = self.desk.workshop
        if shop is None:
            return self.desk.shown("tune.html", shop=None)
        return self.desk.shown(
            "tune.html",
            shop=shop,
            generators=self.desk.methods.trainable(),
            labels=MAIN | PLACES,
            fields=Tuning.model_fields,
            training=settings.asked(TuneConfig, FIRST),
            adapter=settings.asked(AdapterConfig),
        )

    async def begin(self, request: Request) -> Response:
        """Begin a run."""
        form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
        shop, tuning = self._shop(), _tuning(form)
        if tuning.generator not in {method.name for method in self.desk.methods.trainable()}:
            raise settings.FieldError("generator", "generator: expected one of the list; reload the page")
        called = dict(self.desk.methods.adapter(tuning.generator)) | tuning.adapter
        settings.checked(AdapterConfig, called, OF_ADAPTER)
        name = await run_in_threadpool(shop.begin, tuning, self.desk.serving.trust)
        return led(request, f"/tune/{name}")

    def run(self, request: Request) -> Response:
        """A run, with its curves."""
        return self.desk.shown("run.html", drawn=None, **self._of_maps(request))

    def state(self, request: Request) -> Response:
        """How far it is; once it has ended, the page anew."""
        run = self._run(request)
        if not run.goes_on:
            return Response(headers={"HX-Refresh": "true"})
        return self.desk.shown("run_state.html", run=run)

    def curves(self, request: Request) -> Response:
        """Its charts: asked for once the page is there, for they take a moment to draw."""
        run = self._run(request)
        drawn = self._charts(run.name, run.done, PATIENCE if run.goes_on else 0.0) if run.done else None
        return self.desk.shown("run_curves.html", run=run, drawn=drawn)

    def stop(self, request: Request) -> Response:
        """Have it stop."""
        name = request.path_params["name"]
        self._shop().stop(name)
        return led(request, f"/tune/{name}")

    def resume(self, request: Request) -> Response:
        """Go on with it."""
        name = request.path_params["name"]
        self._shop().resume(name)
        return led(request, f"/tune/{name}")

    def report(self, request: Request) -> Response:
        """All that is known of it, as `bridgetune report` writes it."""
        return HTMLResponse(self._report(request).read_text(encoding="utf-8"), headers=REPORT_POLICY)

    def make_report(self, request: Request) -> Response:
        """The same within the page: answered once it is made, or refused in a line there, not in an empty frame."""
        self._report(request)
        return self.desk.shown("run_report.html", run=request.path_params["name"])

    def maps(self, request: Request) -> Response:
        """Maps of held-out pairs; nothing where the page has those of this step already."""
        told = self._of_maps(request)
        if request.query_params.get("seen") == str(told["measured"]):
            return Response(status_code=204)
        return self.desk.shown("run_maps.html", **told)

    def map(self, request: Request) -> Response:
        """One picture of a pair."""
        values = request.path_params
        kept = RunDirectory(self._shop().find(values["name"])).maps.all()
        files = next((pair.files for pair in kept if pair.number == values["number"]), {})
        if values["part"] not in files:
            raise RequestError("this map is not there; reload the page")
        return picture(files[values["part"]])

    def files(self, request: Request) -> Response:
        """What its folder holds."""
        name = request.path_params["name"]
        return self.desk.shown("run_files.html", run=name, files=self._shop().files(name))

    def file(self, request: Request) -> Response:
        """One of these, to be taken away."""
        name, path = request.path_params["name"], request.path_params["path"]
        if path not in self._shop().files(name):
            raise RequestError("this file is not there; reload the page")
        return FileResponse(self._shop().find(name) / path, filename=path.rpartition("/")[2])

    def curve(self, request: Request) -> Response:
        """One of its charts."""
        drawn = self._charts(request.path_params["name"], request.path_params["done"], math.inf)
        number = request.path_params["number"]
        if number >= len(drawn.charts):
            raise RequestError("this chart is not there; reload the page")
        return Response(drawn.charts[number].png, media_type="image/png", headers=FOR_LONG)

    def label(self, request: Request) -> Response:
        """Put a pair and its map among the pictures to tune on."""
        sheet, number = self.desk.find(request), request.path_params["result"]
        self.desk.result(sheet, number).label(self._shop().folder / LABELLED)
        return led(request, "/tune")

    def _shop(self) -> Workshop:
        if self.desk.workshop is None:
            raise RequestError("tune: no folder was named; start the page by `bridgetune app --tune DIR`")
        return self.desk.workshop

    def _run(self, request: Request) -> Run:
        name = request.path_params["name"]
        self._shop().find(name)
        return next(run for run in self._shop().runs() if run.name == name)

    def _of_maps(self, request: Request) -> dict[str, Any]:
        """Maps that are kept, and after which step they were measured last; -1 before."""
        run = self._run(request)
        folder = RunDirectory(self._shop().find(run.name))
        kept = folder.maps.all()
        validations = History(folder).validations if kept else []
        measured = int(validations[-1]["step"]) if validations else -1
        return {"run": run, "kept": kept, "parts": PARTS, "beside": BESIDE, "measured": measured}

    def _report(self, request: Request) -> Path:
        """Its file, which takes seconds to make: made anew only where the run's records have changed since."""
        from bridgetune.runs.report import PAGE, write_report

        name = request.path_params["name"]
        run = RunDirectory(self._shop().find(name))
        page = run.path / PAGE
        with self._drawing:
            known = _written(run.metrics), _written(run.maps.folder)
            if self._reported.get(name) != (*known, _written(page)):
                write_report(run)
                self._reported[name] = (*known, _written(page))
        return page

    def _charts(self, name: str, done: int, patience: float) -> _Drawn:
        """Its charts, drawn anew once more is done, but not before so many seconds have passed."""
        from bridgetune.runs.curves import charts

        path, now = self._shop().find(name), time.monotonic()
        with self._drawing:
            old = self._drawn
            enough = max(patience, TIMES * old.took) if patience else 0.0
            if old.name != name or (old.done != done and now - old.when >= enough):
                drawn = charts(History(RunDirectory(path)))
                self._drawn = _Drawn(name, done, now, time.monotonic() - now, drawn)
            return self._drawn


_Written = tuple[tuple[int, int], ...]
"""When files were written last, and how large they are."""


def _written(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _tuning(form: Mapping[str, str]) -> Tuning:
    """What a form asks for.

    Raises:
        FieldError: A value cannot be taken.
    """
    further = TuneConfig.model_fields.keys() - FIRST
    adapter = {name.removeprefix(OF_ADAPTER): text for name, text in form.items() if name.startswith(OF_ADAPTER)}
    main = {
        name: text
        for name, text in form.items()
        if text != "" and name not in further and name.removeprefix(OF_ADAPTER) not in adapter
    }
    values = {
        "training": settings.given(TuneConfig, {name: form[name] for name in further & form.keys()}),
        "adapter": settings.given(AdapterConfig, adapter, blank=True),
    }
    tuning = settings.checked(Tuning, {**main, **values})
    tuning.config()
    return tuning


class _Drawn(NamedTuple):
    """The charts of a run after so many steps."""

    name: str
    done: int
    when: float
    took: float
    charts: list[Chart]
