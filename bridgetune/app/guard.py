"""Who may use the page: this machine alone, or whoever has the token; and what a browser may do with it."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

COOKIE = "bridgetune"

LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
"""Names by which only programs of this machine find it."""

LIFE = 30 * 24 * 3600
"""Seconds that a browser remembers the token."""

_OPENSEADRAGON = "'sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE='"
"""Of the one style sheet that the viewer writes into the page."""

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'self'; style-src 'self' {_OPENSEADRAGON}; img-src 'self' blob: data:;"
        " connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""With these a browser takes nothing from elsewhere, and sends nothing there."""

Ask = Callable[[Request], Response]


class Guard:
    """Stands before the page.

    Args:
        app: The page, an ASGI application.
        hosts: Names that it answers to, so that no other site's name leads here; any where there are none.
        token: That a browser has to have; none where it is empty.
        ask: Answers who has no token.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], hosts: Collection[str], token: str, ask: Ask) -> None:
        self._app, self._hosts, self._token, self._ask = app, hosts, token, ask

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                named = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in HEADERS.items()
                        if name.lower().encode() not in named
                    ),
                ]
            await send(message)

        request = Request(scope, receive)
        answer = self._refused(request) or self._introduced(request)
        await (answer or self._app)(scope, receive, with_headers)

    def _refused(self, request: Request) -> Response | None:
        """What is answered to whom another site has sent."""
        host = request.headers.get("host", "")
        if self._hosts and urlsplit(f"//{host}").hostname not in self._hosts:
            return Response("this page is asked for by another name, expected 127.0.0.1", 400, media_type="text/plain")
        origin = request.headers.get("origin")
        if request.method not in ("GET", "HEAD") and origin and urlsplit(origin).netloc != host:
            return Response("another site has sent this; nothing was done", 403, media_type="text/plain")
        return None

    def _introduced(self, request: Request) -> Response | None:
        """What is answered to whom the token is asked of, or who brings it."""
        if not self._token or request.url.path.startswith("/static/"):
            return None
        if (brought := request.query_params.get("token")) is not None and self._is_right(brought):
            return admitted(RedirectResponse(request.url.path, 303), brought)
        if self._is_right(request.cookies.get(COOKIE, "")) or request.url.path == "/token":
            return None
        return self._ask(request)

    def _is_right(self, token: str) -> bool:
        return secrets.compare_digest(token.encode(), self._token.encode())


def admitted(answer: Response, token: str) -> Response:
    """The answer, with which a browser remembers the token."""
    answer.set_cookie(COOKIE, token, max_age=LIFE, httponly=True, samesite="strict")
    return answer
