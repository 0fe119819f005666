"""`bridgetune app`: the page in the browser."""

from __future__ import annotations

import secrets
import threading
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from bridgetune.cli.console import ERRORS, RESULTS
from bridgetune.cli.options import GENERATOR, NETWORK, Trust, check_network
from bridgetune.errors import RequestError
from bridgetune.paths import check_folder

SHORTEST = 12
"""Letters of a token that others shall not guess."""


def app(
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; 0: any port that is free.")] = 8765,
    host: Annotated[
        str, typer.Option(help="Which address it listens at. Beyond this machine, a token is asked for.")
    ] = "127.0.0.1",
    token: Annotated[
        str, typer.Option(help="What a browser has to bring. Default: none; beyond this machine, one that is drawn.")
    ] = "",
    generator: Annotated[
        list[str] | None,
        typer.Option(metavar=GENERATOR, help="Offer this one, too; may be repeated.", rich_help_panel=NETWORK),
    ] = None,
    trust_code: Trust = False,
    tune: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder with folders of pictures to tune on; runs go there.")
    ] = None,
    queue: Annotated[int, typer.Option(min=1, max=1000, help="Pieces of work that may wait.")] = 8,
    upload_mb: Annotated[int, typer.Option(min=1, max=4000, help="The most that a picture may have, in MB.")] = 160,
) -> None:
    """Fuse, compare, mend and tune in the browser: a page that this machine serves to itself, until Ctrl-C."""
    for name in generator or ():
        check_network(name)
    from bridgetune.app.desk import Serving

    if tune is not None:
        check_folder(tune, "a folder with folders of pictures")
    from bridgetune.app.guard import LOOPBACK
    from bridgetune.app.server import serve
    from bridgetune.app.uploads import MEGA, Limits

    if host not in LOOPBACK:
        if token and len(token) < SHORTEST:
            raise RequestError(
                f"--token: got {len(token)} letters, expected {SHORTEST} or more beyond this machine; leave it out to"
                " have one drawn"
            )
        token = token or secrets.token_urlsafe(16)
        ERRORS.print(
            f"--host {host}: others on the network reach this page, and what they send is not encrypted on its way; a"
            " browser is asked for the token",
            style="yellow",
        )
    limits = Limits(file=upload_mb * MEGA)

    def ready(address: str) -> None:
        RESULTS.print(f"the page is at {address} until Ctrl-C")
        if browser:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    serve(Serving(host, port, token, tuple(generator or ()), trust_code, tune, queue, limits), ready)
