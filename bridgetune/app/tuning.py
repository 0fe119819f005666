"""The part of the page that tunes: runs are begun, looked at, stopped and gone on with."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bridgetune.app.desk import FOR_LONG, Desk, led
from bridgetune.app.workshop import Tuning, Workshop
from bridgetune.documents import first_fault
from bridgetune.errors import RequestError
from bridgetune.runs.directory import RunDirectory
from bridgetune.runs.history import History

if TYPE_CHECKING:
    from bridgetune.runs.curves import Chart

LABELLED = "mended"
"""The folder of pairs that were mended here."""

PATIENCE = 10.0
"""Seconds for which charts of a run that goes on are good enough: they take the time of some steps to draw."""

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
        self._drawn = _Drawn("", -1, 0.0, [])

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
            Route("/tune/{name}/curves/{done:int}-{number:int}.png", self.curve),
            Route("/fuse/{id}/{result:int}/label", self.label, methods=["POST"]),
        ]

    def front(self, request: Request) -> Response:
        """What can be tuned on, and the runs that there are."""
        shop = self.desk.workshop
        if shop is None:
            return self.desk.shown("tune.html", shop=None)
        generators = self.desk.methods.trainable()
        fields = Tuning.model_fields
        return self.desk.shown("tune.html", shop=shop, generators=generators, fields=fields)

    async def begin(self, request: Request) -> Response:
        """Begin a run."""
        form = {name: value for name, value in (await request.form()).items() if value != ""}
        try:
            tuning = Tuning.model_validate(form)
        except ValidationError as error:
            raise RequestError(first_fault(error)) from None
        if tuning.generator not in self.desk.methods.trainable():
            raise RequestError("generator: expected one of the list; reload the page")
        name = await run_in_threadpool(self._shop().begin, tuning, self.desk.serving.trust)
        return led(request, f"/tune/{name}")

    def run(self, request: Request) -> Response:
        """A run, with its curves."""
        return self.desk.shown("run.html", **self._of(request))

    def state(self, request: Request) -> Response:
        """How far it is; once it has ended, the page anew."""
        told = self._of(request)
        if not told["run"].goes_on:
            return Response(headers={"HX-Refresh": "true"})
        return self.desk.shown("run_state.html", **told)

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
        from bridgetune.runs.report import PAGE, write_report

        path = self._shop().find(request.path_params["name"])
        write_report(RunDirectory(path))
        return HTMLResponse((path / PAGE).read_text(encoding="utf-8"), headers=REPORT_POLICY)

    def curve(self, request: Request) -> Response:
        """One of its charts."""
        drawn = self._charts(request.path_params["name"], request.path_params["done"], PATIENCE)
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

    def _of(self, request: Request) -> dict[str, Any]:
        name = request.path_params["name"]
        self._shop().find(name)
        (run,) = (run for run in self._shop().runs() if run.name == name)
        drawn = self._charts(name, run.done, PATIENCE if run.goes_on else 0.0) if run.done else None
        return {"run": run, "drawn": drawn}

    def _charts(self, name: str, done: int, patience: float) -> _Drawn:
        """Its charts, drawn anew once more is done, but not before so many seconds have passed."""
        from bridgetune.runs.curves import charts

        path, now = self._shop().find(name), time.monotonic()
        with self._drawing:
            old = self._drawn
            if old.name != name or (old.done != done and now - old.when >= patience):
                self._drawn = _Drawn(name, done, now, charts(History(RunDirectory(path))))
            return self._drawn


class _Drawn(NamedTuple):
    """The charts of a run after so many steps."""

    name: str
    done: int
    when: float
    charts: list[Chart]
